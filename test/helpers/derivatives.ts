// Attested markets and signed trades for tests on the deployed protocol (helpers/protocol.ts).
import { type Signer, ZeroHash } from "ethers";

import { accountId } from "../../scripts/lib/ids.ts";
import type { Attestation } from "../../sdk/attestations.ts";
import { limitOrder, type LimitTerms, type Order, signOrder } from "../../sdk/orders.ts";
import { ITableEngine__factory } from "../../types/ethers-contracts/index.js";
import type { Protocol } from "./protocol.ts";

const WAD = 10n ** 18n;
const YEAR = 365 * 86_400;

export interface FlatMarket {
  /** Pool number of the index. */
  underlying: number;
  expiries: readonly number[];
  /** σ of every option. */
  volatility: number;
  /** Perp ÷ index − 1. */
  premium?: number;
}

const wad = (value: number) => BigInt(Math.round(value * 1e12)) * 10n ** 6n;

/** Premium, forwards at the index and flat smiles, all seen now; expiries that have passed are left out. */
export const attestFlat = async (p: Protocol, { underlying, expiries, volatility, premium = 0 }: FlatMarket) => {
  // a snapshot's last block may be long ago by the clock that stamps the next one
  await p.networkHelpers.mine();
  const timestamp = await p.networkHelpers.time.latest();
  const live = expiries.filter((expiry) => expiry > timestamp);
  const engine = ITableEngine__factory.connect(await p.safe.engine(), p.deployer);
  const forwardReference = await engine.midPrice(underlying);
  const attestations: Attestation[] = [
    { kind: "premium", value: { underlying, premium: wad(premium), confidence: WAD, timestamp } },
  ];
  if (live.length > 0) {
    attestations.push({
      kind: "forwards",
      value: {
        underlying,
        timestamp,
        forwards: live.map((expiry) => ({
          expiry,
          ratio: WAD,
          rate: 0n,
          forwardConfidence: WAD,
          rateConfidence: WAD,
        })),
      },
    });
    attestations.push({
      kind: "surface",
      value: {
        underlying,
        timestamp,
        slices: live.map((expiry) => ({
          expiry,
          a: wad((volatility * volatility * (expiry - timestamp)) / YEAR),
          b: 0n,
          rho: 0n,
          m: 0n,
          sigma: WAD / 10n,
          forwardReference,
          confidence: WAD,
        })),
      },
    });
  }
  await p.attest(...attestations);
};

export interface Trade {
  buyer: Signer;
  seller: Signer;
  instrument: bigint;
  /** Whole underlyings, WAD. */
  size: bigint;
  /** Settlement units per whole underlying, WAD. */
  price: bigint;
  /** Both sides may only reduce their positions. */
  reduceOnly?: boolean;
}

let orders = 0n;

/** Two plain orders at one price, signed by the owners of the accounts 0; the seller's rests. */
export const signTrade = async (p: Protocol, { buyer, seller, instrument, size, price, reduceOnly = false }: Trade) => {
  const { exchange } = p.derivatives();
  const domain = { chainId: p.deployment.chainId, exchange: await exchange.getAddress() };
  const now = (await p.networkHelpers.time.latest()) * 1_000;
  const signed = async (signer: Signer, terms: Pick<LimitTerms, "side" | "postOnly">) => {
    orders += 1n;
    const address = await signer.getAddress();
    const account = accountId(address);
    const order: Order = limitOrder({
      ...{ account, size, maxFee: price, nonce: orders, now, instrument, price, reduceOnly },
      ...terms,
    });
    return {
      order: { ...order, legs: order.legs.map((leg) => ({ ...leg })) },
      signer: address,
      signature: await signOrder(signer, order, domain),
    };
  };
  const maker = await signed(seller, { side: "sell", postOnly: true });
  return { maker, taker: await signed(buyer, { side: "buy" }), size };
};

/** Fills them; anybody may. */
export const trade = async (p: Protocol, terms: Trade) => {
  const { exchange } = p.derivatives();
  return exchange.connect(p.keeper).fillOrder(await signTrade(p, terms), ZeroHash);
};
