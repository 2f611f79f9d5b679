// Draws the report in the browser, with what charts.client.js has.
/* global uPlot, document, devicePixelRatio */
"use strict";
(() => {
  const { data, draw, line, axis, time, clock, color, money, share, sync, utc, HEIGHT } = globalThis.plimsollCharts;

  draw(
    "prices",
    HEIGHT,
    {
      cursor: { sync },
      scales: { x: {}, eth: {}, btc: {} },
      axes: [
        time,
        axis({ scale: "eth", values: (_, v) => v.map(money), stroke: color("eth"), size: 60 }),
        axis({
          scale: "btc",
          side: 1,
          values: (_, v) => v.map(money),
          stroke: color("btc"),
          grid: { show: false },
          size: 60,
        }),
      ],
      series: [clock, line("ETH", "eth", money, { scale: "eth" }), line("BTC", "btc", money, { scale: "btc" })],
    },
    [data.time, data.eth, data.btc],
  );

  const dollarAxes = [time, axis({ values: (_, v) => v.map(money), size: 60 })];
  draw(
    "equity",
    HEIGHT,
    {
      cursor: { sync },
      axes: dollarAxes,
      scales: { y: { range: (_, __, max) => [0, max * 1.05] } },
      series: [clock, line("equity", "equity", money, { fill: `${color("equity")}22` }), line("debt", "debt", money)],
    },
    [data.time, data.equity, data.debt],
  );

  draw(
    "insurance",
    HEIGHT,
    {
      cursor: { sync },
      axes: dollarAxes,
      scales: { y: { range: (_, __, max) => [0, max * 1.1] } },
      series: [
        clock,
        line("insurance fund", "long", money, { fill: `${color("long")}22`, paths: uPlot.paths.stepped({ align: 1 }) }),
      ],
    },
    [data.time, data.insurance],
  );

  // Every account a thin line; the one nearest to the pointer is named and stands out.
  const hint = document.createElement("div");
  hint.className = "hint";
  draw(
    "margins",
    360,
    {
      cursor: { sync, focus: { prox: 24 } },
      focus: { alpha: 0.12 },
      legend: { show: false },
      axes: [time, axis({ values: (_, v) => v.map(share), size: 55 })],
      scales: { y: { range: [-1.02, 1.02] } },
      series: [
        clock,
        ...data.accounts.map(({ name, kind }) => line(name, kind, share, { width: 1.1, alpha: 0.75, spanGaps: false })),
      ],
      hooks: {
        drawClear: [
          ({ ctx, bbox, valToPos }) => {
            const zero = valToPos(0, "y", true);
            ctx.fillStyle = `${color("bad")}14`;
            ctx.fillRect(bbox.left, zero, bbox.width, bbox.top + bbox.height - zero);
            ctx.fillStyle = color("bad");
            ctx.fillRect(bbox.left, zero, bbox.width, devicePixelRatio);
          },
        ],
        setSeries: [
          (chart, i) => {
            const at = chart.cursor.idx;
            hint.textContent =
              i === null || i < 1 || at === null || at === undefined
                ? ""
                : `${chart.series[i].label}: ${share(chart.data[i][at])} at ${utc(chart.data[0][at])}`;
          },
        ],
      },
    },
    [data.time, ...data.accounts.map(({ margin }) => margin)],
  );
  document.getElementById("margins").append(hint);

  // Bids as bubbles: time, discount, and an area for the debt repaid.
  const bids = [...data.bids].sort((a, b) => a.time - b.time);
  const largest = Math.max(1, ...bids.map(({ debtRepaid }) => debtRepaid));
  const radius = ({ debtRepaid }) => (3 + 15 * Math.sqrt(Math.max(0, debtRepaid) / largest)) * devicePixelRatio;
  const note = document.createElement("div");
  note.className = "hint";
  const first = data.time[0];
  const last = data.time[data.time.length - 1];
  draw(
    "auctions",
    HEIGHT,
    {
      legend: { show: false },
      cursor: { points: { show: false } },
      axes: [time, axis({ values: (_, v) => v.map(share), size: 55 })],
      scales: { x: { range: () => [first, last] }, y: { range: [-0.04, 1.06] } },
      series: [clock, { label: "discount", paths: () => null, points: { show: false } }],
      hooks: {
        draw: [
          ({ ctx, valToPos }) => {
            for (const bid of bids) {
              ctx.beginPath();
              ctx.arc(
                valToPos(bid.time, "x", true),
                valToPos(1 - bid.discountFactor, "y", true),
                radius(bid),
                0,
                2 * Math.PI,
              );
              ctx.fillStyle = `${color(bid.insolvent ? "bad" : "long")}66`;
              ctx.strokeStyle = color(bid.insolvent ? "bad" : "long");
              ctx.fill();
              ctx.stroke();
            }
          },
        ],
        setCursor: [
          ({ cursor, posToVal }) => {
            const [x, y] = [posToVal(cursor.left, "x"), posToVal(cursor.top, "y")];
            const distance = (bid) => Math.hypot((bid.time - x) / (last - first), (1 - bid.discountFactor - y) / 1.1);
            const near = bids.reduce((a, b) => (a === undefined || distance(b) < distance(a) ? b : a), undefined);
            note.textContent =
              near === undefined || cursor.left < 0 || distance(near) > 0.06
                ? ""
                : `${near.name}: ${share(near.fraction)} of at most ${share(near.maxFraction)} for ${money(near.price)}, ${money(near.debtRepaid)} of debt, ${utc(near.time)}`;
          },
        ],
      },
    },
    [bids.map((bid) => bid.time), bids.map((bid) => 1 - bid.discountFactor)],
  );
  document.getElementById("auctions").append(note);
})();
