// What a configuration is refused for, each fault under the path of its field.
import { expect } from "chai";

import type { DerivativesConfig, UnderlyingConfig } from "../deploy/config/derivatives.ts";
import { expiryAfter, strikesAround } from "../deploy/config/grids.ts";
import { localConfig, LOCAL_GOVERNANCE } from "../deploy/config/local.ts";
import { LOCAL_ATTESTERS } from "../deploy/config/localDerivatives.ts";
import mainnetExample from "../deploy/config/mainnet.example.ts";
import { type Address, type AssetConfig, days, hours, type NetworkConfig } from "../deploy/config/types.ts";
import { InvalidConfigError, validateConfig } from "../deploy/config/validate.ts";

describe("market configurations", () => {
  const anywhere: Address = "0x1F98431c8aD98523631AE4a59f267346ea31F984";
  const at = (digit: string): Address => `0x${digit.repeat(40)}`;
  const listing = (digit: string) => ({ token: at(digit), feed: anywhere });
  const addresses = {
    tokens: { USDC: listing("1"), WETH: listing("2"), WBTC: listing("3"), stETH: listing("4") },
    uniswap: { factory: anywhere },
  };
  const local = (): NetworkConfig => localConfig(addresses, anywhere, { twap: true });

  const faultsOf = (config: NetworkConfig): readonly string[] => {
    try {
      validateConfig(config);
      return [];
    } catch (error) {
      if (error instanceof InvalidConfigError) return error.faults;
      throw error;
    }
  };

  /** The local configuration with one asset changed. */
  const withAsset = (index: number, change: (asset: AssetConfig) => AssetConfig): NetworkConfig => {
    const config = local();
    return { ...config, assets: config.assets.map((asset, i) => (i === index ? change(asset) : asset)) };
  };
  const withPool = (index: number, change: Partial<Extract<AssetConfig, { kind: "pool" }>["pool"]>): NetworkConfig =>
    withAsset(index, (asset) => (asset.kind === "pool" ? { ...asset, pool: { ...asset.pool, ...change } } : asset));

  it("accepts the configurations that it ships", () => {
    expect(faultsOf(local())).to.deep.equal([]);
    expect(faultsOf(mainnetExample(LOCAL_GOVERNANCE))).to.deep.equal([]);
    const attesters = { signers: LOCAL_ATTESTERS, threshold: 2 };
    expect(faultsOf(mainnetExample(LOCAL_GOVERNANCE, attesters))).to.deep.equal([]);
  });

  it("lists expiries at 08:00 UTC and strikes on their tick", () => {
    const noon = Date.UTC(2026, 0, 1, 12) / 1_000;
    expect(expiryAfter(noon, 1)).to.equal(Date.UTC(2026, 0, 3, 8) / 1_000);
    expect(expiryAfter(noon - hours(4), 1)).to.equal(Date.UTC(2026, 0, 2, 8) / 1_000);
    expect(strikesAround(2_512, 50, [1, 0.9, 0.001, 1.001, 1.1])).to.deep.equal(["2250", "2500", "2750"]);
  });

  /** The local configuration with its derivatives changed. */
  const withDerivatives = (change: (derivatives: DerivativesConfig) => Partial<DerivativesConfig>): NetworkConfig => {
    const { derivatives, ...config } = local();
    if (derivatives === undefined) throw new Error("the local network has derivatives");
    return { ...config, derivatives: { ...derivatives, ...change(derivatives) } };
  };
  const withUnderlying = (index: number, change: (one: UnderlyingConfig) => Partial<UnderlyingConfig>): NetworkConfig =>
    withDerivatives(({ underlyings }) => ({
      underlyings: underlyings.map((one, i) => (i === index ? { ...one, ...change(one) } : one)),
    }));
  const withExpiries = (change: (expiries: { at: number; strikes: string[] }[]) => unknown): NetworkConfig =>
    withUnderlying(0, () => {
      const expiries = [
        { at: 1_900_000_000, strikes: ["1000", "2000"] },
        { at: 1_900_086_400, strikes: ["1000"] },
      ];
      change(expiries);
      return { options: { openInterestCap: "1", expiries } };
    });
  const withScenarios = (change: Partial<UnderlyingConfig["scenarios"]>): NetworkConfig =>
    withUnderlying(1, ({ scenarios }) => ({ scenarios: { ...scenarios, ...change } }));

  const wrong: Record<string, () => NetworkConfig> = {
    "chainId:": () => ({ ...local(), chainId: 0 }),
    "wrappedNative: is the zero address": () => ({ ...local(), wrappedNative: at("0") }),
    'uniswapFactory: "0x12" is not an address': () => ({ ...local(), uniswapFactory: "0x12" }),
    "governance.timelockDelay:": () => ({
      ...mainnetExample(LOCAL_GOVERNANCE),
      governance: { ...LOCAL_GOVERNANCE, timelockDelay: days(7) - 1 },
    }),
    "governance.guardian: is the governor": () => ({
      ...local(),
      governance: { ...local().governance, guardian: local().governance.governor },
    }),
    "oracles.deviationDelay:": () => ({ ...local(), oracles: { deviationDelay: 301 } }),
    "sizeRisePerHour:": () => ({ ...local(), sizeRisePerHour: 0 }),
    "assets: is empty": () => ({ ...local(), assets: [] }),
    "assets[0].kind: the settlement asset has to be a pool": () => ({ ...local(), assets: local().assets.slice(3) }),
    "assets[1] (USDC).symbol: is used twice": () => withAsset(1, (asset) => ({ ...asset, symbol: "USDC" })),
    "assets[2] (WBTC).token: is listed twice": () => withAsset(2, (asset) => ({ ...asset, token: at("1") })),
    "assets[1] (WETH).decimals:": () => withAsset(1, (asset) => ({ ...asset, decimals: 30 })),
    "assets[0] (USDC).probe: is nothing": () => withAsset(0, (asset) => ({ ...asset, probe: "0" })),
    'assets[0] (USDC).probe: "0.0000001" is not an amount with at most 6 decimals': () =>
      withAsset(0, (asset) => ({ ...asset, probe: "0.0000001" })),
    "assets[1] (WETH).feed.heartbeat:": () =>
      withAsset(1, (asset) => ({ ...asset, feed: { ...asset.feed, heartbeat: days(3) } })),
    "assets[1] (WETH).feed.max: 1 is not above min 1": () =>
      withAsset(1, (asset) => ({ ...asset, feed: { ...asset.feed, max: "1" } })),
    'assets[1] (WETH).twap.quote: no other asset is called "DAI"': () =>
      withAsset(1, (asset) => ({ ...asset, ...(asset.twap && { twap: { ...asset.twap, quote: "DAI" } }) })),
    "assets[1] (WETH).risk.haircut.maintenance: 10000.5": () =>
      withAsset(1, (asset) => ({ ...asset, risk: { haircut: { maintenance: 10_000.5, initialExtra: 0 } } })),
    "assets[3] (stETH).risk.brackets: 3 brackets": () =>
      withAsset(3, (asset) => ({
        ...asset,
        risk: { ...asset.risk, brackets: ["1", "2", "3"].map((above) => ({ above, addOn: 1 })) },
      })),
    "assets[3] (stETH).risk.brackets[1].above: 1 is not above the bracket before": () =>
      withAsset(3, (asset) => ({
        ...asset,
        risk: { ...asset.risk, brackets: ["1", "1"].map((above) => ({ above, addOn: 1 })) },
      })),
    "assets[3] (stETH).risk.group.haircut: differs from that of other members of group 1": () =>
      withAsset(3, (asset) => ({
        ...asset,
        risk: { ...asset.risk, group: { number: 1, haircut: { maintenance: 1, initialExtra: 1 } } },
      })),
    "assets[2] (WBTC).pool.reserveFactor:": () => withPool(2, { reserveFactor: 6_000 }),
    "assets[2] (WBTC).pool.rateModel.kink:": () =>
      withPool(2, { rateModel: { kind: "kinked", base: 0, slope1: 1, slope2: 1, kink: 10_000 } }),
    "assets[1] (WETH).pool.vault.collateral.risk.group: has to be the group of the pool's token": () =>
      withAsset(1, (asset) => ({ ...asset, risk: { haircut: asset.risk.haircut } })),
    "auction.cut: 9900 is above start 9800": () => ({ ...local(), auction: { ...local().auction, cut: 9_900 } }),
    "auction.insuranceShare:": () => ({ ...local(), auction: { ...local().auction, insuranceShare: 2_001 } }),
    "derivatives.attesters.threshold:": () =>
      withDerivatives(({ attesters }) => ({ attesters: { ...attesters, threshold: 4 } })),
    "derivatives.attesters.signers[1]: is named twice": () =>
      withDerivatives(() => ({ attesters: { signers: [anywhere, anywhere], threshold: 1 } })),
    "derivatives.attesters.signers: has the governor": () =>
      withDerivatives(() => ({ attesters: { signers: [LOCAL_GOVERNANCE.governor], threshold: 1 } })),
    "derivatives.volatility.halfLife:": () =>
      withDerivatives(({ volatility }) => ({ volatility: { ...volatility, halfLife: 3_599 } })),
    "derivatives.volatility.interval:": () =>
      withDerivatives(({ volatility }) => ({ volatility: { ...volatility, interval: 3_599 } })),
    "derivatives.profitWeight:": () => withDerivatives(() => ({ profitWeight: 10_001 })),
    "derivatives.fees.tiers: has to have 1 to 5 rows": () =>
      withDerivatives(({ fees }) => ({ fees: { ...fees, tiers: [] } })),
    "derivatives.fees.tiers[1].minVolume: 15000 is no multiple of 10000": () =>
      withDerivatives(({ fees }) => ({
        fees: { ...fees, tiers: fees.tiers.map((row, i) => (i === 1 ? { ...row, minVolume: 15_000 } : row)) },
      })),
    "derivatives.fees.tiers[0].perpTaker:": () =>
      withDerivatives(({ fees }) => ({
        fees: { ...fees, tiers: fees.tiers.map((row) => ({ ...row, perpTaker: row.minVolume === 0 ? 10_001 : 0 })) },
      })),
    "derivatives.fees.insurancePart:": () => withDerivatives(({ fees }) => ({ fees: { ...fees, insurancePart: -1 } })),
    "derivatives.underlyings: is empty": () => withDerivatives(() => ({ underlyings: [] })),
    "derivatives.underlyings[1] (ETH).name: is used twice": () => withUnderlying(1, () => ({ name: "ETH" })),
    "derivatives.underlyings[1] (BTC).asset: is another's already": () => withUnderlying(1, () => ({ asset: "WETH" })),
    "derivatives.underlyings[0] (ETH).asset: names no pool": () => withUnderlying(0, () => ({ asset: "stETH" })),
    "derivatives.underlyings[0] (USD).asset: names no pool beside the settlement asset": () =>
      withUnderlying(0, () => ({ name: "USD", asset: "USDC" })),
    "derivatives.underlyings[0] (ETH).attestations.maxAge:": () =>
      withUnderlying(0, ({ attestations }) => ({ attestations: { ...attestations, maxAge: attestations.postAge } })),
    "derivatives.underlyings[0] (ETH).attestations.jumpPerMinute.forward:": () =>
      withUnderlying(0, ({ attestations }) => ({
        attestations: { ...attestations, jumpPerMinute: { ...attestations.jumpPerMinute, forward: 0 } },
      })),
    "derivatives.underlyings[0] (ETH).perp.clamp: 251": () =>
      withUnderlying(0, ({ perp }) => ({ ...(perp && { perp: { ...perp, clamp: 251 } }) })),
    "derivatives.underlyings[0] (ETH).options.expiries[1].at:": () => withExpiries((list) => list.reverse()),
    "derivatives.underlyings[0] (ETH).options.expiries[0].strikes[1]: 2000 is not above": () =>
      withExpiries(([first]) => first?.strikes.splice(0, 1, "2000")),
    "derivatives.underlyings[0] (ETH).options.expiries[1].strikes: is empty": () =>
      withExpiries((list) => list[1]?.strikes.pop()),
    "derivatives.underlyings[0] (ETH).rules.cBps:": () =>
      withUnderlying(0, ({ rules }) => ({ rules: { ...rules, cBps: rules.bBps + 1 } })),
    "derivatives.underlyings[0] (ETH).rules.unpairedInitialBps:": () =>
      withUnderlying(0, ({ rules }) => ({ rules: { ...rules, unpairedInitialBps: rules.unpairedMaintenanceBps - 1 } })),
    "derivatives.underlyings[1] (BTC).scenarios.scenarios[0].weight:": () =>
      withScenarios({ scenarios: [{ spot: 1, volatility: "up", weight: 0 }] }),
    "derivatives.underlyings[1] (BTC).scenarios: not a decimal": () =>
      withScenarios({ confidence: { threshold: "half", margin: 1 } }),
    "derivatives.underlyings[1] (BTC).scenarios.lossFactor: and `peg`": () =>
      withScenarios({ lossFactor: { maintenance: "0.7", initial: "1" } }),
    "derivatives.underlyings[1] (BTC).group.phi: differs": () =>
      withUnderlying(1, () => ({ group: { number: 1, phi: 1 } })),
    "derivatives.underlyings[1] (BTC).scenarios.scenarios: are not those of other members of group 1": () =>
      withUnderlying(1, ({ scenarios }) => ({
        scenarios: { ...scenarios, scenarios: scenarios.scenarios.slice(1) },
      })),
    "derivatives.underlyings[0] (ETH).volatilityScale.max:": () =>
      withUnderlying(0, () => ({ volatilityScale: { reference: 5_000, max: 9_999 } })),
  };
  for (const [message, make] of Object.entries(wrong)) {
    it(`refuses with "${message}"`, () => {
      expect(faultsOf(make()).filter((fault) => fault.startsWith(message))).to.have.lengthOf(1);
    });
  }
});
