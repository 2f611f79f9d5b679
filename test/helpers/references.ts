// The published cases of ../shared/reference as inputs of the exact models. The files are read where they are; without them
// there is nothing to compare with.
import { existsSync, readdirSync, readFileSync } from "node:fs";

import { REFERENCE_RULES, type RuleParameters } from "../../sdk/tables/ruleTable.ts";
import { value } from "./exact/black76.ts";
import type { Svi } from "./exact/black76.ts";
import type * as Portfolio from "./exact/portfolio.ts";
import * as R from "./exact/real.ts";
import type { Real } from "./exact/real.ts";
import type * as Standard from "./exact/standard.ts";

const FOLDER = new URL("../../../shared/reference/", import.meta.url);

/** Why the cases cannot be compared, or null. */
export function missingReferences(): string | null {
  return existsSync(FOLDER) ? null : "../shared/reference is not here";
}

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));

// ---------------------------------------------------------------- portfolio model
type Decimal = string | number;

interface PortfolioFile {
  readonly Scenario: {
    readonly Cash: Decimal;
    readonly Collaterals: readonly {
      readonly Amount: Decimal;
      readonly Price: Decimal;
      readonly Confidence: Decimal;
      readonly IsRiskCancelling: boolean;
      readonly IMHaircut: Decimal;
      readonly MMHaircut: Decimal;
    }[];
    readonly SpotPrice: Decimal;
    readonly SpotConfidence: Decimal;
    readonly NumPerps: Decimal;
    readonly PerpPrice: Decimal;
    readonly PerpConfidence: Decimal;
    readonly UnrealisedPerpPNL: Decimal;
    readonly UnrealisedFunding: Decimal;
    readonly StablePrice: Decimal;
    readonly Options: readonly {
      readonly Expiry: number;
      readonly Strike: Decimal;
      readonly IsCall: number;
      readonly Amount: Decimal;
      readonly MarkVol: Decimal;
    }[];
    readonly OptionFeeds: readonly {
      readonly FeedExpiry: number;
      readonly Forward: Decimal;
      readonly ForwardConfidence: Decimal;
      readonly Rate: Decimal;
      readonly RateConfidence: Decimal;
      readonly SVIparam: readonly Decimal[];
      readonly OptionVolConfidences: Decimal;
    }[];
  };
  readonly Parameters: {
    readonly Scenarios: readonly {
      readonly SpotShock: Decimal;
      readonly VolShockDirection: string;
      readonly DampeningFactor: Decimal;
    }[];
    readonly SkewShock: Readonly<Record<string, Decimal>>;
    readonly VolShock: Readonly<Record<string, Decimal>>;
    readonly Margin: Readonly<Record<string, Decimal>>;
    readonly BasisContingency: Readonly<Record<string, Decimal>>;
    readonly OtherContingency: Readonly<Record<string, Decimal>>;
  };
  readonly Result: {
    readonly reg_losses: readonly Decimal[][];
    readonly tail_losses: readonly Decimal[][];
    readonly skew_losses: readonly Decimal[][];
    readonly ForwardContingency: Decimal;
    readonly PortfolioMTM: Decimal;
    readonly IM: Decimal;
    readonly MM: Decimal;
  };
}

export interface PortfolioCase {
  readonly name: string;
  /** Published volatilities and the surfaces that they were read from. */
  readonly marks: readonly { readonly surface: Svi; readonly strike: Real; readonly vol: Real }[];
  readonly parameters: Portfolio.Parameters;
  readonly account: Portfolio.Account;
  readonly expected: {
    readonly pnl: readonly Real[];
    readonly basis: Real;
    readonly mtm: Real;
    readonly initial: Real;
    readonly maintenance: Real;
  };
}

const AVERAGING = 1_800n;

