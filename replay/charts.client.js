// What charts of reports are made of, in the browser; uPlot is inlined before it.
/* global uPlot, document, getComputedStyle, matchMedia, ResizeObserver, location */
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const HEIGHT = 240;
  const utc = (seconds) => new Date(seconds * 1000).toISOString().slice(5, 16).replace("T", " ");
  const money = (value) =>
    value === null || value === undefined
      ? "–"
      : Math.abs(value) >= 1e6
        ? `$${(value / 1e6).toFixed(2)}M`
        : Math.abs(value) >= 1e4
          ? `$${(value / 1e3).toFixed(0)}k`
          : `$${value.toFixed(0)}`;
  const share = (value) => (value === null || value === undefined ? "–" : `${(value * 100).toFixed(0)} %`);

  const axis = (options) => ({
    stroke: color("soft"),
    grid: { stroke: color("line"), width: 1 },
    ticks: { stroke: color("line"), width: 1 },
    font: "11px system-ui, sans-serif",
    ...options,
  });
  const time = axis({ values: (_, splits) => splits.map(utc), space: 110 });
  const clock = { label: "UTC", value: (_, t) => (t === null ? "–" : utc(t)) };
  const line = (label, name, value, options) => ({
    label,
    stroke: color(name),
    width: 1.6,
    points: { show: false },
    value: (_, v) => value(v),
    ...options,
  });
  const sync = { key: "time", scales: ["x", null] };

  function draw(id, height, options, series) {
    const place = document.getElementById(id);
    // Without an axis on the right the last label would be cut.
    const isOpen = options.axes.every(({ side, show }) => side !== 1 || show === false);
    const padding = [null, isOpen ? 36 : null, null, null];
    const chart = new uPlot(
      { tzDate: (t) => uPlot.tzDate(new Date(t * 1000), "UTC"), width: place.clientWidth, height, padding, ...options },
      series,
      place,
    );
    new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height })).observe(place);
    return chart;
  }

  globalThis.plimsollCharts = { data, draw, line, axis, time, clock, color, money, share, sync, utc, HEIGHT };

  // Colours are read once: start over when the reader changes light for dark.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
})();
