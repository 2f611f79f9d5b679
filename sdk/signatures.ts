/**
 * EIP-712 messages of the safe's relayed doors and of ERC-20 permits. Orders are in orders.ts, attestations in attestations.ts.
 * A relayed door does what its plain twin does, sent by anybody: the owner's signature is the authority. Nonces are unordered:
 * any number that the owner has not used.
 */
import {
  hexlify,
  randomBytes,
  Signature,
  type Signer,
  type TypedDataDomain,
  TypedDataEncoder,
  type TypedDataField,
} from "ethers";

/** What an operator may do, as bits. */
export const OPERATOR_RIGHTS = { none: 0, trade: 1, withdraw: 2, both: 3 } as const;

/** What a wallet's `signTypedData` takes; `eth_signTypedData_v4` through {@link typedDataPayload}. */
export interface TypedMessage<Message extends object = object> {
  readonly domain: TypedDataDomain;
  readonly types: Record<string, TypedDataField[]>;
  readonly primaryType: string;
  readonly message: Message;
}

/** Where a message counts: chain and safe. */
export interface SafeDomain {
  readonly chainId: bigint | number;
  readonly safe: string;
}

/** What every relayed message ends with. */
export interface Relayed {
  /** Any number that the owner has not used; {@link randomNonce}. */
  readonly nonce: bigint;
  /** Last second at which it counts. */
  readonly deadline: bigint | number;
}

/** `withdrawBySig`. */
export interface WithdrawMessage extends Relayed {
  readonly account: string;
  readonly asset: number;
  /** Token units; MAX: all. */
  readonly amount: bigint;
  /** The balance may go below zero. */
  readonly mayBorrow: boolean;
  readonly to: string;
}

/** `transferBySig`. */
export interface TransferMessage extends Relayed {
  readonly from: string;
  readonly to: string;
  readonly asset: number;
  readonly amount: bigint;
  readonly mayBorrow: boolean;
}

/** `setOperatorBySig`. */
export interface OperatorMessage extends Relayed {
  readonly account: string;
  readonly operator: string;
  /** Bits of {@link OPERATOR_RIGHTS}; 0 takes all away. */
  readonly rights: number;
  /** Last second of the grant. */
  readonly expiry: number;
  readonly receiversOnly: boolean;
  readonly receivers: readonly string[];
}

/** `cancelNonceBySig`. */
export interface CancelNonceMessage extends Relayed {
  readonly owner: string;
  readonly cancelled: bigint;
}

const fields = (list: string): TypedDataField[] =>
  list.split(",").map((field) => {
    const [type = "", name = ""] = field.split(" ");
    return { type, name };
  });

/** The safe's message types (contracts/accounts/Relay.sol). */
export const SAFE_TYPES = {
  Withdraw: fields(
    "bytes32 account,uint16 asset,uint256 amount,bool mayBorrow,address to,uint256 nonce,uint256 deadline",
  ),
  Transfer: fields("bytes32 from,bytes32 to,uint16 asset,uint256 amount,bool mayBorrow,uint256 nonce,uint256 deadline"),
  SetOperator: fields(
    "bytes32 account,address operator,uint8 rights,uint40 expiry,bool receiversOnly,address[] receivers,uint256 nonce,uint256 deadline",
  ),
  CancelNonce: fields("address owner,uint256 cancelled,uint256 nonce,uint256 deadline"),
} as const;

/** EIP-712 domain of the safe; its hash is the contract's `DOMAIN_SEPARATOR`. */
export const safeDomain = ({ chainId, safe }: SafeDomain): TypedDataDomain => ({
  name: "Plimsoll",
  version: "1",
  chainId,
  verifyingContract: safe,
});

const safeMessage =
  <Message extends object>(primaryType: keyof typeof SAFE_TYPES) =>
  (message: Message, domain: SafeDomain): TypedMessage<Message> => ({
    domain: safeDomain(domain),
    types: { [primaryType]: SAFE_TYPES[primaryType] },
    primaryType,
    message,
  });

