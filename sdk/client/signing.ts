/** What a client's wallet signs. */
import { Contract, type Signer, ZeroAddress } from "ethers";

import {
  cancelNonceTypedData,
  OPERATOR_RIGHTS,
  operatorTypedData,
  permitTypedData,
  type PermitMessage,
  randomNonce,
  signTypedMessage,
  type TokenDomain,
  transferTypedData,
  type TransferMessage,
  type TypedMessage,
  withdrawTypedData,
  type WithdrawMessage,
  type OperatorMessage,
  type CancelNonceMessage,
} from "../signatures.ts";
import { exchangeDomain, ORDER_TYPES, type Order } from "../orders.ts";
import type { SignedTerms } from "./safeActions.ts";
import type { LeverageGrant, SignedOrder } from "./tradingActions.ts";
import { type AssetRef, derivativesAt, type Venue } from "./venue.ts";

/** A signed message's nonce and deadline may be left out: a random nonce, an hour. */
type Draft<Message> = Omit<Message, "nonce" | "deadline"> & {
  readonly nonce?: bigint;
  readonly deadline?: bigint | number;
};

const HOUR_SECONDS = 3_600;
const inAnHour = (): number => Math.floor(Date.now() / 1_000) + HOUR_SECONDS;

const complete = <Message extends { readonly nonce: bigint; readonly deadline: bigint | number }>(
  draft: Draft<Message>,
): Message => ({ nonce: randomNonce(), deadline: inAnHour(), ...draft }) as unknown as Message;

const TOKEN_ABI = [
  "function name() view returns (string)",
  "function nonces(address owner) view returns (uint256)",
  "function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)",
] as const;

/** As much of a token with permit as signing needs. */
interface PermitToken {
  name(): Promise<string>;
  nonces(owner: string): Promise<bigint>;
  eip712Domain(): Promise<{ readonly name: string; readonly version: string }>;
}

const tokenOf = ({ assets, contracts }: Venue, ref: AssetRef): PermitToken =>
  new Contract(assets.get(ref).token, TOKEN_ABI, contracts.safe.runner) as unknown as PermitToken;

/** How a token with permit names itself in what is signed: EIP-5267 where it answers that, else its name and version 1. */
export const readPermitDomain = async (venue: Venue, ref: AssetRef): Promise<TokenDomain> => {
  const { token } = venue.assets.get(ref);
  const contract = tokenOf(venue, ref);
  const { chainId } = venue.deployment;
  try {
    const { name, version } = await contract.eip712Domain();
    return { token, chainId, name, version };
  } catch {
    return { token, chainId, name: await contract.name() }; // older tokens do not know EIP-5267
  }
};

/** Signers of a venue's messages. `signer` is asked late, so that a read-only client can build everything else. */
export const signing = (venue: Venue, signer: (what: string) => Signer) => {
  const { chainId, contracts: at } = venue.deployment;
  const domain = { chainId, safe: at.safe };
  const sign = async <Message extends object>(typed: TypedMessage<Message>): Promise<SignedTerms<Message>> => ({
    message: typed.message,
    signature: await signTypedMessage(signer(`signing a ${typed.primaryType}`), typed),
  });
  return {
    /** An order for a matcher or for `fillOrder`. */
    order: async (order: Order): Promise<SignedOrder> => {
      const wallet = signer("signing an order");
      derivativesAt(venue);
      const { signature } = await sign({
        domain: exchangeDomain({ chainId, exchange: at.exchange ?? ZeroAddress }),
        types: ORDER_TYPES,
        primaryType: "Order",
        message: order,
      });
      return { order, signer: await wallet.getAddress(), signature };
    },

    /** A withdrawal for `withdrawBySig`. */
    withdraw: (draft: Draft<WithdrawMessage>): Promise<SignedTerms<WithdrawMessage>> =>
      sign(withdrawTypedData(complete<WithdrawMessage>(draft), domain)),

    /** A transfer for `transferBySig`. */
    transfer: (draft: Draft<TransferMessage>): Promise<SignedTerms<TransferMessage>> =>
      sign(transferTypedData(complete<TransferMessage>(draft), domain)),

    /** A grant for `setOperatorBySig`. */
    operator: (draft: Draft<OperatorMessage>): Promise<SignedTerms<OperatorMessage>> =>
      sign(operatorTypedData(complete<OperatorMessage>(draft), domain)),

    /** The cancellation of a nonce for `cancelNonceBySig`. */
    cancelNonce: (draft: Draft<CancelNonceMessage>): Promise<SignedTerms<CancelNonceMessage>> =>
      sign(cancelNonceTypedData(complete<CancelNonceMessage>(draft), domain)),

    /** What makes the leverage router an operator in the transaction that uses it, for `openLeverage` and its twins. */
    leverageGrant: async ({ account, expiry }: { account: string; expiry?: number }): Promise<LeverageGrant> => {
      const until = expiry ?? inAnHour();
      const { message, signature } = await sign(
        operatorTypedData(
          complete<OperatorMessage>({
            account,
            operator: at.leverageRouter,
            rights: OPERATOR_RIGHTS.both,
            expiry: until,
            receiversOnly: true,
            receivers: [at.leverageRouter],
          }),
          domain,
        ),
      );
      return { expiry: until, signed: { nonce: message.nonce, deadline: message.deadline, signature } };
    },

    /** An ERC-2612 permit in favour of the safe (or another spender), with the token's own next nonce. */
    permit: async (
      asset: AssetRef,
      terms: { readonly value: bigint; readonly spender?: string; readonly deadline?: number },
    ): Promise<SignedTerms<PermitMessage>> => {
      const owner = await signer("signing a permit").getAddress();
      const [token, nonce] = await Promise.all([readPermitDomain(venue, asset), tokenOf(venue, asset).nonces(owner)]);
      const { value, spender = at.safe, deadline = inAnHour() } = terms;
      return sign(permitTypedData({ owner, spender, value, nonce, deadline }, token));
    },
  };
};

/** Signers of a venue's messages. */
export type Signing = ReturnType<typeof signing>;
