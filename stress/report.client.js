// Draws the stress report in the browser, with what charts.client.js has.
/* global uPlot, document, devicePixelRatio */
"use strict";
(() => {
  const { data, draw, line, axis, time, clock, color, money, share, sync, utc, HEIGHT } = globalThis.plimsollCharts;
  const [first, last] = [data.time[0], data.time[data.time.length - 1]];
  const stepped = uPlot.paths.stepped({ align: 1 });
  const upTo = (least) => ({ y: { range: (_, __, max) => [0, Math.max(least, max * 1.08)] } });

  /** Faults as bands behind the lines. */
  const bands = {
    drawClear: [
      ({ ctx, bbox, valToPos }) => {
        ctx.fillStyle = `${color("bad")}16`;
        for (const { from, to } of data.faults) {
          const [left, right] = [Math.max(from, first), Math.min(to, last)].map((t) => valToPos(t, "x", true));
          if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
        }
      },
    ],
  };

  draw(
    "prices",
    HEIGHT,
    {
      cursor: { sync },
      hooks: bands,
      scales: { x: {}, eth: {}, btc: {} },
      axes: [
        time,
        axis({ scale: "eth", values: (_, v) => v.map(money), stroke: color("eth"), size: 60 }),
        axis({
          ...{ scale: "btc", side: 1, values: (_, v) => v.map(money), stroke: color("btc") },
          ...{ grid: { show: false }, size: 60 },
        }),
      ],
      series: [
        clock,
        line("ETH", "eth", money, { scale: "eth" }),
        line("feed", "eth", money, { scale: "eth", dash: [4, 4], width: 1 }),
        line("BTC", "btc", money, { scale: "btc" }),
      ],
    },
    [data.time, data.eth, data.feedEth, data.btc],
  );

  const whole = (value) => (value === null || value === undefined ? "–" : String(value));
  draw(
    "unhealthy",
    HEIGHT,
    {
      cursor: { sync },
      hooks: bands,
      scales: { ...upTo(4), k: { range: (_, __, max) => [0, Math.max(1, max) * 4] } },
      axes: [time, axis({ size: 45 }), axis({ scale: "k", side: 1, show: false })],
      series: [
        clock,
        line("below maintenance", "bad", whole, { fill: `${color("bad")}22`, paths: stepped }),
        line("keepers at work", "soft", whole, { scale: "k", paths: stepped, width: 1 }),
      ],
    },
    [data.time, data.unhealthy, data.keepers],
  );

  const dollars = [time, axis({ values: (_, v) => v.map(money), size: 60 })];
  draw(
    "losses",
    HEIGHT,
    {
      ...{ cursor: { sync }, hooks: bands, axes: dollars, scales: upTo(100) },
      series: [
        clock,
        line("below zero", "short", money, { paths: stepped }),
        line("insurance", "long", money, { fill: `${color("long")}22`, paths: stepped }),
        line("lenders", "bad", money, { fill: `${color("bad")}22`, paths: stepped }),
      ],
    },
    [data.time, data.hole, data.insurancePaid, data.writtenOff],
  );

  draw(
    "equity",
    HEIGHT,
    {
      ...{ cursor: { sync }, hooks: bands, axes: dollars, scales: upTo(100) },
      series: [clock, line("equity", "equity", money, { fill: `${color("equity")}22` }), line("debt", "debt", money)],
    },
    [data.time, data.equity, data.debt],
  );

  draw(
    "hours",
    HEIGHT,
    {
      axes: [time, axis({ size: 45 })],
      scales: { x: { range: () => [first - 1800, Math.max(last, first + 3600) + 1800] }, ...upTo(4) },
      series: [
        clock,
        line("bids", "long", whole, {
          fill: `${color("long")}66`,
          paths: uPlot.paths.bars({ size: [0.8, 60], align: 1 }),
        }),
      ],
    },
    [data.hours.map((_, i) => first + i * 3600), data.hours],
  );

  // How many took no longer: a curve that reaches 100 % at the longest.
  const spells = [...data.spells].sort((a, b) => a - b);
  const curve =
    spells.length === 0
      ? [[1], [0]]
      : [spells.map((b) => Math.max(1, b)), spells.map((_, i) => (i + 1) / spells.length)];
  draw(
    "spells",
    HEIGHT,
    {
      scales: { x: { time: false, distr: 3 }, y: { range: [0, 1.02] } },
      axes: [
        axis({ values: (_, v) => v.map((each) => (each === null ? "" : String(each))) }),
        axis({ values: (_, v) => v.map(share), size: 55 }),
      ],
      series: [
        { label: "blocks", value: (_, v) => whole(v) },
        line("no longer", "equity", share, { paths: stepped, fill: `${color("equity")}22` }),
      ],
    },
    curve,
  );

  // Bids as bubbles: time, discount, and an area for the debt repaid.
  const bids = [...data.bids].sort((a, b) => a.time - b.time);
  const largest = Math.max(1, ...bids.map(({ debt }) => debt));
  const note = document.createElement("div");
  note.className = "hint";
  draw(
    "bids",
    HEIGHT,
    {
      legend: { show: false },
      cursor: { points: { show: false } },
      axes: [time, axis({ values: (_, v) => v.map(share), size: 55 })],
      scales: { x: { range: () => [first, last] }, y: { range: [-0.04, 1.06] } },
      series: [clock, { label: "discount", paths: () => null, points: { show: false } }],
      hooks: {
        ...bands,
        draw: [
          ({ ctx, valToPos }) => {
            for (const { time: at, discount, debt, insolvent } of bids) {
              const radius = (3 + 15 * Math.sqrt(Math.max(0, debt) / largest)) * devicePixelRatio;
              ctx.beginPath();
              ctx.arc(valToPos(at, "x", true), valToPos(discount, "y", true), radius, 0, 2 * Math.PI);
              ctx.fillStyle = `${color(insolvent ? "bad" : "long")}55`;
              ctx.strokeStyle = color(insolvent ? "bad" : "long");
              ctx.fill();
              ctx.stroke();
            }
          },
        ],
        setCursor: [
          ({ cursor, posToVal }) => {
            const [x, y] = [posToVal(cursor.left, "x"), posToVal(cursor.top, "y")];
            const distance = (bid) => Math.hypot((bid.time - x) / (last - first), (bid.discount - y) / 1.1);
            const near = bids.reduce((a, b) => (a === undefined || distance(b) < distance(a) ? b : a), undefined);
            note.textContent =
              near === undefined || cursor.left < 0 || distance(near) > 0.06
                ? ""
                : `${near.name}: ${share(near.fraction)} for ${money(near.price)}, ${money(near.debt)} of debt, ${utc(near.time)}`;
          },
        ],
      },
    },
    [bids.map((bid) => bid.time), bids.map((bid) => bid.discount)],
  );
  document.getElementById("bids").append(note);
})();
