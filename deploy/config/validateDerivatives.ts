// Says what is wrong with the derivatives of a configuration: the bounds of the contracts, and those that only people keep.
import type { RuleParameters } from "../../sdk/tables/ruleTable.ts";
import { packScenarioParameters, type ScenarioParameters, toWad } from "../../sdk/tables/scenarioTable.ts";
import type { Checker } from "./checker.ts";
import type {
  AttestationConfig,
  AttestersConfig,
  DerivativesConfig,
  FeesConfig,
  OptionsConfig,
  PerpConfig,
  UnderlyingConfig,
  VolatilityConfig,
} from "./derivatives.ts";
import { type AssetConfig, days, hours, minutes, percent } from "./types.ts";
import { checkLiquidityPool } from "./validatePool.ts";

const MAX_SIGNERS = 32;
const MAX_TIERS = 5;
const VOLUME_UNIT = 10_000;
/** The fee table holds least volumes in 20 bits of units; the highest is no volume. */
const MAX_VOLUME = ((1 << 20) - 2) * VOLUME_UNIT;
const MAX_FEE = 10_000; // millionths: 1 %
const MAX_STRIKES = 64;
/** As many as a surface has. */
const MAX_EXPIRIES = 32;
const WAD = 10n ** 18n;
const WHOLE_DECIMALS = 18;
const STRIKE_DECIMALS = 8;

const checkAttesters = (check: Checker, { signers, threshold }: AttestersConfig) => {
  const field = "derivatives.attesters";
  check.that(
    signers.length <= MAX_SIGNERS,
    `${field}.signers`,
    `${signers.length} are too many: at most ${MAX_SIGNERS}`,
  );
  signers.forEach((signer, index) => {
    const at = `${field}.signers[${index}]`;
    check.address(at, signer);
    const again = signers.slice(0, index).some((other) => other.toLowerCase() === signer.toLowerCase());
    check.that(!again, at, "is named twice");
  });
  check.wholeNumber(`${field}.threshold`, threshold, 1, Math.max(signers.length, 1));
};

const checkFees = (check: Checker, { tiers, optionCap, treasury, insurancePart }: FeesConfig) => {
  const field = "derivatives.fees";
  check.that(tiers.length > 0 && tiers.length <= MAX_TIERS, `${field}.tiers`, `has to have 1 to ${MAX_TIERS} rows`);
  let last = -VOLUME_UNIT;
  tiers.forEach(({ minVolume, ...rates }, index) => {
    const at = `${field}.tiers[${index}]`;
    check.wholeNumber(`${at}.minVolume`, minVolume, 0, index === 0 ? 0 : MAX_VOLUME);
    check.that(minVolume % VOLUME_UNIT === 0, `${at}.minVolume`, `${minVolume} is no multiple of ${VOLUME_UNIT}`);
    check.that(minVolume > last, `${at}.minVolume`, `${minVolume} is not above the tier before`);
    last = minVolume;
    for (const [name, rate] of Object.entries(rates)) check.wholeNumber(`${at}.${name}`, rate, 0, MAX_FEE);
  });
  check.share(`${field}.optionCap`, optionCap);
  check.address(`${field}.treasury`, treasury);
  check.share(`${field}.insurancePart`, insurancePart);
};

const checkVolatility = (check: Checker, { interval, halfLife, initial, risePerHour }: VolatilityConfig) => {
  const field = "derivatives.volatility";
  check.seconds(`${field}.interval`, interval, hours(1), days(1));
  // An interval may at most halve what is known.
  check.seconds(`${field}.halfLife`, halfLife, interval, days(365));
  check.share(`${field}.initial`, initial, percent(1), percent(500));
  check.share(`${field}.risePerHour`, risePerHour, 1);
};

const checkAttestations = (check: Checker, field: string, limits: AttestationConfig) => {
  check.seconds(`${field}.postAge`, limits.postAge, 1, hours(1));
  check.seconds(`${field}.maxAge`, limits.maxAge, limits.postAge + 1, hours(18));
  check.seconds(`${field}.deadAge`, limits.deadAge, limits.maxAge, days(7));
  check.seconds(`${field}.decay`, limits.decay, 0, days(7));
  check.share(`${field}.stress`, limits.stress, percent(100), percent(1_000));
  for (const [name, jump] of Object.entries(limits.jumpPerMinute)) {
    check.share(`${field}.jumpPerMinute.${name}`, jump, 1, percent(100));
  }
};

const checkPerp = (check: Checker, field: string, perp: PerpConfig, rules: RuleParameters) => {
  // What attesters may move a mark by must not reach an account that was healthy (DESIGN 5).
  check.share(`${field}.clamp`, perp.clamp, 0, Math.floor(rules.perpMaintenanceBps / 2));
  check.seconds(`${field}.maxPremiumAge`, perp.maxPremiumAge, minutes(1), days(1));
  check.amount(`${field}.openInterestCap`, perp.openInterestCap, WHOLE_DECIMALS);
  check.share(`${field}.risePerHour`, perp.risePerHour, 1);
};

