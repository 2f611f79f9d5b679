/** Actions at the other doors that people use: leverage, vaults, the exchange, auctions, settlement. */
import { concat, toBeHex, ZeroAddress, ZeroHash } from "ethers";

import { decimalText, Words } from "../errors/format.ts";
import type { Order } from "../orders.ts";
import { IERC20Metadata__factory, IVault__factory } from "../contracts.ts";
import { action, type Action, approvalOf, MAX } from "./action.ts";
import type { SignedTerms } from "./safeActions.ts";
import { type AssetRef, derivativesAt, errorContext, type Venue } from "./venue.ts";
import { UnknownNameError } from "./errors.ts";

/** The owner's signature that makes the router an operator in the same transaction; see `PlimsollClient.signLeverageGrant`. */
export interface LeverageGrant {
  /** Last second of the router's rights. */
  readonly expiry: number;
  readonly signed: { readonly nonce: bigint; readonly deadline: bigint | number; readonly signature: string };
}

const NO_GRANT: LeverageGrant = { expiry: 0, signed: { nonce: 0n, deadline: 0n, signature: "0x" } };

/** Way of a swap, from the debt's token to the collateral's: symbols or ids, with the pools' fees (hundredths of a basis point) between. */
export interface SwapRoute {
  readonly assets: readonly AssetRef[];
  readonly fees: readonly number[];
}

interface LeverageTerms {
  readonly account: string;
  readonly debtAsset: AssetRef;
  readonly collateralAsset: AssetRef;
  /** From debt to collateral; closing reads it backwards. */
  readonly route: SwapRoute;
  /** Last second, unix. */
  readonly deadline: number;
  readonly grant?: LeverageGrant;
}

/** Sell borrowed tokens for collateral. */
export interface OpenTerms extends LeverageTerms {
  /** What the caller adds of his own; the router needs an approval for it. */
  readonly margin?: { readonly asset: AssetRef; readonly amount: bigint; readonly native?: boolean };
  /** Of the debt asset. */
  readonly sold: bigint;
  /** Least of the collateral asset. */
  readonly minBought: bigint;
}

/** Sell collateral and pay the debt. */
export interface CloseTerms extends LeverageTerms {
  /** `MAX`: the whole debt, to the wei. */
  readonly repaid: bigint;
  /** Most of the collateral asset. */
  readonly maxSold: bigint;
  /** Gets what is left of the collateral; left out, it stays in the account. */
  readonly to?: string;
  /** Pay it in the native coin. */
  readonly native?: boolean;
}

/** More or less leverage at the same equity. */
export interface ChangeTerms extends LeverageTerms {
  /** Positive: borrow that much and buy; negative: sell and repay that much. */
  readonly debtChange: bigint;
  /** Least bought, or most sold. */
  readonly limit: bigint;
}

/** An order with who signed it. */
export interface SignedOrder {
  readonly order: Order;
  readonly signer: string;
  readonly signature: string;
}

/** Two orders to fill against each other. */
export interface MatchTerms {
  readonly maker: SignedOrder;
  readonly taker: SignedOrder;
  /** Units of the whole spread, WAD. */
  readonly size: bigint;
  /** Account that gets keepers' fees. */
  readonly keeper?: string;
}

/** Liquidation without capital: bid, swap what was taken, keep the rest. */
export interface LiquidateTerms {
  readonly account: string;
  readonly fraction: bigint;
  readonly limit: bigint;
  /** Settlement token units. */
  readonly minProfit: bigint;
  /** One for each other token taken or owed, to the settlement asset. */
  readonly routes: readonly SwapRoute[];
  readonly recipient: string;
  readonly deadline: number;
}

const FEE_BYTES = 3;

