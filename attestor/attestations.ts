// A source's view as the attestations that are signed, in the contracts' integers.
import type { Signer, TypedDataDomain } from "ethers";

import { type Attestation, attestationTypedData, orderSignatures } from "../sdk/attestations.ts";
import type { View } from "./sources.ts";

const WAD_NUMBER = 1e18;

/** A double as WAD; exact where the double is. */
export const toWad = (value: number): bigint => {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is no number to attest`);
  const whole = Math.trunc(value);
  return BigInt(whole) * 10n ** 18n + BigInt(Math.round((value - whole) * WAD_NUMBER));
};

export interface Seen {
  readonly underlying: number;
  /** Of the chain's newest block: attestations may not come from its future. */
  readonly timestamp: number;
  /** Settlement units WAD: what a smile's forward refers to. */
  readonly index: bigint;
  readonly view: View;
}

export const attestationsOf = ({ underlying, timestamp, index, view }: Seen): Attestation[] => {
  const confidence = toWad(view.confidence);
  const list: Attestation[] = [
    { kind: "premium", value: { underlying, premium: toWad(view.premium), confidence, timestamp } },
  ];
  if (view.expiries.length === 0) return list;
  const forwards = view.expiries.map(({ expiry, ratio, rate }) => ({
    expiry,
    ratio: toWad(ratio),
    rate: toWad(rate),
    forwardConfidence: confidence,
    rateConfidence: confidence,
  }));
  const slices = view.expiries.map(({ expiry, ratio, svi }) => ({
    expiry,
    a: toWad(svi.a),
    b: toWad(svi.b),
    rho: toWad(svi.rho),
    m: toWad(svi.m),
    sigma: toWad(svi.sigma),
    forwardReference: (index * toWad(ratio)) / 10n ** 18n,
    confidence,
  }));
  list.push({ kind: "forwards", value: { underlying, timestamp, forwards } });
  list.push({ kind: "surface", value: { underlying, timestamp, slices } });
  return list;
};

/** Each signer's signature, in the order and number that the feed wants. */
export const signAttestation = async (
  domain: TypedDataDomain,
  attestation: Attestation,
  signers: readonly Signer[],
  threshold: number,
): Promise<string[]> => {
  const { types, value } = attestationTypedData(attestation);
  const signatures = await Promise.all(signers.map((signer) => signer.signTypedData(domain, types, value)));
  return orderSignatures(domain, attestation, signatures, { threshold });
};
