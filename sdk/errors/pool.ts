/** What the errors of the liquidity pool mean, and what to do. */
import type { Templates } from "./safe.ts";

export const POOL_MESSAGES = {
  "QuotesStopped(uint40 until)": ({ until }, w) =>
    `the liquidity pool quotes nothing until ${w.time(until)}: trade with signed orders of others, or later`,
  "NotQuoted(uint128 instrument)": ({ instrument }, w) =>
    `the liquidity pool does not quote ${w.instrument(instrument)}: it has no terms for it, or its expiry is too near`,
  "IndexTooOld(uint8 underlying,uint256 age)": ({ underlying, age }, w) =>
    `the index of ${w.underlying(underlying)} is ${age} s old, too old for the liquidity pool: wait for a new round`,
  "NoBid(uint128 instrument)": ({ instrument }, w) =>
    `${w.instrument(instrument)} is worth too little for the liquidity pool to buy`,
  "SizeOutOfRange(uint256 size)": ({ size }, w) =>
    `a size of ${w.wad(size)} is nothing or too much for the liquidity pool: use another`,
  "PoolLimitExceeded(bytes32 limit,uint256 value,uint256 most)": ({ limit, value, most }, w) =>
    `the liquidity pool's limit of ${w.text(limit)} would be passed (${w.text(limit) === "kinds" ? value : w.wad(value)} of ${w.text(limit) === "kinds" ? most : w.wad(most)}): trade less, or the other way`,
  "PoolReserveTooLow(int256 initial,int256 least)": ({ initial, least }, w) =>
    `the liquidity pool would keep ${w.value(initial)} of margin free, less than its reserve of ${w.value(least)}: trade less`,
  "NotTrader(bytes32 account,address caller)": ({ account, caller }, w) =>
    `${caller} may not trade for ${w.account(account)} through the pool: call as its owner, or sign the order`,
  "PoolClosed(bytes32 reason)": ({ reason }, w) =>
    `the liquidity pool neither sells nor redeems shares now (${w.text(reason)}): try again later`,
  "DepositCapReached(uint256 cap,uint256 total)": ({ cap, total }, w) =>
    `the liquidity pool takes no more than ${w.settlement(cap)} and would have ${w.settlement(total)}: maxDeposit says what is left`,
  "SharesTooMany(uint256 shares)": ({ shares }) => `${shares} shares more do not fit: deposit less`,
  "LeaveByRequest()": () =>
    "shares of the liquidity pool are redeemed by request: call requestRedeem, and redeem once it is fulfilled",
  "NotController(address controller,address caller)": ({ controller, caller }) =>
    `only ${controller} may fetch what its requests have paid, not ${caller}`,
  "NothingClaimable(address controller,uint256 claimable)": ({ controller, claimable }) =>
    `${controller} may fetch at most ${claimable} now: wait until its requests are fulfilled`,
  "RequestTooSmall(uint256 shares,uint256 least)": ({ shares, least }) =>
    `${shares} shares are worth nothing: request at least ${least}`,
  "NothingToFulfil()": () =>
    "no request to leave is due, or the pool has no free cash: wait for the delay, or for positions to be reduced",
  "TooManyUnderlyings()": () => "the liquidity pool reckons with at most sixteen underlyings at once",
} satisfies Partial<Templates>;
