// The scenario parameters of one underlying (contracts/risk/ScenarioTable.sol): human numbers to the words that the scale and the
// calculator read. Pure.

/** A decimal as a JavaScript number, a string, or WAD as a bigint. */
export type Decimal = number | string | bigint;

/** How a scenario shocks volatility. */
export type VolatilityRule = "up" | "none" | "down" | "linear" | "abs";

/** A shock of spot and volatility. */
export interface Scenario {
  /** Spot factor s: 1.18 is 18 % up. Skew rules have 1. */
  readonly spot: Decimal;
  readonly volatility: VolatilityRule;
  /** w */
  readonly weight: Decimal;
}

/** The scenarios of one underlying and what goes with them. */
export interface ScenarioParameters {
  readonly scenarios: readonly Scenario[];
  readonly volatility: {
    readonly rangeUp: Decimal;
    /** σ_min of the rule up. */
    readonly least: Decimal;
    readonly rangeDown: Decimal;
    readonly daysFloor: Decimal;
    readonly shortPower: Decimal;
    readonly longPower: Decimal;
  };
  readonly discount: {
    /** B₊, m_L, a_L */
    readonly gain: { readonly base: Decimal; readonly mult: Decimal; readonly add: Decimal };
    /** B₋, m_S, a_S */
    readonly loss: { readonly base: Decimal; readonly mult: Decimal; readonly add: Decimal };
  };
  readonly skew: {
    readonly linear: { readonly base: Decimal; readonly scale: Decimal };
    readonly abs: { readonly base: Decimal; readonly scale: Decimal };
    readonly minKStar: Decimal;
    readonly minWidthScale: Decimal;
    readonly volStatic: Decimal;
    readonly volScale: Decimal;
  };
  readonly basis: { readonly up: Decimal; readonly down: Decimal; readonly add: Decimal; readonly mult: Decimal };
  readonly confidence: { readonly threshold: Decimal; readonly margin: Decimal };
  /** Parts of |n|·S, and what `initial` adds to them. */
  readonly perp: { readonly maintenance: Decimal; readonly initialExtra: Decimal };
  readonly option: { readonly maintenance: Decimal; readonly initialExtra: Decimal };
  /** mm, im: the same for all underlyings of a table. */
  readonly lossFactor: { readonly maintenance: Decimal; readonly initial: Decimal };
  readonly peg: { readonly threshold: Decimal; readonly factor: Decimal };
}

const RULES: readonly VolatilityRule[] = ["up", "none", "down", "linear", "abs"];
const NO_SCENARIO = 255;
const WAD = 10n ** 18n;
const FIELD_UNIT = 1_000n;
const LOG_UNIT = 2 ** 27;
const LOG_SHIFT = 8;

interface Cell {
  readonly spot: bigint;
  readonly rule: VolatilityRule;
  readonly weight: bigint;
  readonly place: number;
}

/** WAD, exactly for strings and bigints, to the last of 18 digits for numbers. */
export function toWad(value: Decimal): bigint {
  if (typeof value === "bigint") return value;
  const text = typeof value === "number" ? value.toFixed(18) : value;
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) throw new RangeError(`not a decimal: ${text}`);
  const [, sign, whole, fraction = ""] = match;
  if (whole === undefined || fraction.length > 18) throw new RangeError(`more than 18 decimals: ${text}`);
  const wad = BigInt(whole) * WAD + BigInt(fraction.padEnd(18, "0"));
  return sign === "-" ? -wad : wad;
}

/** A parameter in its 64 bits: units of 1e-15, to nearest. */
function field(value: Decimal, name: string): bigint {
  const wad = toWad(value);
  const units = (wad + (wad < 0n ? -FIELD_UNIT : FIELD_UNIT) / 2n) / FIELD_UNIT;
  if (BigInt.asIntN(64, units) !== units) throw new RangeError(`${name} = ${String(value)} is too large`);
  return BigInt.asUintN(64, units);
}

/** A cell's weight or spot factor: WAD. */
function unsigned(value: bigint, name: string): bigint {
  if (BigInt.asUintN(64, value) !== value) throw new RangeError(`${name} = ${value} does not fit 64 bits`);
  return value;
}

/** ln s as cells hold it. */
function logOf(spot: bigint): bigint {
  return BigInt(Math.round((Math.log(Number(spot) / 1e18) + LOG_SHIFT) * LOG_UNIT));
}

function cellsOf(parameters: ScenarioParameters): Cell[] {
  const cells: Cell[] = parameters.scenarios.map((scenario, place) => ({
    spot: toWad(scenario.spot),
    rule: scenario.volatility,
    weight: toWad(scenario.weight),
    place,
  }));
  // Base and basis read cells of the rule none; what no scenario needs is added without a weight.
  for (const spot of [WAD, toWad(parameters.basis.up), toWad(parameters.basis.down)]) {
    if (!cells.some((cell) => cell.rule === "none" && cell.spot === spot)) {
      cells.push({ spot, rule: "none", weight: 0n, place: NO_SCENARIO });
    }
  }
  const key = (cell: Cell): number => RULES.indexOf(cell.rule);
  return cells.sort((a, b) => key(a) - key(b) || (a.spot < b.spot ? -1 : a.spot > b.spot ? 1 : a.place - b.place));
}

const word = (value: bigint): string => value.toString(16).padStart(64, "0");

/** The words of {ScenarioTable} as 0x-hex, for the ledger table and for the calculator alike. */
export function packScenarioParameters(p: ScenarioParameters): string {
  const cells = cellsOf(p);
  const find = (spot: Decimal): number => cells.findIndex((cell) => cell.rule === "none" && cell.spot === toWad(spot));
  const header = [
    p.scenarios.length,
    ...RULES.map((rule) => cells.filter((cell) => cell.rule === rule).length),
    find(WAD),
    find(p.basis.up),
    find(p.basis.down),
  ];
  if (header.some((byte) => byte > 0xff)) throw new RangeError("more than 255 cells");
  const numbers: readonly (readonly [string, Decimal, Decimal, Decimal, Decimal])[] = [
    ["volatility", p.volatility.rangeUp, p.volatility.least, p.volatility.rangeDown, p.volatility.daysFloor],
    ["power, B", p.volatility.shortPower, p.volatility.longPower, p.discount.gain.base, p.discount.loss.base],
    ["discount", p.discount.gain.mult, p.discount.gain.add, p.discount.loss.mult, p.discount.loss.add],
    ["skew", p.skew.linear.base, p.skew.linear.scale, p.skew.abs.base, p.skew.abs.scale],
    ["skew width", p.skew.minKStar, p.skew.minWidthScale, p.skew.volStatic, p.skew.volScale],
    ["basis, confidence", p.basis.add, p.basis.mult, p.confidence.threshold, p.confidence.margin],
    ["perp, option", p.perp.maintenance, p.perp.initialExtra, p.option.maintenance, p.option.initialExtra],
    ["loss factor, peg", p.lossFactor.maintenance, p.lossFactor.initial, p.peg.threshold, p.peg.factor],
  ];
  const words = [header.reduce((sum, byte, i) => sum | (BigInt(byte) << BigInt(248 - 8 * i)), 0n)];
  for (const [name, ...four] of numbers) {
    words.push(four.reduce<bigint>((sum, value) => (sum << 64n) | field(value, name), 0n));
  }
  for (const cell of cells) {
    const high = (unsigned(cell.weight, "weight") << 64n) | unsigned(cell.spot, "spot factor");
    words.push((((high << 8n) | BigInt(cell.place)) << 120n) | logOf(cell.spot));
  }
  return `0x${words.map(word).join("")}`;
}
