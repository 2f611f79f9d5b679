// What ModelProbe is asked, as the mirror takes it.
import type { Position } from "../../sdk/instruments.ts";
import type { ExpiryFeed, LedgerReadings } from "../../sdk/mirror/derivatives/feeds.ts";
import { expiryKey, type LedgerTable } from "../../sdk/mirror/derivatives/market.ts";
import type { ModelInput, Purpose } from "../../sdk/mirror/model.ts";
import type { ProbeInput } from "./model-cases.ts";

/** Any moment: the probe's expiries count from its own. */
const NOW = 1_800_000_000n;

type Numeric = bigint | number | string;
const big = (x: unknown): bigint => BigInt(x as Numeric);
const int = (x: unknown): number => Number(x);

export interface MirrorCase {
  readonly readings: LedgerReadings;
  input(purpose: Purpose): ModelInput;
}

/** Feeds scripted and positions held as in a call of the probe. */
export function mirrorCase(
  table: LedgerTable,
  [, input, perps, options, expiries, volatilities]: ProbeInput,
): MirrorCase {
  const expiryOf = (seconds: unknown): number => Number(NOW) + int(seconds);
  const feeds = new Map<number, ExpiryFeed>();
  const fixings = new Map<number, { part: bigint; price: bigint }>();
  for (const e of expiries) {
    const key = expiryKey(int(e.underlying), expiryOf(e.secondsLeft));
    const f = e.feed;
    feeds.set(key, {
      forwardRatio: big(f.forwardRatio),
      rate: big(f.rate),
      smile: {
        a: big(f.a),
        b: big(f.b),
        rho: big(f.rho),
        m: big(f.m),
        sigma: big(f.sigma),
        forwardReference: big(f.forwardReference),
      },
      tau: big(f.tau),
      volFactor: big(f.volFactor),
      forwardConfidence: big(f.forwardConfidence),
      volConfidence: big(f.volConfidence),
      stale: f.stale,
    });
    fixings.set(key, { part: big(e.fixedPart), price: big(e.fixedPrice) });
  }
  const sigmas = new Map(volatilities.map((v) => [int(v.underlying), { sigma: big(v.sigma), slow: big(v.slow) }]));
  const known = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("the probe scripts every feed");
    return value;
  };
  const positions: Position[] = [
    ...perps.map((p): Position => ({
      instrument: { kind: "perp", underlying: int(p.underlying) },
      size: big(p.size),
      fundingIndex: 0n,
    })),
    ...options.map((o): Position => ({
      instrument: {
        kind: "option",
        underlying: int(o.underlying),
        expiry: expiryOf(o.secondsLeft),
        strike: big(o.strike),
        isCall: o.call,
      },
      size: big(o.size),
      fundingIndex: 0n,
    })),
  ];
  const side = (s: (typeof input.clusters)[number]["low"]) => ({
    value: big(s.value),
    chargeInitial: big(s.chargeInitial),
    chargeMaintenance: big(s.chargeMaintenance),
    debts: big(s.debts),
  });
  return {
    readings: {
      table,
      time: NOW,
      expiryFeed: (underlying, expiry) => known(feeds.get(expiryKey(underlying, expiry))),
      fixing: (underlying, expiry) => known(fixings.get(expiryKey(underlying, expiry))),
      realised: (underlying) => sigmas.get(underlying) ?? { sigma: 0n, slow: 0n },
    },
    input: (purpose) => ({
      purpose,
      settlementPrice: big(input.settlementPrice),
      clusters: input.clusters.map((c) => ({ underlying: int(c.underlying), low: side(c.low), high: side(c.high) })),
      underlyings: input.underlyings.map((u) => ({
        number: int(u.number),
        low: big(u.low),
        high: big(u.high),
        amount: big(u.amount),
      })),
      quote: big(input.quote),
      positions,
      perps: input.perps.map((p) => ({
        markRatio: big(p.markRatio),
        frozenMark: big(p.frozenMark),
        openInterest: big(p.openInterest),
        slowOpenInterest: big(p.slowOpenInterest),
        confidence: big(p.confidence),
        stale: p.stale,
      })),
    }),
  };
}
