/** Actions at the safe's own doors. Amounts are token units (`MAX`: all). Each can go into a batch. */
import type { Interface } from "ethers";

import { decimalText, Words } from "../errors/format.ts";
import type {
  PermitMessage,
  CancelNonceMessage,
  OperatorMessage,
  TransferMessage,
  WithdrawMessage,
} from "../signatures.ts";
import { OPERATOR_RIGHTS, splitSignature } from "../signatures.ts";
import { action, type Action, approvalOf, MAX } from "./action.ts";
import { type AssetRef, errorContext, type Venue } from "./venue.ts";

/** An amount of an asset in an account. */
export interface BalanceTerms {
  readonly account: string;
  readonly asset: AssetRef;
  /** Token units. */
  readonly amount: bigint;
}

/** Tokens leave to somebody. */
export interface OutgoingTerms extends BalanceTerms {
  readonly to: string;
}

/** Between two accounts. */
export interface TransferTerms {
  readonly from: string;
  readonly to: string;
  readonly asset: AssetRef;
  readonly amount: bigint;
  /** The giver may end below zero, by borrowing. */
  readonly mayBorrow?: boolean;
}

/** What an operator may do, and until when. */
export interface OperatorTerms {
  readonly account: string;
  readonly operator: string;
  /** None takes all rights away. */
  readonly rights: keyof typeof OPERATOR_RIGHTS;
  /** Last second of the grant, unix. */
  readonly expiry: number;
  /** Given: tokens may go only to these and to the owner. */
  readonly receivers?: readonly string[];
}

/** A bid on an account in auction, or below maintenance. */
export interface BidTerms {
  readonly account: string;
  /** The account that takes the part over. */
  readonly bidder: string;
  /** WAD; `MAX`: as much as allowed. */
  readonly fraction: bigint;
  /** Most to pay, settlement token units; negative: least to be paid. */
  readonly limit: bigint;
}

/** A message of an owner and his signature over it, for anybody to send. */
export interface SignedTerms<Message> {
  readonly message: Message;
  readonly signature: string;
}

const signed = ({
  message,
  signature,
}: SignedTerms<{ readonly nonce: bigint; readonly deadline: bigint | number }>) => ({
  nonce: message.nonce,
  deadline: message.deadline,
  signature,
});

