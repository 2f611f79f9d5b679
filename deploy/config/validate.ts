// Says what is wrong with a configuration before anything is sent: every fault, each with the field's path. The contracts
// refuse most of it too, but only one thing at a time and with the gas already spent.
import { parseUnits } from "ethers";

import { LOCAL_CHAIN_ID } from "../lib/localNetwork.ts";
import { Checker, InvalidConfigError } from "./checker.ts";
import {
  type AssetConfig,
  type AuctionConfig,
  days,
  type GovernanceConfig,
  type HaircutConfig,
  minutes,
  type NetworkConfig,
  percent,
  type PoolSettings,
  type RiskConfig,
} from "./types.ts";
import { checkAttestersApart, checkDerivatives } from "./validateDerivatives.ts";

export { InvalidConfigError } from "./checker.ts";

/** Of pointers and proxies on a network that somebody uses (DESIGN 9). */
export const MIN_TIMELOCK_DELAY = days(7);

const checkGovernance = (check: Checker, chainId: number, governance: GovernanceConfig) => {
  const shortest = chainId === LOCAL_CHAIN_ID ? 1 : MIN_TIMELOCK_DELAY;
  check.seconds("governance.timelockDelay", governance.timelockDelay, shortest, days(60));
  const holders = ["governor", "guardian", "riskSteward", "feeCollector"] as const;
  for (const holder of holders) check.address(`governance.${holder}`, governance[holder]);
  check.that(
    governance.governor.toLowerCase() !== governance.guardian.toLowerCase(),
    "governance.guardian",
    "is the governor: who may stop the protocol at once should not be who changes it",
  );
};

const checkHaircut = (check: Checker, field: string, { maintenance, initialExtra }: HaircutConfig) => {
  check.share(`${field}.maintenance`, maintenance, 0, percent(99.99));
  check.share(`${field}.initialExtra`, initialExtra, 0, percent(99.99));
  check.that(
    maintenance + initialExtra < percent(100),
    `${field}.initialExtra`,
    "with `maintenance` it takes the whole value",
  );
};

const checkRisk = (check: Checker, field: string, risk: RiskConfig, decimals: number) => {
  checkHaircut(check, `${field}.haircut`, risk.haircut);
  const brackets = risk.brackets ?? [];
  check.that(brackets.length <= 2, `${field}.brackets`, `${brackets.length} brackets, at most 2 fit`);
  let [below, total] = [0n, risk.haircut.maintenance + risk.haircut.initialExtra];
  brackets.forEach(({ above, addOn }, index) => {
    const at = `${field}.brackets[${index}]`;
    const size = check.amount(`${at}.above`, above, decimals);
    if (size !== undefined) {
      check.that(size > below, `${at}.above`, `${above} is not above the bracket before`);
      below = size;
    }
    check.share(`${at}.addOn`, addOn, 1);
    total += addOn;
  });
  check.that(total <= percent(100), `${field}.brackets`, "with the haircut they take more than the whole value");
  if (risk.kappa !== undefined) check.share(`${field}.kappa`, risk.kappa);
  if (risk.group !== undefined) {
    check.wholeNumber(`${field}.group.number`, risk.group.number, 1, 255);
    checkHaircut(check, `${field}.group.haircut`, risk.group.haircut);
    const [inside, outside] = [risk.group.haircut, risk.haircut];
    const higher = "is higher than outside the group";
    check.that(inside.maintenance <= outside.maintenance, `${field}.group.haircut.maintenance`, higher);
    check.that(
      inside.maintenance + inside.initialExtra <= outside.maintenance + outside.initialExtra,
      `${field}.group.haircut.initialExtra`,
      higher,
    );
  }
};