function parametersOf(file: PortfolioFile["Parameters"]): Portfolio.Parameters {
  const of =
    (group: Readonly<Record<string, Decimal>>) =>
    (name: string): Real => {
      const text = group[name];
      if (text === undefined) throw new Error(`no parameter ${name}`);
      return R.parse(text);
    };
  const [skew, vol, margin] = [of(file.SkewShock), of(file.VolShock), of(file.Margin)];
  const [basis, other] = [of(file.BasisContingency), of(file.OtherContingency)];
  return {
    scenarios: file.Scenarios.map((s) => ({
      spot: R.parse(s.SpotShock),
      rule: s.VolShockDirection.toLowerCase() as Portfolio.VolRule,
      weight: R.parse(s.DampeningFactor),
    })),
    vol: {
      up: vol("VOLRANGEUP"),
      down: vol("VOLRANGEDOWN"),
      least: vol("MIN_VOL_EVAL_SHOCKED"),
      shortPower: vol("SHORTTERMPOWER"),
      longPower: vol("LONGTERMPOWER"),
      floor: vol("DTE_FLOOR"),
    },
    skew: {
      linear: { base: skew("LINEAR_CBASE"), scale: skew("LINEAR_SCALE_CAP") },
      abs: { base: skew("ABS_CBASE"), scale: skew("ABS_SCALE_CAP") },
      leastWidth: skew("MIN_K_STAR"),
      widthScale: skew("MIN_WIDTH_SCALE"),
      volStatic: skew("VOL_PARAM_STATIC"),
      volScale: skew("VOL_PARAM_SCALE"),
    },
    owned: {
      base: margin("BASE_STATIC_DISCOUNT"),
      multiply: margin("LONG_RATE_MULTSCALE"),
      add: margin("LONG_RATE_ADDSCALE"),
    },
    owed: {
      base: margin("BASE_STATIC_DISCOUNT_NEG"),
      multiply: margin("SHORT_RATE_MULTSCALE"),
      add: margin("SHORT_RATE_ADDSCALE"),
    },
    basis: {
      up: basis("SCENARIO_SPOT_UP"),
      down: basis("SCENARIO_SPOT_DOWN"),
      add: basis("BASIS_CONT_ADD_FACTOR"),
      multiply: basis("BASIS_CONT_MULT_FACTOR"),
    },
    factor: { initial: margin("IM_LOSS_FACTOR"), maintenance: margin("MM_LOSS_FACTOR") },
    peg: { threshold: other("PEG_LOSS_THRESHOLD"), factor: other("PEG_LOSS_FACTOR") },
    confidence: { threshold: other("CONF_THRESHOLD"), factor: other("CONF_MARGIN") },
    perp: { maintenance: other("MM_PERP_PERCENT"), initialExtra: other("IM_PERP_PERCENT") },
    option: { maintenance: other("MM_OPTION_PERCENT"), initialExtra: other("IM_OPTION_PERCENT") },
  };
}

export function portfolioCases(): PortfolioCase[] {
  const names = readdirSync(new URL("portfolio-margin/", FOLDER)).filter((n) => n.endsWith(".json"));
  return names.sort().map((name) => portfolioCase(name, read(`portfolio-margin/${name}`) as PortfolioFile));
}

