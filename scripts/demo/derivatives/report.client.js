// Draws the books of perps and options; runs after ../report.client.js, whose tools it uses.
/* global document, plimsollCharts */
"use strict";
(() => {
  const { data, draw, line, axis, clock, money, sync, utc } = plimsollCharts;
  const { time, charts } = data.derivatives;
  const COLORS = { standard: "eth", portfolio: "btc" };
  const days = axis({ values: (_, splits) => splits.map(utc), space: 110 });
  for (const [i, { name, lines }] of charts.entries()) {
    const place = document.createElement("div");
    const title = document.createElement("b");
    title.textContent = name;
    const chart = document.createElement("div");
    chart.id = `book${i}`;
    place.append(title, chart);
    document.getElementById("books").append(place);
    draw(
      chart.id,
      150,
      {
        cursor: { sync },
        legend: { show: false },
        axes: [days, axis({ values: (_, v) => v.map(money), size: 50 })],
        series: [
          clock,
          ...lines.flatMap(({ model }) => [
            line(`${model}: equity`, COLORS[model], money, { dash: [4, 3], width: 1, spanGaps: false }),
            line(`${model}: required`, COLORS[model], money, { spanGaps: false }),
          ]),
        ],
      },
      [time, ...lines.flatMap(({ equity, required }) => [equity, required])],
    );
  }
})();
