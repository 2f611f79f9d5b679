/** What the errors of ledger, exchange, auction, feeds and averages mean, and what to do. */
import type { Templates } from "./safe.ts";

const PREPARE = "get fresh attestations posted";

export const MARKET_MESSAGES = {
  // ledger
  "OnlyExchange(address caller)": ({ caller }) =>
    `only the exchange may do that, not ${caller}: send signed orders to it`,
  "AuthorityIsFixed()": () => "the ledger's AccessManager cannot be changed",
  "NoNativeValue()": () => "the ledger takes no native value: send none",
  "NoLegs()": () => "a fill needs at least one leg",
  "ZeroSize(uint128 instrument)": ({ instrument }, w) => `the size of ${w.instrument(instrument)} is zero: name one`,
  "NotATrader(bytes32 account)": ({ account }, w) =>
    `${w.account(account)} is a clearing or fee account and cannot trade`,
  "NotListed(uint128 instrument)": ({ instrument }, w) =>
    `${w.instrument(instrument)} is not listed: markets() says what is`,
  "MarketFrozen(uint128 instrument)": ({ instrument }, w) =>
    `${w.instrument(instrument)} is frozen: only fills that reduce both sides go through`,
  "MarketClosed(uint128 instrument)": ({ instrument }, w) =>
    `${w.instrument(instrument)} is closed: touch the account to take its value`,
  "InstrumentExpired(uint128 instrument)": ({ instrument }, w) =>
    `${w.instrument(instrument)} has expired: have its expiry settled, then touch the account`,
  "NotReducing(bytes32 account,uint128 instrument)": ({ account, instrument }, w) =>
    `the reduce-only order would grow or flip ${w.account(account)}'s position in ${w.instrument(instrument)}: make it no larger than the position`,
  "OpenInterestCapExceeded(uint128 instrument,uint256 cap,uint256 total)": ({ instrument, cap, total }, w) =>
    `open interest of ${w.instrument(instrument)} would be ${w.wad(total)}, above its cap of ${w.wad(cap)}: trade at least ${w.wad(total - cap)} less`,
  "TooManyPositions(bytes32 account)": ({ account }, w) =>
    `${w.account(account)} has the most positions that an account can hold (128): close one first, or use another account`,
  "TooLarge(uint256 value)": ({ value }) => `${value} does not fit the ledger: use a smaller size`,
  "SettlementTooLarge(uint256 amount,uint256 limit)": ({ amount, limit }, w) =>
    `${w.settlement(amount)} is more than can be settled between the two: at most ${w.settlement(limit)}`,
  // shortfalls
  "ShortfallOpen(uint256 open)": ({ open }, w) =>
    `winners have ${w.value(open)} of losses to bear first: no profit becomes cash before; open a round of deleveraging, nominate winners, execute`,
  "OnlyDeleveraging(address caller)": ({ caller }) =>
    `only the contract that ranks winners may cancel profits, not ${caller}`,
  "NothingOpen()": () => "no shortfall is open: nobody has to bear anything",
  "RoundRunning(uint256 until)": ({ until }, w) =>
    `a round of deleveraging runs: nominate winners until ${w.time(until)}, then execute it`,
  "NoRound()": () => "no round of deleveraging runs: open one while a shortfall is open",
  "WindowOpen(uint256 until)": ({ until }, w) => `winners may still be nominated: execute from ${w.time(until)} on`,
  "WindowClosed(uint256 since)": ({ since }, w) =>
    `nominations closed at ${w.time(since)}: execute the round, then open another if something is left`,
  "NoProfit(bytes32 account,int256 unsettled)": ({ account, unsettled }, w) =>
    `${w.account(account)} has no unsettled profit (${w.value(unsettled)}): nominate another`,
  "Worthless(bytes32 account,int256 mtm)": ({ account, mtm }, w) =>
    `${w.account(account)} has no equity (${w.value(mtm)}): start its auction instead`,
  "RankTooLow(bytes32 account,uint256 exposure,uint256 profit)": ({ account, exposure, profit }, w) =>
    `the list is full of accounts that rank above ${w.account(account)} (exposure ${w.wad(exposure)}, profit ${w.wad(profit)} of its equity)`,
  "ZeroSteps()": () => "name at least one step",
  "ExpiryNotFinal(uint8 underlying,uint40 expiry)": ({ underlying, expiry }, w) =>
    `the settlement price of ${w.underlying(underlying)} at ${w.time(expiry)} is not final: submit the rounds of both feeds first`,
  "AlreadySettled(uint8 underlying,uint40 expiry)": ({ underlying, expiry }, w) =>
    `${w.underlying(underlying)} at ${w.time(expiry)} is settled already: touch accounts instead`,
  "FeesTooSmall(uint256 amount,uint256 fees)": ({ amount, fees }, w) =>
    amount === 0n
      ? "no fees are there to be moved yet"
      : `only ${w.value(fees)} of fees are there, not ${w.value(amount)}`,
  "TooSoon(uint8 underlying,uint256 until)": ({ underlying, until }, w) =>
    `${w.underlying(underlying)} was looked at a short while ago: again from ${w.time(until)} on`,
  "TooSoon(uint16 asset,uint256 until)": ({ asset, until }, w) =>
    `${w.asset(asset)} was looked at a short while ago: again from ${w.time(until)} on`,
  "InsideSession()": () => "that works only outside sessions: send it in a transaction of its own",
  "AlreadyListed(uint128 instrument)": ({ instrument }, w) => `${w.instrument(instrument)} is listed already`,
  "ExpiryNotListed(uint8 underlying,uint40 expiry)": ({ underlying, expiry }, w) =>
    `${w.underlying(underlying)} has no listed expiry at ${w.time(expiry)}: markets() says which there are`,
  "NotFrozen(uint8 underlying)": ({ underlying }, w) =>
    `the perp of ${w.underlying(underlying)} must be frozen before it is closed`,
  // exchange
  "NotAuthorized(bytes32 account,address signer)": ({ account, signer }, w) =>
    `${signer} may not trade for ${w.account(account)}: sign with its owner or with an operator that has the right to trade`,
  "NotExecutor(bytes32 orderHash,address executor,address caller)": ({ orderHash, executor, caller }) =>
    `order ${orderHash} may be executed only by ${executor}, not by ${caller}`,
  "InvalidLegs(bytes32 orderHash)": ({ orderHash }) =>
    `order ${orderHash} needs 1 to 16 legs, instruments strictly ascending and no ratio zero: build it with spread()`,
  "InvalidFlags(bytes32 orderHash,uint8 flags)": ({ orderHash, flags }) =>
    `order ${orderHash} has flags ${flags}: post-only and immediate-or-cancel exclude each other`,
  "OrderExpired(bytes32 orderHash,uint40 expiry)": ({ orderHash, expiry }, w) =>
    `order ${orderHash} was good until ${w.time(expiry)}: sign a new one`,
  "OrderCancelled(bytes32 orderHash,uint64 minSalt)": ({ orderHash, minSalt }, w) =>
    `order ${orderHash} was cancelled with all that were made before ${w.time(minSalt / 1_000n)}: sign a new one`,
  "OrdersVoid(bytes32 account,uint40 validUntil)": ({ account, validUntil }, w) =>
    `the dead-man's switch of ${w.account(account)} fell at ${w.time(validUntil)}: call keepAlive with a later time`,
  "NonceUsed(bytes32 account,uint256 nonce)": ({ account, nonce }, w) =>
    `nonce ${nonce} of ${w.account(account)} is used up (filled or cancelled): sign with a fresh one`,
  "OverFilled(bytes32 orderHash,uint256 remaining,uint256 size)": ({ orderHash, remaining, size }, w) =>
    `only ${w.wad(remaining)} of order ${orderHash} are left, not ${w.wad(size)}: fill at most that`,
  "TriggerNotMet(bytes32 orderHash,uint256 index)": ({ orderHash, index }, w) =>
    `the index stands at ${w.wad(index)}, which does not set off order ${orderHash}: wait for its trigger`,
  "FeeAboveMaximum(bytes32 orderHash,uint256 fee,uint256 maximum)": ({ orderHash, fee, maximum }, w) =>
    `the fee of ${w.value(fee)} is above the ${w.value(maximum)} that order ${orderHash} allows: sign with a higher maxFee`,
  "ZeroSize()": () => "the size to fill is zero: name one",
  "FillTooSmall(uint128 instrument)": ({ instrument }, w) =>
    `the fill is so small that ${w.instrument(instrument)} would get nothing: fill more at once`,
  "LegsMismatch(bytes32 makerHash,bytes32 takerHash)": ({ makerHash, takerHash }) =>
    `orders ${makerHash} and ${takerHash} are not of the same instruments with opposite ratios`,
  "SelfTrade(address owner)": ({ owner }) => `both orders are of ${owner}: nobody trades with himself`,
  "PostOnlyWouldTake(bytes32 orderHash)": ({ orderHash }) =>
    `order ${orderHash} is post-only and would take: match it as maker`,
  "WrongMaker(bytes32 orderHash)": ({ orderHash }) =>
    `order ${orderHash} does not make the price by the maker rule: swap the two`,
  "PriceWorseThanLimit(int256 cost,int256 limit)": ({ cost, limit }, w) =>
    `a unit would cost ${w.value(cost)}, and the taker signed for at most ${w.value(limit)}`,
  "NotEnoughGas(uint256 index)": ({ index }) =>
    `match ${index} was not given its full FILL_GAS: send that much more gas`,
  "SaltTooFar(uint64 salt)": ({ salt }, w) =>
    `${w.time(salt / 1_000n)} is more than a day ahead: cancel up to a time of the present (milliseconds)`,
  "SaltNotRaised(uint64 minSalt)": ({ minSalt }, w) =>
    `everything before ${w.time(minSalt / 1_000n)} is cancelled already: the bound only rises`,
  "InvalidFees(bytes32 field)": ({ field }, w) => `the fee table's "${w.text(field)}" is out of bounds`,
  // auction
  "AccountHealthy(bytes32 account,int256 maintenance)": ({ account, maintenance }, w) =>
    `${w.account(account)} is healthy (maintenance margin ${w.value(maintenance)}): only accounts below zero can be auctioned`,
  "AuctionRunning(bytes32 account)": ({ account }, w) => `an auction of ${w.account(account)} is running: bid on it`,
  "NoAuction(bytes32 account)": ({ account }, w) => `no auction of ${w.account(account)} is running`,
  "ZeroFraction()": () => "the fraction is zero: bid for a part of the account",
  "FractionOverMax(uint256 fraction,uint256 maximum)": ({ fraction, maximum }, w) =>
    `a bid may take at most ${w.percent(maximum)} of the account now, not ${w.percent(fraction)}: ask for MAX to take what is allowed`,
  "StartedInThisTransaction(bytes32 account)": ({ account }, w) =>
    `the auction of ${w.account(account)} began in this transaction, and insurance pays only from the next one on`,
  "OnlyMarginAccounts(address caller)": ({ caller }) => `only the safe may do that, not ${caller}`,
  "InvalidParameters(bytes32 field)": ({ field }, w) => `the auction's "${w.text(field)}" is out of bounds`,
  // attested feeds
  "SessionOpen()": () => "feeds and averages take nothing while a session is open: send it in a transaction of its own",
  "UnderlyingNotListed(uint8 underlying)": ({ underlying }, w) =>
    `no attestations are taken for ${w.underlying(underlying)}`,
  "TooFewSigners(uint256 given,uint256 needed)": ({ given, needed }) => `${given} signatures, and ${needed} are needed`,
  "SignersNotAscending(address signer,address previous)": ({ signer, previous }) =>
    `${signer} stands after ${previous}: order signatures with orderSignatures()`,
  "UnknownSigner(address signer)": ({ signer }) => `${signer} is no attester: drop its signature`,
  "OldAttestation(uint40 timestamp,uint40 stored)": ({ timestamp, stored }, w) =>
    `the attestation of ${w.time(timestamp)} is not newer than the stored one of ${w.time(stored)}`,
  "FutureAttestation(uint40 timestamp)": ({ timestamp }, w) =>
    `the attestation is of ${w.time(timestamp)}, which is still to come`,
  "AttestationTooOld(uint40 timestamp,uint256 maxAge)": ({ timestamp, maxAge }, w) =>
    `the attestation of ${w.time(timestamp)} is older than ${maxAge} seconds: sign anew`,
  "JumpTooBig(uint40 expiry,uint256 change,uint256 limit)": ({ change, limit }, w) =>
    `the value moved by ${w.percent(change)}, and at most ${w.percent(limit)} are allowed since the last one: post in steps`,
  "ButterflyArbitrage(uint40 expiry,int256 k)": ({ expiry, k }, w) =>
    `the smile of ${w.time(expiry)} implies a negative density at k = ${w.wad(k)}`,
  "CalendarArbitrage(uint40 expiry,int256 k)": ({ expiry, k }, w) =>
    `the smile of ${w.time(expiry)} has less total variance at k = ${w.wad(k)} than the expiry before it`,
  "BadValue(uint40 expiry,bytes32 field)": ({ field }, w) => `the attested "${w.text(field)}" is out of its domain`,
  "BadSigners(uint256 signers,uint256 threshold)": ({ signers, threshold }) =>
    `${signers} signers with a threshold of ${threshold}: 1 ≤ threshold ≤ signers ≤ 32, none zero or named twice`,
  "BadLimits(bytes32 field)": ({ field }, w) => `the limit "${w.text(field)}" is out of bounds`,
  "UnknownExpiry(uint8 underlying,uint40 expiry)": ({ underlying, expiry }, w) =>
    `nothing was ever attested for ${w.underlying(underlying)} at ${w.time(expiry)}: ${PREPARE}`,
  "FeedStale(uint256 underlying)": ({ underlying }, w) =>
    `attested values of ${w.underlying(underlying)} are too old for new risk: ${PREPARE}; reducing goes on`,
  "SmileOutOfRange()": () => "the smile cannot be evaluated at this strike",
  // settlement averages
  "WindowNotOpen(uint40 expiry,uint256 from)": ({ expiry, from }, w) =>
    `rounds for ${w.time(expiry)} are counted from ${w.time(from)} on`,
  "NotAStart(uint80 round)": ({ round }) =>
    `round ${round} cannot begin the track: take a sound one of the feed's current phase from before the window`,
  "NotTheNextRound(uint80 round,uint80 last)": ({ round, last }) =>
    `round ${round} does not follow ${last}: submit them one after the other, without a gap`,
  "RoundNotReady(uint80 round)": ({ round }) =>
    `round ${round} says nothing yet: try again when the feed has a later one`,
  "PhaseNotOver(uint80 round)": ({ round }) =>
    `round ${round} is of another phase, and the old one may go on until the expiry: submit it after that`,
  "AlreadyComplete(uint8 asset,uint40 expiry)": ({ asset, expiry }, w) =>
    `the average of ${w.asset(asset)} for ${w.time(expiry)} is complete: nothing more to submit`,
} satisfies Partial<Templates>;