const checkOptions = (check: Checker, field: string, options: OptionsConfig) => {
  check.amount(`${field}.openInterestCap`, options.openInterestCap, WHOLE_DECIMALS);
  check.that(options.expiries.length <= MAX_EXPIRIES, `${field}.expiries`, `more than ${MAX_EXPIRIES}`);
  let last = 0;
  options.expiries.forEach(({ at, strikes }, index) => {
    const expiry = `${field}.expiries[${index}]`;
    check.wholeNumber(`${expiry}.at`, at, 1, 2 ** 40 - 1);
    check.that(at > last, `${expiry}.at`, `${at} is not after the expiry before`);
    last = at;
    check.that(strikes.length > 0, `${expiry}.strikes`, "is empty");
    check.that(strikes.length <= MAX_STRIKES, `${expiry}.strikes`, `more than ${MAX_STRIKES}`);
    let below = 0n;
    strikes.forEach((strike, k) => {
      const units = check.amount(`${expiry}.strikes[${k}]`, strike, STRIKE_DECIMALS);
      if (units === undefined) return;
      check.that(units > below, `${expiry}.strikes[${k}]`, `${strike} is not above the strike before`);
      check.that(units < 1n << 64n, `${expiry}.strikes[${k}]`, `${strike} does not fit`);
      below = units;
    });
  });
};

/** What the packer refuses, and what people would regret; the factory checks the rest. */
const checkScenarios = (check: Checker, field: string, parameters: ScenarioParameters) => {
  try {
    packScenarioParameters(parameters);
  } catch (error) {
    check.that(false, field, error instanceof Error ? error.message : String(error));
    return;
  }
  const { scenarios, lossFactor, basis } = parameters;
  check.that(scenarios.length > 0, `${field}.scenarios`, "is empty");
  scenarios.forEach(({ spot, weight, volatility }, index) => {
    const [s, w] = [toWad(spot), toWad(weight)];
    const isSkew = volatility === "linear" || volatility === "abs";
    check.that(s >= WAD / 100n, `${field}.scenarios[${index}].spot`, `${String(spot)} is below 0.01`);
    check.that(!isSkew || s === WAD, `${field}.scenarios[${index}].spot`, "has to be 1 where the skew is shocked");
    check.that(w > 0n && w <= WAD, `${field}.scenarios[${index}].weight`, `${String(weight)} is not in (0, 1]`);
  });
  const ordered = toWad(lossFactor.maintenance) > 0n && toWad(lossFactor.maintenance) <= toWad(lossFactor.initial);
  check.that(ordered, `${field}.lossFactor.maintenance`, "has to be above 0 and at most `initial`");
  check.that(toWad(basis.down) < WAD, `${field}.basis.down`, "has to be below 1");
  check.that(toWad(basis.up) > WAD, `${field}.basis.up`, "has to be above 1");
};

/** As RuleWords.requireSane: an account that has just passed `initial` must not be open to an auction. */
const checkRules = (check: Checker, field: string, rules: RuleParameters) => {
  check.share(`${field}.perpMaintenanceBps`, rules.perpMaintenanceBps, 1);
  check.share(`${field}.perpInitialExtraBps`, rules.perpInitialExtraBps, 0, percent(100) - rules.perpMaintenanceBps);
  const brackets = rules.brackets ?? [];
  check.that(brackets.length <= 2, `${field}.brackets`, `${brackets.length} brackets, at most 2 fit`);
  let [below, total] = [-1n, 0];
  brackets.forEach(({ size, addOnBps }, index) => {
    check.that(size > below, `${field}.brackets[${index}].size`, "is not above the bracket before");
    check.share(`${field}.brackets[${index}].addOnBps`, addOnBps, 1);
    below = size;
    total += addOnBps;
  });
  check.that(total <= percent(100), `${field}.brackets`, "take more than the whole notional");
  check.share(`${field}.kappaBps`, rules.kappaBps ?? 0);
  check.share(`${field}.aBps`, rules.aBps, 1);
  check.share(`${field}.bBps`, rules.bBps, 1, rules.aBps);
  check.share(`${field}.cBps`, rules.cBps, 1, rules.bBps);
  check.share(`${field}.dBps`, rules.dBps);
  check.share(`${field}.eBps`, rules.eBps, percent(100), percent(600));
  check.share(`${field}.unpairedMaintenanceBps`, rules.unpairedMaintenanceBps, percent(100), percent(600));
  check.share(`${field}.unpairedInitialBps`, rules.unpairedInitialBps, rules.unpairedMaintenanceBps, percent(600));
  check.share(`${field}.confidenceThresholdBps`, rules.confidenceThresholdBps);
  check.share(`${field}.confidenceFactorBps`, rules.confidenceFactorBps, 0, percent(600));
  check.share(`${field}.pegThresholdBps`, rules.pegThresholdBps);
  check.share(`${field}.pegFactorBps`, rules.pegFactorBps, 0, percent(600));
};

