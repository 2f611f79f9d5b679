// What attesters sign: the three attestations of `contracts/interfaces/IAttestations.sol` as EIP-712 typed data. Pure: no
// provider is asked. All values are integers as on chain (WAD unless said), times are unix seconds.
import { Interface, recoverAddress, Signature, TypedDataEncoder } from "ethers";
import type { BigNumberish, TypedDataDomain, TypedDataField } from "ethers";

/** How far a perp trades from its index. */
export interface PremiumAttestation {
  /** Pool number of the index. */
  underlying: number;
  /** Perp ÷ index − 1, WAD. */
  premium: bigint;
  /** WAD, 0..1e18. */
  confidence: bigint;
  timestamp: number;
}

/** Forward and rate of one expiry. */
export interface Forward {
  expiry: number;
  /** Forward ÷ index, WAD. */
  ratio: bigint;
  /** Continuous, per year, WAD. */
  rate: bigint;
  forwardConfidence: bigint;
  rateConfidence: bigint;
}

/** Forwards and rates of some expiries of an underlying. */
export interface ForwardAttestation {
  underlying: number;
  timestamp: number;
  /** Any expiries, ascending. */
  forwards: readonly Forward[];
}

/** Raw SVI of one expiry's total variance: w(k) = a + b·(ρ·(k − m) + √((k − m)² + σ²)), k = ln(K ÷ forwardReference). */
export interface Slice {
  expiry: number;
  a: bigint;
  b: bigint;
  rho: bigint;
  m: bigint;
  sigma: bigint;
  /** Settlement units, WAD. */
  forwardReference: bigint;
  confidence: bigint;
}

/** All smiles of an underlying. */
export interface SurfaceAttestation {
  underlying: number;
  timestamp: number;
  /** All live expiries, ascending. */
  slices: readonly Slice[];
}

/** Any of the three, told apart by `kind`. */
export type Attestation =
  | { kind: "premium"; value: PremiumAttestation }
  | { kind: "forwards"; value: ForwardAttestation }
  | { kind: "surface"; value: SurfaceAttestation };

type Types = Record<string, TypedDataField[]>;

const fields = (list: string): TypedDataField[] =>
  list.split(",").map((field) => {
    const [type, name] = field.trim().split(" ");
    if (type === undefined || name === undefined) throw new Error(`not a field: "${field}"`);
    return { type, name };
  });

/** EIP-712 types of a {@link PremiumAttestation}. */
export const PREMIUM_TYPES: Types = {
  PremiumAttestation: fields("uint8 underlying, int64 premium, uint64 confidence, uint40 timestamp"),
};

/** EIP-712 types of a {@link ForwardAttestation}. */
export const FORWARD_TYPES: Types = {
  ForwardAttestation: fields("uint8 underlying, uint40 timestamp, Forward[] forwards"),
  Forward: fields("uint40 expiry, uint64 ratio, int64 rate, uint64 forwardConfidence, uint64 rateConfidence"),
};

/** EIP-712 types of a {@link SurfaceAttestation}. */
export const SURFACE_TYPES: Types = {
  SurfaceAttestation: fields("uint8 underlying, uint40 timestamp, Slice[] slices"),
  Slice: fields(
    "uint40 expiry, int72 a, uint64 b, int64 rho, int64 m, uint64 sigma, uint96 forwardReference, uint64 confidence",
  ),
};

const TYPES = { premium: PREMIUM_TYPES, forwards: FORWARD_TYPES, surface: SURFACE_TYPES };

const tuple = (types: Types, name: string): string =>
  (types[name] ?? [])
    .map((field) => {
      const inner = field.type.replace("[]", "");
      return inner in types ? `(${tuple(types, inner)})[] ${field.name}` : `${field.type} ${field.name}`;
    })
    .join(", ");

/** The posting doors, as the contract's ABI has them. */
export const ATTESTATION_ABI = [
  `function postPremium((${tuple(PREMIUM_TYPES, "PremiumAttestation")}) attestation, bytes[] signatures)`,
  `function postForwards((${tuple(FORWARD_TYPES, "ForwardAttestation")}) attestation, bytes[] signatures)`,
  `function postSurface((${tuple(SURFACE_TYPES, "SurfaceAttestation")}) attestation, bytes[] signatures)`,
] as const;