/** What `withdrawBySig` wants signed. */
export const withdrawTypedData = safeMessage<WithdrawMessage>("Withdraw");
/** What `transferBySig` wants signed. */
export const transferTypedData = safeMessage<TransferMessage>("Transfer");
/** What `setOperatorBySig` wants signed. */
export const operatorTypedData = safeMessage<OperatorMessage>("SetOperator");
/** What `cancelNonceBySig` wants signed. */
export const cancelNonceTypedData = safeMessage<CancelNonceMessage>("CancelNonce");

/** How an ERC-20 with permit names itself; read it with `PlimsollClient.permitDomain`. */
export interface TokenDomain {
  readonly token: string;
  readonly chainId: bigint | number;
  readonly name: string;
  /** "1" unless the token says otherwise. */
  readonly version?: string;
}

/** ERC-2612. */
export interface PermitMessage {
  readonly owner: string;
  readonly spender: string;
  /** Token units. */
  readonly value: bigint;
  /** The token's `nonces(owner)`: these go in order. */
  readonly nonce: bigint;
  readonly deadline: bigint | number;
}

/** ERC-2612's message type. */
export const PERMIT_TYPES = {
  Permit: fields("address owner,address spender,uint256 value,uint256 nonce,uint256 deadline"),
};

/** What the token's `permit` (and the safe's door of that name) wants signed. */
export const permitTypedData = (
  message: PermitMessage,
  { token, chainId, name, version }: TokenDomain,
): TypedMessage<PermitMessage> => ({
  domain: { name, version: version ?? "1", chainId, verifyingContract: token },
  types: PERMIT_TYPES,
  primaryType: "Permit",
  message,
});

/** The digest that is signed. */
export const hashTypedMessage = ({ domain, types, message }: TypedMessage): string =>
  TypedDataEncoder.hash(domain, types, message as Record<string, unknown>);

/** Parameters of `eth_signTypedData_v4` as JSON-ready data: domain types included, integers as decimal text. */
export const typedDataPayload = ({ domain, types, message }: TypedMessage): Record<string, unknown> =>
  TypedDataEncoder.getPayload(domain, types, message as Record<string, unknown>) as Record<string, unknown>;

/** The wallet's holder said no, or the wallet cannot sign. Nothing was sent. */
export class SignatureRejected extends Error {
  override readonly name = "SignatureRejected";
  constructor(what: string, options?: { readonly cause?: unknown }) {
    super(`the wallet did not sign the ${what}: nothing was sent`, options);
  }
}

const REJECTED_CODES = new Set<unknown>(["ACTION_REJECTED", 4001, 4100]);

/** Whether a wallet's error says that its holder refused (EIP-1193's 4001, ethers' ACTION_REJECTED). */
export const isRejection = (error: unknown): boolean => {
  for (let each = error, depth = 0; typeof each === "object" && each !== null && depth < 4; depth += 1) {
    const { code, error: inner, info, cause } = each as Readonly<Record<string, unknown>>;
    if (REJECTED_CODES.has(code)) return true;
    each = inner ?? info ?? cause;
  }
  return false;
};

/** Has a wallet sign; throws {@link SignatureRejected} when its holder refuses. */
export const signTypedMessage = async (signer: Signer, typed: TypedMessage): Promise<string> => {
  try {
    return await signer.signTypedData(typed.domain, typed.types, typed.message as Record<string, unknown>);
  } catch (error) {
    if (isRejection(error)) throw new SignatureRejected(typed.primaryType, { cause: error });
    throw error;
  }
};

/** A key's signature in the parts that `permit` takes. */
export const splitSignature = (signature: string): { readonly v: number; readonly r: string; readonly s: string } => {
  const { v, r, s } = Signature.from(signature);
  return { v, r, s };
};

const NONCE_BYTES = 32;

/** An unordered nonce that nobody has used: 256 random bits. */
export const randomNonce = (): bigint => BigInt(hexlify(randomBytes(NONCE_BYTES)));