const checkUnderlying = (
  check: Checker,
  field: string,
  underlying: UnderlyingConfig,
  assets: readonly AssetConfig[],
) => {
  check.that(/^[A-Za-z0-9]+$/.test(underlying.name), `${field}.name`, "has to be letters and digits");
  const index = assets.findIndex(({ symbol }) => symbol === underlying.asset);
  check.that(
    index > 0 && assets[index]?.kind === "pool",
    `${field}.asset`,
    "names no pool beside the settlement asset",
  );
  checkAttestations(check, `${field}.attestations`, underlying.attestations);
  checkRules(check, `${field}.rules`, underlying.rules);
  checkScenarios(check, `${field}.scenarios`, underlying.scenarios);
  if (underlying.perp !== undefined) checkPerp(check, `${field}.perp`, underlying.perp, underlying.rules);
  if (underlying.options !== undefined) checkOptions(check, `${field}.options`, underlying.options);
  if (underlying.group !== undefined) {
    check.wholeNumber(`${field}.group.number`, underlying.group.number, 1, 255);
    check.share(`${field}.group.phi`, underlying.group.phi);
  }
  if (underlying.volatilityScale !== undefined) {
    check.share(`${field}.volatilityScale.reference`, underlying.volatilityScale.reference, percent(1), percent(500));
    check.share(`${field}.volatilityScale.max`, underlying.volatilityScale.max, percent(100), percent(600));
  }
};

/**
 * Scenario i of one member is scenario i of the others, with a shock of its own size; losses of all members are added up before
 * the loss factors are taken.
 */
const checkSameGroup = (check: Checker, field: string, one: UnderlyingConfig, first: UnderlyingConfig) => {
  const others = `other members of group ${one.group?.number}`;
  check.that(one.group?.phi === first.group?.phi, `${field}.group.phi`, `differs from that of ${others}`);
  const rulesOf = ({ scenarios: { scenarios } }: UnderlyingConfig) => scenarios.map((each) => each.volatility).join();
  const same = rulesOf(one) === rulesOf(first);
  check.that(
    same,
    `${field}.scenarios.scenarios`,
    `are not those of ${others}: shocks may differ, their order may not`,
  );
  const factorsOf = ({ scenarios: { lossFactor, peg } }: UnderlyingConfig) =>
    [lossFactor.maintenance, lossFactor.initial, peg.threshold, peg.factor].map(toWad).join();
  const shared = factorsOf(one) === factorsOf(first);
  check.that(shared, `${field}.scenarios.lossFactor`, `and \`peg\` are not those of ${others}`);
};

export const checkDerivatives = (
  check: Checker,
  { attesters, volatility, fees, profitWeight, underlyings, liquidityPool }: DerivativesConfig,
  assets: readonly AssetConfig[],
): void => {
  checkAttesters(check, attesters);
  checkVolatility(check, volatility);
  checkFees(check, fees);
  check.share("derivatives.profitWeight", profitWeight);
  check.that(underlyings.length > 0, "derivatives.underlyings", "is empty: leave `derivatives` out for spot alone");
  const groups = new Map<number, UnderlyingConfig>();
  underlyings.forEach((underlying, index) => {
    const field = `derivatives.underlyings[${index}] (${underlying.name})`;
    const earlier = underlyings.slice(0, index);
    check.that(!earlier.some(({ name }) => name === underlying.name), `${field}.name`, "is used twice");
    check.that(!earlier.some(({ asset }) => asset === underlying.asset), `${field}.asset`, "is another's already");
    checkUnderlying(check, field, underlying, assets);
    if (underlying.group === undefined) return;
    const first = groups.get(underlying.group.number) ?? underlying;
    groups.set(underlying.group.number, first);
    checkSameGroup(check, field, underlying, first);
  });
  if (liquidityPool === undefined) return;
  const names = underlyings.map(({ name }) => name);
  checkLiquidityPool(check, liquidityPool, names, assets[0]?.decimals ?? 0);
};

/** The attesters move marks: none of them should be who may change the protocol. */
export const checkAttestersApart = (check: Checker, { attesters }: DerivativesConfig, governor: string): void => {
  const apart = !attesters.signers.some((signer) => signer.toLowerCase() === governor.toLowerCase());
  check.that(
    apart,
    "derivatives.attesters.signers",
    "has the governor: who changes the protocol should not also price it",
  );
};
