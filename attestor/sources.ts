// Where an attestor's numbers come from. A source is asked what it sees at a time; it sends nothing and signs nothing.
import { feedViolations, grid, type Slice as SmileSlice, type Svi, totalVariance, YEAR_SECONDS } from "../sdk/svi.ts";
import { calibrate, type ExpiryQuotes } from "./calibrate.ts";
import { modelSlice, USUAL_MODEL, type VolModel } from "./model.ts";
import type { SurfaceFile } from "./surfaceFile.ts";

export interface ExpiryView {
  readonly expiry: number;
  /** Forward ÷ index. */
  readonly ratio: number;
  /** Continuous, per year. */
  readonly rate: number;
  readonly svi: Svi;
}

export interface View {
  /** Perp ÷ index − 1. */
  readonly premium: number;
  /** 0 to 1. */
  readonly confidence: number;
  /** Ascending. */
  readonly expiries: readonly ExpiryView[];
}

export interface Source {
  readonly name: string;
  /** `now` and `expiries` in unix seconds, ascending and in the future. */
  see(now: number, expiries: readonly number[]): View;
}

const yearsTo = (expiry: number, now: number): number => (expiry - now) / YEAR_SECONDS;

// ------------------------------------------------------------------ a model

export interface SyntheticSettings {
  readonly model: VolModel;
  /** Continuous, per year: forwards grow at this rate. */
  readonly carry: number;
  readonly premium: number;
}

export const USUAL_SETTINGS: SyntheticSettings = { model: USUAL_MODEL, carry: 0.03, premium: 0.0001 };

const modelView = ({ model, carry, premium }: SyntheticSettings, now: number, expiries: readonly number[]): View => ({
  premium,
  confidence: 1,
  expiries: expiries.map((expiry) => {
    const time = yearsTo(expiry, now);
    return { expiry, ratio: Math.exp(carry * time), rate: carry, svi: modelSlice(model, time) };
  }),
});

export const syntheticSource = (settings: SyntheticSettings = USUAL_SETTINGS): Source => ({
  name: "synthetic",
  see: (now, expiries) => modelView(settings, now, expiries),
});

// ------------------------------------------------------------------ recorded candles

export interface CandleRow {
  readonly time: number;
  readonly close: number;
  /** Undefined where the record has none. */
  readonly volatility: number | undefined;
  readonly funding: number | undefined;
}

/** Columns `ts`, `<asset>_c` and, where known, `<asset>_dvol` (or `btc_dvol`) and `<asset>_funding8h`. */
export const parseCandles = (text: string, asset: string): CandleRow[] => {
  const [head = "", ...lines] = text.trim().split(/\r?\n/);
  const names = head.split(",");
  const columnOf = (...wanted: string[]): number => names.findIndex((name) => wanted.includes(name.toLowerCase()));
  const columns = {
    time: columnOf("ts"),
    close: columnOf(`${asset}_c`, `${asset}_close`),
    volatility: [`${asset}_dvol`, "btc_dvol"].map((name) => columnOf(name)).find((column) => column >= 0) ?? -1,
    funding: columnOf(`${asset}_funding8h`),
  };
  if (columns.time < 0 || columns.close < 0) throw new RangeError(`candles need columns ts and ${asset}_c`);
  const optional = (cell: string | undefined): number | undefined => (cell ? Number(cell) : undefined);
  return lines.map((line) => {
    const cells = line.split(",");
    return {
      time: Number(cells[columns.time]),
      close: Number(cells[columns.close]),
      volatility: optional(cells[columns.volatility]),
      funding: optional(cells[columns.funding]),
    };
  });
};

const DECAY = 0.97; // per candle, of the volatility that stands in where none was recorded
const LEAST_VOLATILITY = 0.2;

/** What was known at each candle: volatility and funding as recorded, else the candles' own volatility and the last funding. */
const knownAt = (rows: readonly CandleRow[]): { time: number; volatility: number; funding: number }[] => {
  let variance = USUAL_MODEL.now ** 2;
  let funding = 0;
  return rows.map((row, i) => {
    const before = rows[i - 1];
    if (before !== undefined && row.time > before.time) {
      const perYear = Math.log(row.close / before.close) ** 2 / yearsTo(row.time, before.time);
      variance = DECAY * variance + (1 - DECAY) * perYear;
    }
    funding = row.funding ?? funding;
    return { time: row.time, volatility: Math.max(LEAST_VOLATILITY, row.volatility ?? Math.sqrt(variance)), funding };
  });
};

