/** What the errors of the safe mean, and what to do. */
import type { ErrorArgs, ErrorSignature } from "./types.ts";
import type { Words } from "./format.ts";

/** A sentence of an error's arguments. */
export type Template<S extends ErrorSignature> = (args: ErrorArgs<S>, words: Words) => string;
/** One sentence for every error. */
export type Templates = { readonly [S in ErrorSignature]: Template<S> };

/** A cap on a total: says how much of what was tried would pass, or by how much the total is over. */
const overCap = (words: Words, asset: bigint, over: bigint, name: string, verb: string): string => {
  const attempt = words.attempt(asset);
  const tried = attempt === undefined ? verb : `${attempt.verb} ${words.amount(asset, attempt.amount)}`;
  const room = attempt === undefined ? -1n : attempt.amount - over;
  if (room > 0n) return `${tried} is above ${name}: at most ${words.amount(asset, room)} now`;
  if (attempt !== undefined) return `${tried} is above ${name}, which has no room now: try later or a smaller amount`;
  return `${tried} is above ${name}: at least ${words.amount(asset, over)} less`;
};

/** The most that would pass is known. */
const atMost = (words: Words, asset: bigint, most: bigint, why: string, verb: string): string => {
  const attempt = words.attempt(asset);
  const tried = attempt === undefined ? verb : `${attempt.verb} ${words.amount(asset, attempt.amount)}`;
  return `${tried} ${why}: at most ${words.amount(asset, most)} now`;
};

const RIGHTS = ["no right", "the right to trade", "the right to withdraw", "the rights to trade and to withdraw"];