function portfolioCase(name: string, file: PortfolioFile): PortfolioCase {
  const { Scenario: s, Result: result } = file;
  const parameters = parametersOf(file.Parameters);
  const stable = R.parse(s.StablePrice);
  const marks = s.OptionFeeds.flatMap((feed) => {
    const [a, b, rho, m, sigma, reference, tau] = feed.SVIparam.map(R.parse) as [
      Real,
      Real,
      Real,
      Real,
      Real,
      Real,
      Real,
    ];
    return s.Options.filter((o) => o.Expiry === feed.FeedExpiry).map((o) => ({
      surface: { a, b, rho, m, sigma, reference, tau },
      strike: R.parse(o.Strike),
      vol: R.parse(o.MarkVol),
    }));
  });
  const expiries = s.OptionFeeds.map((feed): Portfolio.Expiry => {
    const forward = R.parse(feed.Forward);
    const seconds = BigInt(feed.FeedExpiry);
    // Inside the averaging window the part that is over is taken to have been fixed at the forward.
    const variable = seconds < AVERAGING ? (forward * seconds) / AVERAGING : forward;
    return {
      seconds,
      variable,
      fixed: forward - variable,
      rate: R.parse(feed.Rate),
      confidence: R.min(
        R.parse(feed.ForwardConfidence),
        R.parse(feed.RateConfidence),
        R.parse(feed.OptionVolConfidences),
      ),
      options: s.Options.filter((o) => o.Expiry === feed.FeedExpiry).map((o) => ({
        strike: R.parse(o.Strike),
        call: o.IsCall === 1,
        size: R.parse(o.Amount),
        vol: R.parse(o.MarkVol),
      })),
    };
  });
  const spotConfidence = R.parse(s.SpotConfidence);
  const balances = s.Collaterals.map((c): Portfolio.Balance => ({
    value: R.div(R.mul(R.parse(c.Amount), R.parse(c.Price)), stable),
    moves: c.IsRiskCancelling,
    maintenance: R.parse(c.MMHaircut),
    initialExtra: R.parse(c.IMHaircut),
    confidence: R.min(spotConfidence, R.parse(c.Confidence)),
  }));
  const underlying: Portfolio.Underlying = {
    spot: R.parse(s.SpotPrice),
    spotConfidence,
    perp: { size: R.parse(s.NumPerps), mark: R.parse(s.PerpPrice), confidence: R.parse(s.PerpConfidence) },
    expiries,
    balances,
  };
  return {
    name: name.replace(/^test_|\.json$/g, ""),
    parameters,
    marks,
    account: {
      groups: [{ phi: R.ZERO, members: [{ underlying, parameters }] }],
      cash: R.parse(s.Cash),
      unsettled: R.parse(s.UnrealisedPerpPNL) + R.parse(s.UnrealisedFunding),
      profitWeight: R.ONE,
      settlementPrice: stable,
    },
    expected: {
      pnl: [...result.reg_losses, ...result.tail_losses, ...result.skew_losses].map((row) =>
        R.parse(row[row.length - 1] as Decimal),
      ),
      basis: R.parse(result.ForwardContingency),
      mtm: R.parse(result.PortfolioMTM),
      initial: R.parse(result.IM),
      maintenance: R.parse(result.MM),
    },
  };
}

// ---------------------------------------------------------------- standard model
type Wad = number | null;
type Coin = "ETH" | "BTC";
const COINS: readonly Coin[] = ["ETH", "BTC"];

interface StandardFile {
  readonly Scenario: {
    readonly OptionUnderlying: readonly Coin[];
    readonly OptionExpiries: readonly number[];
    readonly OptionStrikes: readonly number[];
    readonly OptionIsCall: readonly number[];
    readonly OptionAmounts: readonly number[];
    readonly OptionVols: readonly number[];
    readonly OptionVolConfidences: readonly number[];
    readonly Cash: Wad;
    readonly SpotPerpConfidences: readonly (readonly number[])[];
    readonly FeedExpiries: readonly number[];
    readonly Forwards: readonly number[];
    readonly ForwardConfidences: readonly number[];
    readonly USDCValue: number;
    readonly PerpPrice: readonly number[];
  } & Readonly<Record<string, unknown>>;
  readonly Result: Readonly<Record<"realIM" | "realMM" | "PortfolioMtM" | "BaseMargin", number>>;
}

export interface StandardCase {
  readonly name: string;
  readonly rules: RuleParameters;
  readonly underlyings: readonly Standard.Underlying[];
  readonly settlementPrice: Real;
  /** Cash, U and collateral: what else the margins have, and equity at mark. */
  readonly rest: { readonly initial: Real; readonly maintenance: Real; readonly mtm: Real };
  readonly expected: { readonly initial: Real; readonly maintenance: Real; readonly mtm: Real };
}

const YEAR = 365n * 86_400n;
const LAST_HOUR = 3_600;
const STRIKE_UNIT = 10n ** 10n;
/** Strikes have eight decimals. */
const strikeOf = (x: unknown): Real => R.fromWad((R.toWad(wad(x)) / STRIKE_UNIT) * STRIKE_UNIT);
/** Numbers of the file are WAD. */
const wad = (x: unknown): Real => (typeof x === "number" ? R.parse(x) / 10n ** 18n : R.ZERO);