/** A way through Uniswap v3 pools: `token ‖ fee ‖ token …`. */
export const encodeRoute = ({ assets }: Venue, { assets: hops, fees }: SwapRoute): string => {
  if (hops.length < 2 || fees.length !== hops.length - 1)
    throw new TypeError("a route has one fee between each two assets");
  return concat(
    hops.flatMap((hop, i) => [assets.get(hop).token, ...(i < fees.length ? [toBeHex(fees[i] ?? 0, FEE_BYTES)] : [])]),
  );
};

/** TypeChain's structs are mutable; ours are not. */
const exchangeOrder = ({ order, signer, signature }: SignedOrder) => ({
  order: { ...order, legs: order.legs.map((leg) => ({ ...leg })) },
  signer,
  signature,
});

/** Builders of trades. */
export const tradingActions = (venue: Venue) => {
  const { leverageRouter: router, auction, liquidationUnwinder: unwinder } = venue.contracts;
  const at = venue.deployment.contracts;
  const words = new Words(errorContext(venue));
  const id = (asset: AssetRef): number => venue.assets.get(asset).id;
  const text = (asset: AssetRef, amount: bigint): string => {
    const { symbol, decimals } = venue.assets.get(asset);
    return amount === MAX ? `all ${symbol}` : `${decimalText(amount, decimals)} ${symbol}`;
  };
  const common = ({ account, debtAsset, collateralAsset, route, deadline, grant = NO_GRANT }: LeverageTerms) => ({
    account,
    debtAsset: id(debtAsset),
    collateralAsset: id(collateralAsset),
    path: encodeRoute(venue, route),
    deadline,
    grant,
  });
  const vaultOf = (asset: AssetRef) => {
    const { vault, symbol } = venue.assets.get(asset);
    if (vault === undefined) throw new UnknownNameError(`${symbol} has no vault: lend a pool's asset`);
    return { vault, contract: IVault__factory.createInterface() };
  };
  const exchange = () => ({ to: at.exchange ?? ZeroAddress, door: derivativesAt(venue).exchange.interface });
  const positions = () => ({ to: at.positions ?? ZeroAddress, door: derivativesAt(venue).positions.interface });
  const auctionDoor = (kind: string, title: string, account: string, data: string): Action =>
    action({
      kind,
      title: `${title} the auction of ${words.account(account)}`,
      to: at.auction,
      data,
      accounts: [account],
    });

  return {
    /** Lets a spender take tokens of the sender's. */
    approve: (asset: AssetRef, spender: string, amount: bigint): Action =>
      action({
        kind: "approve",
        title: `Let ${spender} take ${text(asset, amount)}`,
        to: venue.assets.get(asset).token,
        data: IERC20Metadata__factory.createInterface().encodeFunctionData("approve", [spender, amount]),
      }),

    /** Adds margin, borrows, and swaps into the collateral, in one transaction. */
    openLeverage: (terms: OpenTerms): Action => {
      const { margin, sold, minBought } = terms;
      const native = margin?.native === true;
      const order = {
        ...common(terms),
        marginAsset: id(margin?.asset ?? terms.debtAsset),
        margin: margin?.amount ?? 0n,
        sold,
        minBought,
      };
      return action({
        kind: "openLeverage",
        title: `Sell ${text(terms.debtAsset, sold)} for at least ${text(terms.collateralAsset, minBought)} with leverage`,
        to: at.leverageRouter,
        data: router.interface.encodeFunctionData("open", [order]),
        value: native ? order.margin : 0n,
        accounts: [terms.account],
        needs:
          margin === undefined || native ? [] : [approvalOf(venue, margin.asset, at.leverageRouter, margin.amount)],
        attempt: { verb: "Borrowing", asset: order.debtAsset, amount: sold },
      });
    },

    /** Sells collateral and repays. Passes by the reduce-only rule. */
    closeLeverage: (terms: CloseTerms): Action => {
      const { repaid, maxSold, to = ZeroAddress, native = false } = terms;
      return action({
        kind: "closeLeverage",
        title: `Repay ${text(terms.debtAsset, repaid)} by selling at most ${text(terms.collateralAsset, maxSold)}`,
        to: at.leverageRouter,
        data: router.interface.encodeFunctionData("close", [{ ...common(terms), repaid, maxSold, to, native }]),
        accounts: [terms.account],
      });
    },

    /** Borrows and buys, or sells and repays; `debtChangeTo` of the router says how much for a leverage. */
    changeLeverage: (terms: ChangeTerms): Action => {
      const { debtChange, limit } = terms;
      return action({
        kind: "changeLeverage",
        title: `Change the debt by ${text(terms.debtAsset, debtChange)}`,
        to: at.leverageRouter,
        data: router.interface.encodeFunctionData("changeLeverage", [{ ...common(terms), debtChange, limit }]),
        accounts: [terms.account],
      });
    },

    /** Lends through the pool's vault. The vault needs an approval. */
    vaultDeposit: ({ asset, amount, receiver }: { asset: AssetRef; amount: bigint; receiver: string }): Action => {
      const { vault, contract } = vaultOf(asset);
      return action({
        kind: "vaultDeposit",
        title: `Lend ${text(asset, amount)}`,
        to: vault,
        data: contract.encodeFunctionData("deposit", [amount, receiver]),
        needs: [approvalOf(venue, asset, vault, amount)],
        attempt: { verb: "Lending", asset: id(asset), amount },
      });
    },

    /** Takes lent assets back, an amount of assets. */
    vaultWithdraw: (terms: { asset: AssetRef; amount: bigint; receiver: string; owner: string }): Action => {
      const { vault, contract } = vaultOf(terms.asset);
      return action({
        kind: "vaultWithdraw",
        title: `Take back ${text(terms.asset, terms.amount)}`,
        to: vault,
        data: contract.encodeFunctionData("withdraw", [terms.amount, terms.receiver, terms.owner]),
        attempt: { verb: "Withdrawing", asset: id(terms.asset), amount: terms.amount },
      });
    },

    /** Takes lent assets back, a number of shares. */
    vaultRedeem: (terms: { asset: AssetRef; shares: bigint; receiver: string; owner: string }): Action => {
      const { vault, contract } = vaultOf(terms.asset);
      return action({
        kind: "vaultRedeem",
        title: `Redeem ${terms.shares} shares of the ${venue.assets.get(terms.asset).symbol} vault`,
        to: vault,
        data: contract.encodeFunctionData("redeem", [terms.shares, terms.receiver, terms.owner]),
      });
    },

    /** Fills two signed orders against each other. */
    fillOrder: ({ maker, taker, size, keeper = ZeroHash }: MatchTerms): Action => {
      const { to, door } = exchange();
      const match = { maker: exchangeOrder(maker), taker: exchangeOrder(taker), size };
      return action({
        kind: "fillOrder",
        title: `Fill ${words.wad(size)} of two orders`,
        to,
        data: door.encodeFunctionData("fillOrder", [match, keeper]),
        accounts: [maker.order.account, taker.order.account],
      });
    },

    /** Fills each match by itself; bad ones are left out and reported by `FillSkipped`. */
    fillOrders: (matches: readonly Omit<MatchTerms, "keeper">[], keeper: string = ZeroHash): Action => {
      const { to, door } = exchange();
      const list = matches.map(({ maker, taker, size }) => ({
        maker: exchangeOrder(maker),
        taker: exchangeOrder(taker),
        size,
      }));
      return action({
        kind: "fillOrders",
        title: `Fill ${matches.length} matches`,
        to,
        data: door.encodeFunctionData("fillOrders", [list, keeper]),
      });
    },

    /** Uses up the nonce of an order. */
    cancelOrder: ({ account, nonce }: Pick<Order, "account" | "nonce">): Action => {
      const { to, door } = exchange();
      const data = door.encodeFunctionData("cancel", [account, nonce]);
      return action({ kind: "cancelOrder", title: `Cancel the order with nonce ${nonce}`, to, data });
    },

    /** Voids all orders made before a time (milliseconds: what orders have as salt). */
    cancelOrdersUpTo: ({ account, salt }: Pick<Order, "account" | "salt">): Action => {
      const { to, door } = exchange();
      const data = door.encodeFunctionData("cancelUpTo", [account, salt]);
      return action({
        kind: "cancelOrdersUpTo",
        title: `Cancel all orders made before ${words.time(salt / 1_000n)}`,
        to,
        data,
      });
    },

    /** Dead-man's switch: all orders are void after `validUntil` (0: no switch). */
    keepAlive: ({ account, validUntil }: { account: string; validUntil: number }): Action => {
      const { to, door } = exchange();
      const data = door.encodeFunctionData("keepAlive", [account, validUntil]);
      return action({
        kind: "keepAlive",
        title: `Keep orders alive until ${words.time(BigInt(validUntil))}`,
        to,
        data,
      });
    },

    /** Relays a signed `cancelUpTo` (`signCancelUpTo` of orders.ts). */
    cancelOrdersUpToBySig: (
      terms: SignedTerms<{ account: string; salt: bigint; nonce: bigint; deadline: bigint }> & {
        readonly signer: string;
      },
    ): Action => {
      const { to, door } = exchange();
      const { account, salt, nonce, deadline } = terms.message;
      const signed = { nonce, deadline, signature: terms.signature };
      const data = door.encodeFunctionData("cancelUpToBySig", [account, salt, terms.signer, signed]);
      return action({ kind: "cancelOrdersUpToBySig", title: "Cancel orders, as signed", to, data });
    },

    /** Pays unsettled profit of one account in cash of another that has lost. Settlement token units. */
    settle: ({ winner, loser, amount }: { winner: string; loser: string; amount: bigint }): Action => {
      const { to, door } = positions();
      return action({
        kind: "settle",
        title: `Settle ${words.settlement(amount)} from ${words.account(loser)} to ${words.account(winner)}`,
        to,
        data: door.encodeFunctionData("settle", [winner, loser, amount]),
        accounts: [winner, loser],
      });
    },

    /** Books pending funding and payoffs of settled expiries of an account. */
    touch: (account: string): Action => {
      const { to, door } = positions();
      const data = door.encodeFunctionData("touch", [account]);
      return action({
        kind: "touch",
        title: `Book what is pending of ${words.account(account)}`,
        to,
        data,
        accounts: [account],
      });
    },

    /** Starts the auction of an account below maintenance; `feeTo` gets a share of the first bid. */
    startAuction: ({ account, feeTo }: { account: string; feeTo: string }): Action =>
      action({
        kind: "startAuction",
        title: `Start the auction of ${words.account(account)}`,
        to: at.auction,
        data: auction.interface.encodeFunctionData("start", [account, feeTo]),
        accounts: [account],
      }),

    /** Advances an auction's clock. */
    pokeAuction: (account: string): Action =>
      auctionDoor("pokeAuction", "Advance", account, auction.interface.encodeFunctionData("poke", [account])),

    /** Ends the auction of an account that is healthy again. */
    endAuction: (account: string): Action =>
      auctionDoor("endAuction", "End", account, auction.interface.encodeFunctionData("end", [account])),

    /** Liquidates without capital. */
    liquidate: ({ routes, ...terms }: LiquidateTerms): Action =>
      action({
        kind: "liquidate",
        title: `Liquidate ${words.account(terms.account)} for at least ${words.settlement(terms.minProfit)}`,
        to: at.liquidationUnwinder,
        data: unwinder.interface.encodeFunctionData("liquidate", [
          { ...terms, routes: routes.map((route) => encodeRoute(venue, route)) },
        ]),
        accounts: [terms.account],
      }),
  };
};

/** Builders of trades. */
export type TradingActions = ReturnType<typeof tradingActions>;