const checkPool = (check: Checker, field: string, pool: PoolSettings, decimals: number) => {
  check.cap(`${field}.supplyCap`, pool.supplyCap, decimals);
  check.cap(`${field}.borrowCap`, pool.borrowCap, decimals);
  check.share(`${field}.maxUtilisation`, pool.maxUtilisation);
  check.share(`${field}.reservedPart`, pool.reservedPart);
  check.share(`${field}.settlementPart`, pool.settlementPart);
  check.share(`${field}.reserveFactor`, pool.reserveFactor, 0, percent(50));
  check.that(pool.reserveFactor % 25 === 0, `${field}.reserveFactor`, "is kept in steps of 0.25 %");
  const { rateModel, vault } = pool;
  if (rateModel.kind === "kinked") {
    check.share(`${field}.rateModel.kink`, rateModel.kink, 1, percent(99.99));
    for (const part of ["base", "slope1", "slope2"] as const) {
      check.share(`${field}.rateModel.${part}`, rateModel[part], 0, percent(1_000));
    }
  }
  check.that(vault.name !== "", `${field}.vault.name`, "is empty");
  check.that(vault.symbol !== "", `${field}.vault.symbol`, "is empty");
  const share = `${field}.vault.collateral`;
  checkRisk(check, `${share}.risk`, vault.collateral.risk, decimals);
  // A vault share that lends to its own account is bounded by its haircut alone.
  check.share(`${share}.risk.haircut.maintenance`, vault.collateral.risk.haircut.maintenance, percent(1));
  check.cap(`${share}.cap`, vault.collateral.cap, decimals);
  check.share(`${share}.maxPart`, vault.collateral.maxPart);
};

const checkAsset = (check: Checker, field: string, asset: AssetConfig, others: readonly AssetConfig[]) => {
  const { decimals, feed, twap } = asset;
  check.address(`${field}.token`, asset.token);
  check.wholeNumber(`${field}.decimals`, decimals, 2, 24);
  const probe = check.amount(`${field}.probe`, asset.probe, decimals);
  if (probe !== undefined) check.that(probe > 0n, `${field}.probe`, "is nothing: the listing has to move some");

  check.address(`${field}.feed.address`, feed.address);
  check.wholeNumber(`${field}.feed.decimals`, feed.decimals, 0, 18);
  check.seconds(`${field}.feed.heartbeat`, feed.heartbeat, 1, days(2));
  const min = check.amount(`${field}.feed.min`, feed.min, feed.decimals);
  const max = check.amount(`${field}.feed.max`, feed.max, feed.decimals);
  if (min !== undefined && max !== undefined) {
    check.that(min < max, `${field}.feed.max`, `${feed.max} is not above min ${feed.min}`);
  }

  if (twap !== undefined) {
    check.address(`${field}.twap.pool`, twap.pool);
    const quoted = others.some(({ symbol }) => symbol === twap.quote) && twap.quote !== asset.symbol;
    check.that(quoted, `${field}.twap.quote`, `no other asset is called "${twap.quote}"`);
    check.seconds(`${field}.twap.window`, twap.window, minutes(1), days(1));
    check.share(`${field}.twap.deviation`, twap.deviation, percent(0.1), percent(20));
    check.that(twap.minLiquidity >= 0n, `${field}.twap.minLiquidity`, "is negative");
  }

  checkRisk(check, `${field}.risk`, asset.risk, decimals);
  if (asset.kind === "pool") {
    checkPool(check, `${field}.pool`, asset.pool, decimals);
    const shareGroup = asset.pool.vault.collateral.risk.group?.number;
    const group = `${field}.pool.vault.collateral.risk.group`;
    check.that(shareGroup === asset.risk.group?.number, group, "has to be the group of the pool's token");
  } else check.cap(`${field}.cap`, asset.cap, decimals);
  if (asset.outflow !== undefined) {
    const capacity = check.amount(`${field}.outflow.capacity`, asset.outflow.capacity, decimals);
    check.that(capacity !== 0n, `${field}.outflow.capacity`, "is nothing: leave `outflow` out for no limit");
    check.seconds(`${field}.outflow.window`, asset.outflow.window, minutes(1), days(30));
  }
};