export function standardCases(): StandardCase[] {
  const file = read("standard-margin.json") as Readonly<Record<string, StandardFile>>;
  return Object.entries(file).map(([name, c]) => standardCase(name, c));
}

function standardCase(name: string, { Scenario: s, Result: result }: StandardFile): StandardCase {
  const at = (key: string): Real => wad(s[key]);
  const settlementPrice = wad(s.USDCValue);
  const [threshold, factor] = [REFERENCE_RULES.confidenceThresholdBps, REFERENCE_RULES.confidenceFactorBps].map((x) =>
    R.fromFraction(BigInt(x), 10_000n),
  ) as [Real, Real];
  // Collateral counts what the file says: haircuts are the spot part's, and no case states them.
  const held = wad(s.Cash) + wad(result.BaseMargin);
  const rest = { initial: held, maintenance: held, mtm: wad(s.Cash) };
  const underlyings = COINS.map((coin, place): Standard.Underlying => {
    const [spotConfidence, perpConfidence] = (s.SpotPerpConfidences[place] ?? []).map(wad) as [Real, Real];
    const spot = at(`${coin}SpotPrice`);
    const [size, mark] = [at(`Perps_${coin}`), wad(s.PerpPrice[place])];
    const profit = size === 0n ? R.ZERO : R.mul(size, mark - at(`LastEntry${coin}`));
    const funding = R.mul(size, at(`Account${coin}FundingIndex`) - at(`${coin}GlobalFundingIndex`));
    const collateral = R.mul(at(`w${coin}`), spot);
    const doubt = spotConfidence < threshold ? R.mul(R.mul(R.ONE - spotConfidence, factor), collateral) : R.ZERO;
    rest.initial += profit + funding - doubt;
    rest.maintenance += profit + funding;
    rest.mtm += profit + funding + R.div(collateral, settlementPrice);
    return {
      spot,
      spotConfidence,
      perp: { size, mark, confidence: perpConfidence, openInterest: R.ZERO, slowOpenInterest: R.ZERO },
      expiries: expiriesOf(s, coin),
    };
  });
  const options = R.sum(underlyings.flatMap((u) => u.expiries.flatMap((e) => e.legs.map((l) => l.value))));
  rest.mtm += options;
  return {
    name,
    rules: REFERENCE_RULES,
    underlyings,
    settlementPrice,
    rest,
    expected: { initial: wad(result.realIM), maintenance: wad(result.realMM), mtm: wad(result.PortfolioMtM) },
  };
}

function expiriesOf(s: StandardFile["Scenario"], coin: Coin): Standard.Expiry[] {
  const mine = s.OptionUnderlying.map((u, i) => ({ u, i })).filter(({ u }) => u === coin);
  const over = [...new Set(mine.map(({ i }) => s.OptionExpiries[i] as number))];
  return over.map((seconds): Standard.Expiry => {
    const members = mine.filter(({ i }) => s.OptionExpiries[i] === seconds).map(({ i }) => i);
    // Feeds stand in the order of the options, or once per expiry.
    const first = members[0] as number;
    const feed = s.FeedExpiries.length === s.OptionExpiries.length ? first : s.FeedExpiries.indexOf(seconds);
    // In the last hour the cases price by what the settlement average is going to be.
    const settling = seconds < LAST_HOUR && typeof s[`SettlementPrice${coin}`] === "number";
    const forward = wad(settling ? s[`SettlementPrice${coin}`] : s.Forwards[feed]);
    // These cases mark options without discounting.
    const root = R.sqrt(R.fromFraction(BigInt(Math.max(seconds, 0)), YEAR));
    const confidences = members.map((i) => wad(s.OptionVolConfidences[i]));
    return {
      forward,
      confidence: R.min(wad(s.ForwardConfidences[feed]), ...confidences),
      legs: members.map((i): Standard.Leg => {
        const option = { strike: strikeOf(s.OptionStrikes[i]), call: s.OptionIsCall[i] === 1 };
        const size = wad(s.OptionAmounts[i]);
        const each = value(option, forward, R.mul(wad(s.OptionVols[i]), root), R.ONE);
        return { ...option, size, value: R.mul(size, each) };
      }),
    };
  });
}