const doors = new Interface(ATTESTATION_ABI);
const DOOR = { premium: "postPremium", forwards: "postForwards", surface: "postSurface" } as const;

/** EIP-712 domain of an `AttestedFeed`. */
export const attestationDomain = (chainId: BigNumberish, feed: string): TypedDataDomain => ({
  name: "Plimsoll Attested Feed",
  version: "1",
  chainId,
  verifyingContract: feed,
});

/** What a wallet's `signTypedData(domain, types, value)` takes. */
export const attestationTypedData = (
  attestation: Attestation,
): { types: Types; value: PremiumAttestation | ForwardAttestation | SurfaceAttestation } => ({
  types: TYPES[attestation.kind],
  value: attestation.value,
});

/** The digest that is signed; equal to the contract's `hashPremium`, `hashForwards`, `hashSurface`. */
export const hashAttestation = (domain: TypedDataDomain, attestation: Attestation): string =>
  TypedDataEncoder.hash(domain, TYPES[attestation.kind], attestation.value);

/** Who signed. */
export const attestationSigner = (domain: TypedDataDomain, attestation: Attestation, signature: string): string =>
  recoverAddress(hashAttestation(domain, attestation), signature);

/**
 * Signatures as the contract wants them: 65 bytes each, by ascending signer, each signer once, only `signers` if given, and
 * only the first `threshold` of them if given (every further one costs gas and proves nothing).
 */
export const orderSignatures = (
  domain: TypedDataDomain,
  attestation: Attestation,
  signatures: readonly string[],
  options: { signers?: readonly string[]; threshold?: number } = {},
): string[] => {
  const digest = hashAttestation(domain, attestation);
  const known = options.signers === undefined ? undefined : new Set(options.signers.map((s) => s.toLowerCase()));
  const bySigner = new Map<bigint, string>();
  for (const signature of signatures) {
    const signer = recoverAddress(digest, signature);
    if (known !== undefined && !known.has(signer.toLowerCase())) continue;
    bySigner.set(BigInt(signer), Signature.from(signature).serialized);
  }
  const ordered = [...bySigner].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, signature]) => signature);
  return ordered.slice(0, options.threshold ?? ordered.length);
};

/** Calldata of the posting door; `signatures` as {@link orderSignatures} gives them. */
export const encodePost = (attestation: Attestation, signatures: readonly string[]): string =>
  doors.encodeFunctionData(DOOR[attestation.kind], [attestation.value, signatures]);

/** The credit of an owner, for all of his accounts (contracts/interfaces/ICreditTiers.sol). */
export interface CreditAttestation {
  owner: string;
  /** 0 (none) to 7. */
  tier: number;
  /** Unix seconds; later than anything the owner has shown before. */
  issuedAt: number;
  /** The last second at which it counts, at most 90 days after `issuedAt`. */
  expiry: number;
}

/** As the contract hashes it. */
export const CREDIT_TYPES: Types = {
  CreditAttestation: fields("address owner, uint8 tier, uint40 issuedAt, uint40 expiry"),
};

/** The domain of `CreditTiers`. */
export const creditDomain = (chainId: BigNumberish, creditTiers: string): TypedDataDomain => ({
  name: "Plimsoll Credit",
  version: "1",
  chainId,
  verifyingContract: creditTiers,
});

/** The digest that attesters sign. */
export const hashCredit = (domain: TypedDataDomain, credit: CreditAttestation): string =>
  TypedDataEncoder.hash(domain, CREDIT_TYPES, credit);

/** Signatures ascending by signer, as `CreditTiers.attest` takes them. */
export const orderCreditSignatures = (
  domain: TypedDataDomain,
  credit: CreditAttestation,
  signatures: readonly string[],
): string[] => {
  const digest = hashCredit(domain, credit);
  return [...signatures].sort((a, b) =>
    BigInt(recoverAddress(digest, a)) < BigInt(recoverAddress(digest, b)) ? -1 : 1,
  );
};