/** All members of a group have the same haircut in it. */
const checkGroups = (check: Checker, assets: readonly AssetConfig[]) => {
  const seen = new Map<number, HaircutConfig>();
  const look = (field: string, { group }: RiskConfig) => {
    if (group === undefined) return;
    const first = seen.get(group.number) ?? group.haircut;
    seen.set(group.number, first);
    const same = first.maintenance === group.haircut.maintenance && first.initialExtra === group.haircut.initialExtra;
    check.that(same, `${field}.group.haircut`, `differs from that of other members of group ${group.number}`);
  };
  assets.forEach((asset, index) => {
    const field = `assets[${index}] (${asset.symbol})`;
    look(`${field}.risk`, asset.risk);
    if (asset.kind === "pool") look(`${field}.pool.vault.collateral.risk`, asset.pool.vault.collateral.risk);
  });
};

const checkAuction = (check: Checker, auction: AuctionConfig) => {
  check.share("auction.start", auction.start, 1);
  check.share("auction.cut", auction.cut, 1);
  check.that(auction.cut <= auction.start, "auction.cut", `${auction.cut} is above start ${auction.start}`);
  check.seconds("auction.fast", auction.fast, 1, days(1));
  check.seconds("auction.slow", auction.slow, 1, days(7));
  check.share("auction.buffer", auction.buffer);
  const dust = check.amount("auction.dustThreshold", auction.dustThreshold, 18);
  const most = parseUnits("10000", 18);
  check.that(dust === undefined || dust <= most, "auction.dustThreshold", `${auction.dustThreshold} is above 10000`);
  check.seconds("auction.insuranceTime", auction.insuranceTime, 1, days(7));
  check.share("auction.insuranceShare", auction.insuranceShare, 0, percent(20));
  check.share("auction.starterFee", auction.starterFee, 0, percent(5));
};

/** Throws {@link InvalidConfigError} with every fault there is. */
export const validateConfig = (config: NetworkConfig): void => {
  const check = new Checker();
  const { assets, oracles } = config;
  check.wholeNumber("chainId", config.chainId, 1, Number.MAX_SAFE_INTEGER);
  check.address("wrappedNative", config.wrappedNative);
  check.address("uniswapFactory", config.uniswapFactory);
  checkGovernance(check, config.chainId, config.governance);

  check.seconds("oracles.deviationDelay", oracles.deviationDelay, 1, minutes(5));
  if (oracles.sequencer !== undefined) {
    check.address("oracles.sequencer.feed", oracles.sequencer.feed);
    check.seconds("oracles.sequencer.grace", oracles.sequencer.grace, 1, days(1));
  }

  check.share("sizeRisePerHour", config.sizeRisePerHour, 1);

  const [settlement] = assets;
  check.that(settlement !== undefined, "assets", "is empty: the first one is the settlement asset");
  if (settlement !== undefined) {
    check.that(settlement.kind === "pool", "assets[0].kind", "the settlement asset has to be a pool");
    check.that(settlement.twap === undefined, "assets[0].twap", "the settlement asset has one price source only");
  }
  assets.forEach((asset, index) => {
    const field = `assets[${index}] (${asset.symbol})`;
    const earlier = assets.slice(0, index);
    check.that(/^[A-Za-z0-9.]+$/.test(asset.symbol), `${field}.symbol`, "has to be letters, digits and dots");
    check.that(!earlier.some(({ symbol }) => symbol === asset.symbol), `${field}.symbol`, "is used twice");
    const again = earlier.some(({ token }) => token.toLowerCase() === asset.token.toLowerCase());
    check.that(!again, `${field}.token`, "is listed twice");
    checkAsset(check, field, asset, assets);
  });

  checkGroups(check, assets);
  checkAuction(check, config.auction);
  if (config.derivatives !== undefined) {
    checkDerivatives(check, config.derivatives, assets);
    checkAttestersApart(check, config.derivatives, config.governance.governor);
  }
  if (check.faults.length > 0) throw new InvalidConfigError(config.name, check.faults);
};