/** Builders of the safe's actions. */
export const safeActions = (venue: Venue) => {
  const { safe } = venue.contracts;
  const to = venue.deployment.contracts.safe;
  // By name: one helper for every door. A test sends each of them.
  const doors: Interface = safe.interface;
  const words = new Words(errorContext(venue));
  const amountText = (asset: AssetRef, amount: bigint): string => {
    const { symbol, decimals } = venue.assets.get(asset);
    return amount === MAX ? `all ${symbol}` : `${decimalText(amount, decimals)} ${symbol}`;
  };
  const id = (asset: AssetRef): number => venue.assets.get(asset).id;
  const door = (kind: string, title: string, values: readonly unknown[], rest: Partial<Action> = {}): Action => {
    const data = doors.encodeFunctionData(kind, values);
    return action({ ...rest, kind, title, to, data, calls: [{ target: to, data }] });
  };
  const outgoing =
    (kind: "withdraw" | "borrow", verb: string) =>
    (terms: OutgoingTerms): Action =>
      door(
        kind,
        `${kind === "withdraw" ? "Withdraw" : "Borrow"} ${amountText(terms.asset, terms.amount)} from ${words.account(terms.account)} to ${terms.to}`,
        [terms.account, id(terms.asset), terms.amount, terms.to],
        {
          accounts: [terms.account],
          ...(terms.amount !== MAX && { attempt: { verb, asset: id(terms.asset), amount: terms.amount } }),
        },
      );

  return {
    /** Takes tokens of the sender into an account; pays debt in the asset first. The safe needs an approval. */
    deposit: ({ account, asset, amount }: BalanceTerms): Action =>
      door(
        "deposit",
        `Deposit ${amountText(asset, amount)} into ${words.account(account)}`,
        [account, id(asset), amount],
        {
          accounts: [account],
          needs: [approvalOf(venue, asset, to, amount)],
          attempt: { verb: "Depositing", asset: id(asset), amount },
        },
      ),

    /** Wraps the native coin sent along and deposits it. */
    depositNative: ({ account, amount }: Omit<BalanceTerms, "asset">): Action =>
      door(
        "depositNative",
        `Deposit ${words.wad(amount)} of the native coin into ${words.account(account)}`,
        [account, amount],
        {
          accounts: [account],
          value: amount,
        },
      ),

    /** Sends a positive balance out; never borrows. */
    withdraw: outgoing("withdraw", "Withdrawing"),

    /** Withdraws the wrapped native coin and unwraps it. */
    withdrawNative: ({ account, amount, to: receiver }: Omit<OutgoingTerms, "asset">): Action =>
      door(
        "withdrawNative",
        `Withdraw ${amount === MAX ? "all" : words.wad(amount)} of the native coin from ${words.account(account)} to ${receiver}`,
        [account, amount, receiver],
        { accounts: [account] },
      ),

    /** Sends tokens out; what the balance does not cover becomes debt at the pool's rate. */
    borrow: outgoing("borrow", "Borrowing"),

    /** Takes tokens of the sender to pay a debt, never more than it (`MAX`: all of it). The safe needs an approval. */
    repay: ({ account, asset, amount }: BalanceTerms): Action =>
      door("repay", `Repay ${amountText(asset, amount)} of ${words.account(account)}`, [account, id(asset), amount], {
        accounts: [account],
        needs: [approvalOf(venue, asset, to, amount)],
      }),

    /** Moves a balance between accounts, also of different owners. */
    transfer: ({ from, to: receiver, asset, amount, mayBorrow = false }: TransferTerms): Action =>
      door(
        "transfer",
        `Transfer ${amountText(asset, amount)} from ${words.account(from)} to ${words.account(receiver)}`,
        [from, receiver, id(asset), amount, mayBorrow],
        {
          accounts: [from, receiver],
          ...(amount !== MAX && { attempt: { verb: "Transferring", asset: id(asset), amount } }),
        },
      ),

    /** Uses the account's vault shares of a pool to pay its debt there. */
    setOff: ({ account, asset }: Omit<BalanceTerms, "amount">): Action =>
      door(
        "setOff",
        `Set off ${venue.assets.get(asset).symbol} shares of ${words.account(account)}`,
        [account, id(asset)],
        {
          accounts: [account],
        },
      ),

    /** Declares that the account may pass by the reduce-only rule. First in a batch. */
    reduceOnly: (account: string): Action =>
      door("reduceOnly", `Only reduce ${words.account(account)}`, [account], { accounts: [account] }),

    /** Chooses the margin model, and whether attested credit counts. */
    setModel: ({
      account,
      model,
      credit = false,
    }: {
      readonly account: string;
      readonly model: "standard" | "portfolio";
      readonly credit?: boolean;
    }): Action =>
      door(
        "setModel",
        `Margin ${words.account(account)} by the ${model} model${credit ? " with attested credit" : ""}`,
        [account, (model === "standard" ? 0 : 1) + (credit ? 2 : 0)],
        {
          accounts: [account],
        },
      ),

    /** Gives an operator rights, or takes them away. */
    setOperator: ({ account, operator, rights, expiry, receivers }: OperatorTerms): Action =>
      door(
        "setOperator",
        rights === "none"
          ? `Take all rights of ${operator} over ${words.account(account)}`
          : `Let ${operator} ${rights === "both" ? "trade and withdraw" : rights} for ${words.account(account)} until ${words.time(BigInt(expiry))}`,
        [account, operator, OPERATOR_RIGHTS[rights], expiry, receivers !== undefined, receivers ?? []],
        { accounts: [account] },
      ),

    /** Uses up a nonce of the sender's, so that a message signed with it is void. */
    cancelNonce: (nonce: bigint): Action => door("cancelNonce", `Use up nonce ${nonce}`, [nonce]),

    /** Takes a part of an account in auction for cash; starts the auction when none runs. */
    bid: ({ account, bidder, fraction, limit }: BidTerms): Action =>
      door(
        "bid",
        `Bid for ${fraction === MAX ? "as much as allowed" : words.percent(fraction)} of ${words.account(account)}, at most ${words.settlement(limit)}`,
        [account, bidder, fraction, limit],
        { accounts: [bidder, account] },
      ),

    /** Uses an ERC-2612 permit in the safe's favour: put it before a deposit in a batch. */
    permit: (asset: AssetRef, { message, signature }: SignedTerms<PermitMessage>): Action => {
      const { v, r, s } = splitSignature(signature);
      const { token, symbol } = venue.assets.get(asset);
      return door("permit", `Let the safe take ${amountText(asset, message.value)} by a signed permit of ${symbol}`, [
        token,
        message.owner,
        message.value,
        message.deadline,
        v,
        r,
        s,
      ]);
    },

    /** Relays a signed withdrawal. */
    withdrawBySig: (terms: SignedTerms<WithdrawMessage>): Action => {
      const { account, asset, amount, mayBorrow, to: receiver } = terms.message;
      return door(
        "withdrawBySig",
        `Withdraw ${amountText(asset, amount)} from ${words.account(account)} to ${receiver}, as signed`,
        [account, asset, amount, mayBorrow, receiver, signed(terms)],
        { accounts: [account], attempt: { verb: "Withdrawing", asset, amount } },
      );
    },

    /** Relays a signed transfer. */
    transferBySig: (terms: SignedTerms<TransferMessage>): Action => {
      const { from, to: receiver, asset, amount, mayBorrow } = terms.message;
      return door(
        "transferBySig",
        `Transfer ${amountText(asset, amount)} from ${words.account(from)} to ${words.account(receiver)}, as signed`,
        [from, receiver, asset, amount, mayBorrow, signed(terms)],
        { accounts: [from, receiver] },
      );
    },

    /** Relays a signed grant. */
    setOperatorBySig: (terms: SignedTerms<OperatorMessage>): Action => {
      const { account, operator, rights, expiry, receiversOnly, receivers } = terms.message;
      return door(
        "setOperatorBySig",
        `Set the rights of ${operator} over ${words.account(account)}, as signed`,
        [account, operator, rights, expiry, receiversOnly, receivers, signed(terms)],
        { accounts: [account] },
      );
    },

    /** Relays a signed cancellation of a nonce. */
    cancelNonceBySig: (terms: SignedTerms<CancelNonceMessage>): Action =>
      door("cancelNonceBySig", `Use up nonce ${terms.message.cancelled} of ${terms.message.owner}, as signed`, [
        terms.message.owner,
        terms.message.cancelled,
        signed(terms),
      ]),

    /**
     * Several actions in one session: margins, caps and outflow are checked once at the end. Only the safe's own doors go in
     * ({@link Action.calls}). The native coin sent is shared by those that need it.
     */
    batch: (actions: readonly Action[]): Action => {
      const alien = actions.find(({ calls }) => calls.length === 0);
      if (alien !== undefined) throw new TypeError(`"${alien.kind}" cannot go into a batch: send it by itself`);
      const calls = actions.flatMap((each) => each.calls);
      const [only] = actions;
      const attempt = actions.length === 1 ? only?.attempt : undefined;
      return action({
        kind: "batch",
        title: actions.map(({ title }) => title).join("; "),
        to,
        data: safe.interface.encodeFunctionData("batch", [calls.map((call) => ({ ...call }))]),
        calls,
        value: actions.reduce((sum, { value }) => sum + value, 0n),
        accounts: [...new Set(actions.flatMap(({ accounts }) => accounts))],
        needs: actions.flatMap(({ needs }) => needs),
        ...(attempt !== undefined && { attempt }),
      });
    },
  };
};

/** Builders of the safe's actions. */
export type SafeActions = ReturnType<typeof safeActions>;
