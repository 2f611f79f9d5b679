// Draws the frontier in the browser, with what charts.client.js has.
/* global document, devicePixelRatio */
"use strict";
(() => {
  const { data, draw, axis, color, share } = globalThis.plimsollCharts;
  const points = [...data.points].sort((a, b) => a.leverage - b.leverage);
  const note = document.createElement("div");
  note.className = "hint";
  const [least, most] = [points[0].leverage, points[points.length - 1].leverage];
  const highest = Math.max(0.0001, ...points.map(({ part }) => part));
  const fine = (value) => (highest < 0.05 ? `${(value * 100).toFixed(2)} %` : share(value));
  const margin = Math.max(0.5, (most - least) * 0.08);
  draw(
    "frontier",
    420,
    {
      legend: { show: false },
      cursor: { points: { show: false } },
      axes: [
        axis({ values: (_, v) => v.map((each) => `${each}x`) }),
        axis({ values: (_, v) => v.map(fine), size: 65 }),
      ],
      scales: {
        x: { time: false, range: () => [least - margin, most + margin] },
        y: { range: () => [-highest * 0.06, highest * 1.1] },
      },
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        draw: [
          ({ ctx, valToPos }) => {
            const at = ({ leverage, part }) => [valToPos(leverage, "x", true), valToPos(part, "y", true)];
            ctx.strokeStyle = color("equity");
            ctx.lineWidth = 2 * devicePixelRatio;
            ctx.beginPath();
            for (const [i, point] of points.filter(({ best }) => best).entries()) {
              if (i === 0) ctx.moveTo(...at(point));
              else ctx.lineTo(...at(point));
            }
            ctx.stroke();
            for (const point of [...points].sort((a, b) => a.best - b.best)) {
              ctx.beginPath();
              ctx.arc(...at(point), 6 * devicePixelRatio, 0, 2 * Math.PI);
              ctx.fillStyle = color(point.best ? "equity" : "soft");
              ctx.fill();
            }
          },
        ],
        setCursor: [
          ({ cursor, posToVal }) => {
            const [x, y] = [posToVal(cursor.left, "x"), posToVal(cursor.top, "y")];
            const distance = ({ leverage, part }) =>
              Math.hypot((leverage - x) / (most - least + 2 * margin), (part - y) / highest);
            const near = points.reduce((a, b) => (distance(b) < distance(a) ? b : a));
            note.textContent =
              cursor.left < 0 || distance(near) > 0.1
                ? ""
                : `${near.name}: ${near.leverage.toFixed(1)}x, bad debt ${fine(near.part)} of what was owed`;
          },
        ],
      },
    },
    [points.map(({ leverage }) => leverage), points.map(({ part }) => part)],
  );
  document.getElementById("frontier").append(note);
})();