export const SAFE_MESSAGES = {
  "NotAuthorized(bytes32 account,address caller,uint8 right)": ({ account, caller, right }, w) =>
    `${caller} lacks ${RIGHTS[Number(right)] ?? `right ${right}`} for ${w.account(account)}: sign with its owner, or have the owner call setOperator`,
  "ReceiverNotListed(bytes32 account,address operator,address receiver)": ({ account, operator, receiver }, w) =>
    `the operator ${operator} of ${w.account(account)} may send only to listed receivers, and ${receiver} is none: have the owner list it`,
  "OnlyVault(uint16 asset,address caller)": ({ asset, caller }, w) =>
    `only the vault of ${w.asset(asset)} may do that, not ${caller}: deposit and withdraw through the vault`,
  "OnlyPositions(address caller)": ({ caller }) => `only the ledger of positions may do that, not ${caller}`,
  "OnlyAuction(address caller)": ({ caller }) =>
    `only the auction may do that, not ${caller}: use its start, poke and end`,
  "ZeroAmount()": () => "the amount is zero: give a positive one",
  "ZeroAddress()": () => "an address is zero: name the receiver or target",
  "AssetNotListed(uint16 asset)": ({ asset }, w) =>
    `${w.asset(asset)} is not listed: see assets of the deployment for those that are`,
  "AssetNotBorrowable(uint16 asset)": ({ asset }, w) => `${w.asset(asset)} is collateral that cannot be borrowed`,
  "DepositsClosed(uint16 asset)": ({ asset }, w) =>
    `deposits of ${w.asset(asset)} are closed; repaying and withdrawing go on`,
  "BorrowsClosed(uint16 asset)": ({ asset }, w) => `borrowing ${w.asset(asset)} is closed; repaying goes on`,
  "AssetNotHeld(bytes32 account,uint16 asset)": ({ account, asset }, w) =>
    `${w.account(account)} holds no ${w.asset(asset)}: only its owner may bring in an asset that it does not have yet`,
  "TooManyAssets(bytes32 account)": ({ account }, w) =>
    `${w.account(account)} has the most assets that an account can hold (16): empty one first, or use another account`,
  "NothingToRepay(bytes32 account,uint16 asset)": ({ account, asset }, w) =>
    `${w.account(account)} owes no ${w.asset(asset)}`,
  "InsufficientBalance(bytes32 account,uint16 asset,uint256 available)": ({ account, asset, available }, w) =>
    `${w.account(account)} has only ${w.amount(asset, available)}: take at most that, or borrow the rest`,
  "UnknownModel(uint8 model)": ({ model }) =>
    `there is no margin model ${model}: 0 is standard, 1 portfolio, 2 and 3 the same with attested credit`,
  "SameAccount(bytes32 account)": ({ account }, w) => `both sides are ${w.account(account)}: name two accounts`,
  "NativeValueMismatch(uint256 needed,uint256 available)": ({ needed, available }, w) =>
    `${w.wad(needed)} of the native coin are needed and ${w.wad(available)} were sent: send exactly what is deposited`,
  "NotWrappedNative(uint16 asset)": ({ asset }, w) =>
    `${w.asset(asset)} is not the wrapped native coin: use deposit or withdraw`,
  "CallFailed(uint256 index,bytes reason)": ({ index }) =>
    `call ${index} of the batch failed, and with it the whole batch`,
  "InvalidConfig(bytes32 field)": ({ field }, w) =>
    `"${w.text(field)}" is out of bounds: see the interface for what it may be`,
  "AlreadySet(bytes32 what)": ({ what }, w) => `"${w.text(what)}" is set already and cannot be changed`,
  "SupplyCapExceeded(uint16 asset,uint256 cap,uint256 total)": ({ asset, cap, total }, w) =>
    overCap(w, asset, total - cap, "the pool's supply cap", `supplying ${w.asset(asset)}`),
  "BorrowCapExceeded(uint16 asset,uint256 cap,uint256 total)": ({ asset, cap, total }, w) =>
    overCap(w, asset, total - cap, "the pool's borrow cap", `borrowing ${w.asset(asset)}`),
  "UtilisationCapExceeded(uint16 asset,uint256 maxDebts,uint256 debts)": ({ asset, maxDebts, debts }, w) =>
    overCap(
      w,
      asset,
      debts - maxDebts,
      "what the pool's utilisation cap leaves",
      `borrowing or withdrawing ${w.asset(asset)}`,
    ),
  "CollateralCapExceeded(uint16 asset,uint256 room)": ({ asset, room }, w) =>
    atMost(w, asset, room, "is above the cap on this collateral", `adding ${w.asset(asset)}`),
  "InsufficientLiquidity(uint16 asset,uint256 available)": ({ asset, available }, w) =>
    atMost(w, asset, available, "is more than the pool has in cash", `taking out ${w.asset(asset)}`),
  "RateLimitExceeded()": () =>
    "more would leave than the asset's outflow limit allows in its window: take less, or wait until it refills",
  "ActionPaused(uint8 action)": ({ action }, w) =>
    `the guardian has stopped ${w.actions(action)} for accounts that owe; depositing, repaying and reducing go on`,
  "InsufficientMargin(bytes32 account,int256 initial)": ({ account, initial }, w) =>
    `${w.account(account)} would end with an initial margin of ${w.value(initial)}: it must not be below zero. Add collateral of at least that worth after haircuts, or do less`,
  "NotReduceOnly(bytes32 account,bytes32 rule)": ({ account, rule }, w) =>
    `${w.account(account)} is below its initial margin, so it may only reduce; it did more: ${w.text(rule)}`,
  "ReduceOnlyTooLate(bytes32 account)": ({ account }, w) =>
    `reduce-only of ${w.account(account)} must be declared before its first change in the session: put it first in the batch`,
  "NoSession()": () => "that works only inside a session: put it into a batch or an unlock callback",
  "CheckPending(bytes32 account)": ({ account }, w) =>
    `the margin check of ${w.account(account)} is still pending in this transaction: act on it after its session has ended`,
  "AccountInAuction(bytes32 account)": ({ account }, w) =>
    `${w.account(account)} is being auctioned: only deposits, repayments and bids are possible. Bring it back to health, then end the auction`,
  "AccountNotInAuction(bytes32 account)": ({ account }, w) => `${w.account(account)} is not being auctioned`,
  "TooManyTouched()": () => "the session acts on too many accounts or pools: split it into several transactions",
  "OwnAccount(bytes32 account)": ({ account }, w) =>
    `${w.account(account)} is the bidder's own: deposit or repay instead of bidding`,
  "PriceOverLimit(int256 price,int256 limit)": ({ price, limit }, w) =>
    `the bid would cost ${w.settlement(price)}, above its limit of ${w.settlement(limit)}: raise the limit, or wait for the discount`,
  "FractionTooLarge(uint256 fraction,uint256 maximum)": ({ fraction, maximum }, w) =>
    `a bid may take at most ${w.percent(maximum)} of the account now, not ${w.percent(fraction)}`,
  "SettlementRefused(bytes32 loser,int256 maintenance)": ({ loser, maintenance }, w) =>
    `paying would leave ${w.account(loser)} with a maintenance margin of ${w.value(maintenance)}: settle less, or leave it to an auction`,
  "Reentered()": () => "the safe is in the middle of another call: do not call it from a token's callback",
  "TokenFailed(address token)": ({ token }) =>
    `the token ${token} refused the transfer: look at the owner's balance and at the allowance for the safe`,
  "TokenTakesFee(address token,uint256 sent,uint256 received)": ({ token, sent, received }) =>
    `the token ${token} takes a fee on transfers (${sent} sent, ${received} arrived) and cannot be used`,
  "TokenRebases(address token)": ({ token }) => `the token ${token} changes balances by itself and cannot be listed`,
  "TokenDecimals(address token,uint8 decimals)": ({ token, decimals }) =>
    `the token ${token} has ${decimals} decimals: at most 18 can be listed`,
  "AlreadyListed(address token)": ({ token }) => `the token ${token} is listed already`,
  "InvalidSignature(address signer)": ({ signer }) =>
    `the signature is not one of ${signer} over this message: check chain id, contract address, nonce and deadline of what was signed`,
  "SignatureExpired(uint256 deadline)": ({ deadline }, w) =>
    `the signature was good until ${w.time(deadline)}: sign anew with a later deadline`,
  "PermitFailed(address token,address owner,uint256 deadline)": ({ token, owner, deadline }, w) =>
    `the permit of ${owner} for ${token} (until ${w.time(deadline)}) was refused: sign it with the token's current nonce, or approve`,
  "NonceAlreadyUsed(address owner,uint256 nonce)": ({ owner, nonce }) =>
    `${owner} has used nonce ${nonce}: sign anew with a fresh one`,
  "SharesOverflow(uint256 shares)": ({ shares }) => `${shares} shares do not fit a balance: use a smaller amount`,
  "ModelGas(uint256 left)": ({ left }) => `the pool's rate model needs more gas than the ${left} left: send more gas`,
  "NoCode(address next)": ({ next }) => `there is no contract at ${next}: the deployment is incomplete`,
  "OnlyThroughSafe()": () => "that function answers only at the safe's own address: call the safe",
  "OnlySafe(address caller)": ({ caller }) => `only the safe may do that, not ${caller}`,
  "SafeERC20FailedOperation(address token)": ({ token }) =>
    `the token ${token} refused the transfer: look at the owner's balance and at the allowance`,
  "SafeCastOverflowedUintDowncast(uint8 bits,uint256 value)": ({ bits, value }) =>
    `${value} does not fit ${bits} bits: use a smaller amount`,
} satisfies Partial<Templates>;
