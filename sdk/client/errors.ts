/** What can go wrong between a client and its chain. A refused call or transaction is a `RevertError`. */
import type { ProtocolEvent } from "../events.ts";

/** No node answers, or what answers is none. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

/** The node serves another chain than the deployment is on. */
export class WrongChainError extends Error {
  override readonly name = "WrongChainError";
  constructor(
    readonly expected: number,
    readonly actual: number,
  ) {
    super(
      `the deployment is on chain ${expected}, the node serves chain ${actual}: switch the wallet or take another node`,
    );
  }
}

/** There is no contract where the deployment says that one is. */
export class NoCodeError extends Error {
  override readonly name = "NoCodeError";
  constructor(
    /** Name in the deployment. */
    readonly contract: string,
    readonly address: string,
    readonly chainId: number,
  ) {
    super(
      `there is no contract at ${address} (${contract}) on chain ${chainId}: is the deployment file of another network, or the ` +
        "local node restarted since?",
    );
  }
}

/** The client has no signer, and this needs one. */
export class ReadOnlyError extends Error {
  override readonly name = "ReadOnlyError";
  constructor(what: string) {
    super(`${what} needs a signer, and this client only reads: connect with a wallet or a Signer`);
  }
}

/** An asset, market or account that the deployment does not have. */
export class UnknownNameError extends Error {
  override readonly name = "UnknownNameError";
}

/** The wallet's holder refused to send. Nothing was sent. */
export class TransactionRejected extends Error {
  override readonly name = "TransactionRejected";
  constructor(title: string, options?: { readonly cause?: unknown }) {
    super(`the wallet refused: ${title}. Nothing was sent`, options);
  }
}

/** Another transaction of the same sender took the nonce: this one will never be mined. */
export class TransactionReplaced extends Error {
  override readonly name = "TransactionReplaced";
  constructor(
    readonly hash: string,
    readonly replacement: {
      readonly hash: string;
      /** The same call at another price, a transfer of nothing to oneself, or something else. */
      readonly how: "repriced" | "cancelled" | "replaced";
      /** Whether it went through. */
      readonly succeeded: boolean;
      readonly blockNumber: number;
      /** What it did, where `how` is "repriced" and it went through: then the action was done. */
      readonly events: readonly ProtocolEvent[];
    },
  ) {
    super(`transaction ${hash} was ${replacement.how} by ${replacement.hash} in block ${replacement.blockNumber}`);
  }
}

/** The node has forgotten the transaction and its nonce is still free: send it again. */
export class TransactionDropped extends Error {
  override readonly name = "TransactionDropped";
  constructor(
    readonly hash: string,
    readonly nonce: number,
  ) {
    super(`transaction ${hash} was dropped: no node has it and nonce ${nonce} is free. Send it again`);
  }
}

/** It is still waiting. */
export class TransactionTimeout extends Error {
  override readonly name = "TransactionTimeout";
  constructor(
    readonly hash: string,
    readonly seconds: number,
  ) {
    super(
      `transaction ${hash} was not mined within ${seconds} s: it still may be. Wait on, or send one with its nonce and a higher fee`,
    );
  }
}
