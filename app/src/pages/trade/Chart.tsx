// Candles with lines where the account was entered and where it would be liquidated. Loaded when it is needed.
import { useQuery } from "@tanstack/react-query";
import {
  CandlestickSeries,
  ColorType,
  createChart,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  LineStyle,
} from "lightweight-charts";
import { type ReactNode, useEffect, useRef, useState } from "react";

import { readCandles } from "../../data/candles.ts";
import { useSite } from "../../data/hooks.ts";
import { settings } from "../../lib/settings.ts";
import { useStore } from "../../lib/store.ts";
import { Segments } from "../../ui/parts.tsx";

export interface ChartLine {
  readonly price: number;
  readonly title: string;
  readonly tone: "good" | "bad" | "muted";
}

const INTERVALS = [
  { value: "60", label: "1m" },
  { value: "300", label: "5m" },
  { value: "900", label: "15m" },
] as const;

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const paint = (chart: IChartApi, series: ISeriesApi<"Candlestick">): void => {
  chart.applyOptions({
    layout: {
      background: { type: ColorType.Solid, color: colour("card") },
      textColor: colour("muted"),
      attributionLogo: false,
    },
    grid: { vertLines: { color: colour("raised") }, horzLines: { color: colour("raised") } },
    timeScale: { borderColor: colour("line"), timeVisible: true },
    rightPriceScale: { borderColor: colour("line") },
  });
  const [up, down] = [colour("buy"), colour("sell")];
  series.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false });
};

const Chart = ({ feed, name, lines }: { feed: string; name: string; lines: readonly ChartLine[] }): ReactNode => {
  const site = useSite();
  const place = useRef<HTMLDivElement>(null);
  const made = useRef<{ chart: IChartApi; series: ISeriesApi<"Candlestick">; lines: IPriceLine[] }>(undefined);
  const [seconds, setSeconds] = useState<(typeof INTERVALS)[number]["value"]>("60");
  const { theme } = useStore(settings);
  const { data } = useQuery({
    queryKey: [site.key, "candles", feed, seconds],
    queryFn: () => readCandles(site, feed, Number(seconds)),
    refetchInterval: 2_000,
    structuralSharing: false,
  });
  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const chart = createChart(current, { autoSize: true, layout: { attributionLogo: false } });
    const series = chart.addSeries(CandlestickSeries);
    paint(chart, series);
    made.current = { chart, series, lines: [] };
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const repaint = (): void => paint(chart, series);
    scheme.addEventListener("change", repaint);
    return () => {
      scheme.removeEventListener("change", repaint);
      made.current = undefined;
      chart.remove();
    };
  }, []);
  useEffect(() => {
    if (made.current !== undefined) paint(made.current.chart, made.current.series);
  }, [theme]);
  useEffect(() => {
    if (data !== undefined) made.current?.series.setData(data);
  }, [data]);
  const drawn = JSON.stringify(lines);
  useEffect(() => {
    const { current } = made;
    if (current === undefined) return;
    for (const line of current.lines) current.series.removePriceLine(line);
    current.lines = (JSON.parse(drawn) as ChartLine[]).map(({ price, title, tone }) =>
      current.series.createPriceLine({
        ...{ price, title, color: colour(tone), lineWidth: 1, axisLabelVisible: true },
        lineStyle: tone === "bad" ? LineStyle.Dashed : LineStyle.Dotted,
      }),
    );
  }, [drawn, theme]);
  const last = data?.at(-1);
  return (
    <>
      <div className="card-head">
        <h2>{name} index</h2>
        <Segments label="Candle length" value={seconds} options={INTERVALS} onChange={setSeconds} />
      </div>
      <div
        ref={place}
        className="chart"
        role="img"
        aria-label={`Candles of ${name}${last === undefined ? "" : `, last price ${last.close.toFixed(2)}`}${lines
          .map(({ title, price }) => `, ${title} at ${price.toFixed(2)}`)
          .join("")}`}
      />
    </>
  );
};

export default Chart;