/** Replays a record: `now` is a time in it; before and behind it its ends hold. */
export const candleSource = (rows: readonly CandleRow[], settings: SyntheticSettings = USUAL_SETTINGS): Source => {
  const known = knownAt(rows);
  return {
    name: "candles",
    see: (now, expiries) => {
      let at = known[0];
      for (const each of known) if (each.time <= now) at = each;
      if (at === undefined) throw new RangeError("the record is empty");
      const model = { ...settings.model, now: at.volatility };
      return modelView({ ...settings, model, premium: at.funding }, now, expiries);
    },
  };
};

// ------------------------------------------------------------------ a recorded surface

const SAMPLES = 25;
const HALF_SPREAD = 0.005;
const SAMPLE_WIDTH = 2.5;
const REFIT_SECONDS = 3_600;

/** Total variance between two smiles grows linearly with time; before the first and behind the last, with its volatility. */
const varianceAt = (slices: readonly SmileSlice[], time: number, k: number): number => {
  const after = slices.findIndex((slice) => slice.time >= time);
  const [early, late] = [slices[after - 1], slices[after < 0 ? slices.length - 1 : after]];
  if (late === undefined) throw new RangeError("a surface has at least one expiry");
  const far = totalVariance(late.svi, k);
  if (early === undefined || after < 0) return (far * time) / late.time;
  const near = totalVariance(early.svi, k);
  return near + ((far - near) * (time - early.time)) / (late.time - early.time);
};

const sampled = (slices: readonly SmileSlice[], expiry: number, time: number): ExpiryQuotes => {
  const deviation = Math.sqrt(varianceAt(slices, time, 0));
  const quotes = grid(-SAMPLE_WIDTH, SAMPLE_WIDTH, SAMPLES).map((unit) => {
    const k = unit * deviation;
    const vol = Math.sqrt(varianceAt(slices, time, k) / time);
    return { strike: Math.exp(k), bid: vol - HALF_SPREAD, ask: vol + HALF_SPREAD };
  });
  return { expiry, time, forward: 1, quotes };
};

/** A fitted snapshot laid over today's expiries by their distance in time, forwards too. Fitted anew every hour. */
export const surfaceSource = (file: SurfaceFile, premium = USUAL_SETTINGS.premium): Source => {
  const recorded = calibrate(file.expiries).slices;
  let fitted: { key: string; at: number; slices: readonly SmileSlice[] } | undefined;

  const carryAt = (time: number): number => {
    const nearest = recorded.reduce((best, slice) =>
      Math.abs(slice.time - time) < Math.abs(best.time - time) ? slice : best,
    );
    return Math.log(nearest.forward / file.spot) / nearest.time;
  };
  const fit = (now: number, expiries: readonly number[]) => ({
    key: expiries.join(),
    at: now,
    slices: calibrate(expiries.map((expiry) => sampled(recorded, expiry, yearsTo(expiry, now)))).slices,
  });
  /** Between fits variance runs off evenly. */
  const rolled = (slices: readonly SmileSlice[], now: number): Svi[] =>
    slices.map(({ svi, expiry, time }) => {
      const part = yearsTo(expiry, now) / time;
      return { ...svi, a: svi.a * part, b: svi.b * part };
    });

  return {
    name: "surface",
    see: (now, expiries) => {
      const isOld = fitted?.key !== expiries.join() || now - fitted.at >= REFIT_SECONDS || now < fitted.at;
      if (fitted === undefined || isOld) fitted = fit(now, expiries);
      let smiles = rolled(fitted.slices, now);
      if (feedViolations(smiles.map((svi) => ({ svi }))).length > 0) {
        fitted = fit(now, expiries);
        smiles = rolled(fitted.slices, now);
      }
      return {
        premium,
        confidence: 1,
        expiries: expiries.flatMap((expiry, i) => {
          const svi = smiles[i];
          const time = yearsTo(expiry, now);
          const rate = carryAt(time);
          return svi === undefined ? [] : [{ expiry, ratio: Math.exp(rate * time), rate, svi }];
        }),
      };
    },
  };
};
