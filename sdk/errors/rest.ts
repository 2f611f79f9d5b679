/** What the errors of engine, tables, periphery, vaults, governance and neighbours mean, and what to do. */
import { stewardParameter } from "../governance.ts";
import type { Templates } from "./safe.ts";

const roundTrip = "fetch a new quote and try again with more slippage, or trade less";

export const REST_MESSAGES = {
  // engine and prices
  "PriceUnusable(uint16 asset,uint8 fault)": ({ asset, fault }, w) =>
    `the price of ${w.asset(asset)} is ${w.fault(fault)}: nothing that needs it passes until the feed recovers; depositing and repaying go on`,
  "NewRiskBlocked(uint16 asset)": ({ asset }, w) =>
    `the price sources of ${w.asset(asset)} disagree: no new risk until they agree; reducing, repaying and liquidating go on`,
  "AssetNotInTable(uint16 asset)": ({ asset }, w) => `${w.asset(asset)} is not in the risk table in force`,
  "LedgerUnsupported()": () => "the engine in force has no perps and options",
  "ModelUnsupported(uint8 model)": ({ model }) => `the engine in force has no margin model ${model}`,
  "UnderlyingNotInTable(uint256 underlying)": ({ underlying }, w) =>
    `${w.underlying(underlying)} has no parameters for perps and options in force`,
  "PriceTooLarge(uint256 price)": ({ price }) => `the price ${price} is larger than the model can reckon with`,
  "BeyondGrid(uint256 value)": ({ value }) => `${value} lies beyond what the scenario model can reckon with`,
  "BadNormalTable(address table)": ({ table }) =>
    `${table} is no table of the normal distribution: the deployment is broken`,
  "ScenarioListsDiffer(uint256 group)": ({ group }) => `members of product group ${group} must share one scenario list`,
  // tables and factories
  "BadTable(bytes32 field,uint256 value)": ({ field, value }, w) =>
    `the risk table's "${w.text(field)}" is out of bounds (${value})`,
  "BadAsset(uint16 asset,bytes32 field,uint256 value)": ({ asset, field, value }, w) =>
    `the risk table's "${w.text(field)}" of ${w.asset(asset)} is out of bounds (${value})`,
  "AssetDropped(uint16 asset)": ({ asset }, w) =>
    `the table in force lists ${w.asset(asset)}, the new one does not: list it, with a full haircut`,
  "RampNeeded(uint16 asset,bytes32 field,uint256 value,uint256 limit)": ({ asset, field, value, limit }, w) =>
    `"${w.text(field)}" of ${w.asset(asset)} would charge more at once (${value}, limit ${limit}): put it on a ramp`,
  "RampStarted(address engine,uint256 start)": ({ engine, start }, w) =>
    `the ramp of engine ${engine} began at ${w.time(start)}, before it is in force: make a new one with a later ramp`,
  "UnderlyingDropped(uint256 underlying)": ({ underlying }, w) =>
    `the ledger table in force has ${w.underlying(underlying)}, the new one does not: keep it`,
  "LedgerStep(uint256 underlying,bytes32 field,uint256 value,uint256 limit)": ({ underlying, value, limit }, w) =>
    `terms of ${w.underlying(underlying)} would get harsher by more than a step (${value}, limit ${limit}): go by several`,
  "LedgerNotice(address table,uint256 until)": ({ table, until }, w) =>
    `the ledger table ${table} is harsher than the one in force and may follow it from ${w.time(until)}`,
  "UnknownEngine(address engine)": ({ engine }) => `engine ${engine} was not made by the factory`,
  "NotSuccessor(address engine,address inForce)": ({ engine, inForce }) =>
    `engine ${engine} was checked against another than ${inForce}, which is in force: make it anew`,
  "BadLedgerTable(address table,bytes32 field)": ({ table, field }, w) =>
    `the ledger table ${table} is wrong in "${w.text(field)}"`,
  "BadParameters(bytes32 field)": ({ field }, w) => `the parameters' "${w.text(field)}" is out of bounds`,
  "BadParameter(bytes32 field)": ({ field }, w) => `the parameter "${w.text(field)}" is out of bounds`,
  "RuleOutOfBounds(string field)": ({ field }) => `the standard model's "${field}" is out of bounds`,
  "ScenarioOutOfBounds(string field)": ({ field }) => `the portfolio model's "${field}" is out of bounds`,
  "RiseOutOfBounds(uint256 risePerHour)": ({ risePerHour }) =>
    `a rise of ${risePerHour} basis points per hour is out of bounds`,
  "InvalidKink(uint256 kink)": ({ kink }, w) => `the kink must lie between 0 and 100 %, not at ${w.percent(kink)}`,
  "RateTooHigh(uint256 rate,uint256 maximum)": ({ rate, maximum }) =>
    `the rate ${rate} per second is above the bound of ${maximum}`,
  "OutOfGas()": () => "too little gas was left to read a source to its end: send more gas",
  // insurance
  "ExitTooLarge(uint256 shares,uint256 balance)": ({ shares, balance }) =>
    `an exit of ${shares} shares was asked for, ${balance} are there: ask for no more`,
  "OwnPartTooSmall(uint256 amount,uint256 available)": ({ amount, available }) =>
    `${amount} was asked of the insurance fund's own part, ${available} may go: the rest stands before the stakes or a known loss`,
  "FirstLossTooLarge(uint256 part)": ({ part }) =>
    `a first-loss part of ${part} basis points is more than all stakes: 10000 is the most`,
  "PriceMoved()": () => "the pool's price moved while the tokens were on their way: try again",
  // leverage, swaps, liquidation without capital
  "CallerNotAuthorized(bytes32 account,address caller)": ({ account, caller }, w) =>
    `${caller} may not trade and withdraw for ${w.account(account)}: call as its owner or as such an operator`,
  "RouterNotAuthorized(bytes32 account)": ({ account }, w) =>
    `${w.account(account)} has not made the router its operator: sign the grant that openLeverage takes, or call setOperator`,
  "ReceiverNotAllowed(bytes32 account,address caller,address receiver)": ({ account, caller, receiver }, w) =>
    `${caller} may not send from ${w.account(account)} to ${receiver}: name a listed receiver`,
  "NoDebt(bytes32 account,uint16 asset)": ({ account, asset }, w) =>
    `${w.account(account)} owes no ${w.asset(asset)}: nothing to close`,
  "NothingToDo()": () => "neither debt nor collateral would change: name an amount",
  "NoEquity(bytes32 account,int256 equity)": ({ account, equity }, w) =>
    `${w.account(account)} has no equity in the two assets (${w.value(equity)}): leverage means nothing here`,
  "OnlyWrappedNative(address sender)": ({ sender }) =>
    `the router takes native value only from the wrapped coin, not from ${sender}`,
  "DeadlinePassed(uint256 deadline)": ({ deadline }, w) =>
    `the deadline was ${w.time(deadline)}: send it again with a later one`,
  "InvalidPath(bytes path)": () =>
    "the swap path is not token ‖ fee ‖ token …, or begins or ends with another token than the trade",
  "PoolNotFound(address tokenA,address tokenB,uint24 fee)": ({ tokenA, tokenB, fee }) =>
    `no swap pool of ${tokenA} and ${tokenB} with fee ${fee}: choose another path`,
  "PoolExhausted(address pool,uint256 asked,uint256 swapped)": ({ pool, asked, swapped }) =>
    `the swap pool ${pool} has liquidity for ${swapped} of ${asked} units only: trade less or take another path`,
  "TooLittleReceived(uint256 received,uint256 minimum)": ({ received, minimum }) =>
    `the swap would give ${received} units, less than the minimum of ${minimum}: ${roundTrip}`,
  "TooMuchPaid(uint256 owed,uint256 maximum)": ({ owed, maximum }) =>
    `the swap would cost ${owed} units, more than the maximum of ${maximum}: ${roundTrip}`,
  "UnexpectedCallback(address caller)": ({ caller }) => `${caller} called back without having been asked to`,
  "MissingRoute(address token)": ({ token }) => `the liquidation needs a swap route for ${token}: add one to routes`,
  "ProfitTooSmall(int256 profit,uint256 minProfit)": ({ profit, minProfit }, w) =>
    `the liquidation would earn ${w.settlement(profit)}, less than ${w.settlement(minProfit)}: wait for the discount or lower minProfit`,
  "NotUnwound(uint16 asset)": ({ asset }, w) =>
    `the account holds ${w.asset(asset)} that cannot be swapped at once: bid with an account of your own instead`,
  "InsufficientBalance(uint256 balance,uint256 needed)": ({ balance, needed }, w) =>
    `${w.wad(needed)} of the native coin are needed and ${w.wad(balance)} are there`,
  "ReentrancyGuardReentrantCall()": () =>
    "the contract is in the middle of another call: do not call it from a token's callback",
  // incentives and credit
  "UnknownGauge(uint256 gauge)": ({ gauge }) => `there is no rewards gauge ${gauge}`,
  "TooManyTokens(uint256 gauge)": ({ gauge }) => `gauge ${gauge} pays four tokens already, and no more than that`,
  "WrongSource(uint256 gauge)": ({ gauge }) =>
    `gauge ${gauge} counts shares the other way: stake where tokens are staked, sync where balances count`,
  "SafeInUse()": () => "balances are counted only in a transaction that has not used the safe: send it by itself",
  "StakeTooSmall(uint256 staked,uint256 amount)": ({ staked, amount }) =>
    `only ${staked} units are staked, not ${amount}`,
  "NotHolder(bytes32 holder,address caller)": ({ holder, caller }, w) =>
    `the rewards of ${w.account(holder)} are its owner's to claim, not those of ${caller}`,
  "InvalidStream(bytes32 field)": ({ field }, w) => `the stream's "${w.text(field)}" is out of bounds or missing`,
  "InvalidRebate(bytes32 field)": ({ field }, w) => `the rebate's "${w.text(field)}" is out of bounds or missing`,
  "InvalidTerms(bytes32 field)": ({ field }, w) => `the terms are out of bounds in "${w.text(field)}"`,
  "ChoreNotPaid(uint8 underlying)": ({ underlying }, w) =>
    `chores of ${w.underlying(underlying)} are not paid for: use the public door`,
  "NothingDone(bytes32 chore)": ({ chore }, w) =>
    `"${w.text(chore)}" would change nothing that is paid for: wait until it is due, or use the public door`,
  "InvalidTiers(bytes32 field)": ({ field }, w) => `the credit tiers are out of bounds in "${w.text(field)}"`,
  "UnknownTier(uint8 tier)": ({ tier }) => `there is no credit tier ${tier}: tiers are 0 to 7`,
  "AttestationSuperseded(address owner,uint40 issuedAt,uint40 latest)": ({ owner, issuedAt, latest }, w) =>
    `the credit of ${owner} issued at ${w.time(issuedAt)} is not newer than ${w.time(latest)}, or from the future: have it attested anew`,
  "CreditExpired(uint40 expiry)": ({ expiry }, w) =>
    `the attested credit was good until ${w.time(expiry)}: have it attested anew`,
  "CreditTooLong(uint40 expiry,uint256 latest)": ({ expiry, latest }, w) =>
    `the attested credit runs until ${w.time(expiry)}, later than ${w.time(latest)}`,
  // vaults and tokens
  "ZeroShares()": () => "the amount is too small to buy one share: deposit more",
  "ERC20InsufficientAllowance(address spender,uint256 allowance,uint256 needed)": ({ spender, allowance, needed }) =>
    `${spender} may take ${allowance} units of the token, and ${needed} are needed: approve it or sign a permit`,
  "ERC20InsufficientBalance(address sender,uint256 balance,uint256 needed)": ({ sender, balance, needed }) =>
    `${sender} has ${balance} units of the token, and ${needed} are needed`,
  "ERC20InvalidApprover(address approver)": ({ approver }) => `${approver} cannot approve`,
  "ERC20InvalidReceiver(address receiver)": ({ receiver }) => `${receiver} cannot receive the token`,
  "ERC20InvalidSender(address sender)": ({ sender }) => `${sender} cannot send the token`,
  "ERC20InvalidSpender(address spender)": ({ spender }) => `${spender} cannot be approved`,
  "ERC2612ExpiredSignature(uint256 deadline)": ({ deadline }, w) =>
    `the permit was good until ${w.time(deadline)}: sign anew`,
  "ERC2612InvalidSigner(address signer,address owner)": ({ signer, owner }) =>
    `the permit is signed by ${signer}, not by ${owner}: check name, version, nonce and chain id of what was signed`,
  "ERC4626ExceededMaxDeposit(address receiver,uint256 assets,uint256 max)": ({ assets, max }) =>
    `the vault takes at most ${max} units now, not ${assets}`,
  "ERC4626ExceededMaxMint(address receiver,uint256 shares,uint256 max)": ({ shares, max }) =>
    `the vault mints at most ${max} shares now, not ${shares}`,
  "ERC4626ExceededMaxRedeem(address owner,uint256 shares,uint256 max)": ({ shares, max }) =>
    `at most ${max} shares can be redeemed now, not ${shares}: the rest is lent out or not yours`,
  "ERC4626ExceededMaxWithdraw(address owner,uint256 assets,uint256 max)": ({ assets, max }) =>
    `at most ${max} units can be withdrawn now, not ${assets}: the rest is lent out or not yours`,
  "InvalidAccountNonce(address account,uint256 currentNonce)": ({ account, currentNonce }) =>
    `the next nonce of ${account} is ${currentNonce}: sign with that`,
  "InsufficientAllowance()": () => "the token's allowance is too small: approve the spender first",
  "InsufficientBalance()": () => "the owner has too little of the token",
  "AllowanceOverflow()": () => "the allowance would not fit: approve a smaller amount",
  "AllowanceUnderflow()": () => "the allowance would fall below zero",
  "TotalSupplyOverflow()": () => "the token's supply would not fit",
  "ETHTransferFailed()": () => "the receiver did not take the native coin",
  "InvalidPermit()": () => "the token did not accept the permit: sign it with its current nonce",
  "PermitExpired()": () => "the permit's deadline has passed: sign anew",
  "Permit2AllowanceIsFixedAtInfinity()": () => "the allowance of Permit2 cannot be changed at this token",
  // signatures, strings, calls
  "ECDSAInvalidSignature()": () => "the signature is not one",
  "ECDSAInvalidSignatureLength(uint256 length)": ({ length }) => `a signature has 65 bytes, not ${length}`,
  "ECDSAInvalidSignatureS(bytes32 s)": () =>
    "the signature's s is in the upper half: have the wallet sign in canonical form",
  "InvalidShortString()": () => "a stored name cannot be read",
  "StringTooLong(string str)": ({ str }) => `"${str}" is too long to be stored`,
  "AddressEmptyCode(address target)": ({ target }) => `there is no contract at ${target}`,
  "FailedCall()": () => "an inner call failed without saying why",
  // governance and proxies
  "AccessManagedUnauthorized(address caller)": ({ caller }) =>
    `${caller} has no role that may do this: \`npm run roles\` says who may`,
  "AccessManagedRequiredDelay(address caller,uint32 delay)": ({ caller, delay }) =>
    `${caller} must schedule this ${delay} seconds ahead at the AccessManager`,
  "AccessManagedInvalidAuthority(address authority)": ({ authority }) => `${authority} cannot be the authority`,
  "AccessControlUnauthorizedAccount(address account,bytes32 neededRole)": ({ account, neededRole }) =>
    `${account} lacks the role ${neededRole} of the timelock`,
  "AccessControlBadConfirmation()": () => "a role can be given up only by its holder",
  // guardian, steward, roles that must be accepted
  "ActionResting(uint8 action,uint40 until)": ({ action, until }, w) =>
    `action ${action} was stopped before: it may be stopped again after ${w.time(until)}`,
  "NothingToStop(uint8 actions)": ({ actions }) =>
    `stopping ${actions} adds nothing: name actions (1, 2, 4, 8) that run now`,
  "NothingStopped()": () => "nothing is stopped: there is nothing to lift",
  "StopTooLong(uint40 until,uint40 limit)": ({ until, limit }, w) =>
    `a stop until ${w.time(until)} is not allowed: from now to ${w.time(limit)} it is`,
  "LastAdmin(address account)": ({ account }) => `${account} is the last admin: another must accept the role first`,
  "NotOffered(uint64 roleId,address account)": ({ roleId, account }) =>
    `role ${roleId} is not offered to ${account}, or no more: an admin grants it first`,
  "NotForSteward(uint8 parameter,uint256 subject)": ({ parameter, subject }) =>
    `the governor has given stewards no bound for ${stewardParameter(parameter)} of ${subject}`,
  "CoolingDown(uint8 parameter,uint256 key,uint256 until)": ({ parameter, key, until }, w) =>
    `${stewardParameter(parameter)} of ${key} has just moved: it may move again from ${w.time(until)}`,
  "OutOfRange(uint8 parameter,uint256 key,uint256 value)": ({ parameter, key, value }) =>
    `${value} is outside the range that the governor gave for ${stewardParameter(parameter)} of ${key}`,
  "StepTooLarge(uint8 parameter,uint256 key,uint256 from,uint256 to,uint256 step)": ({
    parameter,
    key,
    from,
    to,
    step,
  }) => `${stewardParameter(parameter)} of ${key} may move by ${step} at once, not from ${from} to ${to}`,
  "NotAStep(bytes32 field,uint256 place)": ({ field, place }, w) =>
    `only the governor may change "${w.text(field)}" (${place})`,
  "RampRunning(uint256 until)": ({ until }, w) => `a ramp runs until ${w.time(until)}: step again after it`,
  "BadBound(uint8 parameter,uint256 subject,bytes32 field)": ({ parameter, subject, field }, w) =>
    `the bound's "${w.text(field)}" for ${stewardParameter(parameter)} of ${subject} is out of bounds`,
  "DelayBelowFloor(uint256 delay,uint256 floor)": ({ delay, floor }) =>
    `the timelock's delay of ${delay} s is below its floor of ${floor} s`,
  "TimelockInsufficientDelay(uint256 delay,uint256 minDelay)": ({ delay, minDelay }) =>
    `a delay of ${delay} s is below the timelock's ${minDelay} s`,
  "TimelockInvalidOperationLength(uint256 targets,uint256 payloads,uint256 values)": () =>
    "targets, values and payloads differ in number",
  "TimelockUnauthorizedCaller(address caller)": ({ caller }) => `${caller} may not do that at the timelock`,
  "TimelockUnexecutedPredecessor(bytes32 predecessorId)": ({ predecessorId }) =>
    `operation ${predecessorId} must be executed first`,
  "TimelockUnexpectedOperationState(bytes32 operationId,bytes32 expectedStates)": ({ operationId }) =>
    `operation ${operationId} is not in the state for this: not yet due, done or never scheduled`,
  "UUPSUnauthorizedCallContext()": () => "upgrades go through the proxy",
  "UUPSUnsupportedProxiableUUID(bytes32 slot)": ({ slot }) => `the new code upgrades another slot (${slot})`,
  "ERC1967InvalidImplementation(address implementation)": ({ implementation }) =>
    `${implementation} is no code for this proxy`,
  "ERC1967NonPayable()": () => "the upgrade takes no native value",
  "AccessManagerAlreadyScheduled(bytes32 operationId)": ({ operationId }) =>
    `operation ${operationId} is scheduled already`,
  "AccessManagerBadConfirmation()": () => "a role can be given up only by its holder",
  "AccessManagerExpired(bytes32 operationId)": ({ operationId }) =>
    `operation ${operationId} has expired: schedule it anew`,
  "AccessManagerInvalidInitialAdmin(address initialAdmin)": ({ initialAdmin }) =>
    `${initialAdmin} cannot be the first admin`,
  "AccessManagerLockedFunction(bytes4 selector)": ({ selector }) => `the function ${selector} cannot be assigned`,
  "AccessManagerLockedRole(uint64 roleId)": ({ roleId }) => `role ${roleId} cannot be changed`,
  "AccessManagerNotReady(bytes32 operationId)": ({ operationId }) => `operation ${operationId} is not due yet`,
  "AccessManagerNotScheduled(bytes32 operationId)": ({ operationId }) => `operation ${operationId} is not scheduled`,
  "AccessManagerUnauthorizedAccount(address msgsender,uint64 roleId)": ({ msgsender, roleId }) =>
    `${msgsender} lacks role ${roleId}`,
  "AccessManagerUnauthorizedCall(address caller,address target,bytes4 selector)": ({ caller, target, selector }) =>
    `${caller} may not call ${selector} of ${target}`,
  "AccessManagerUnauthorizedCancel(address msgsender,address caller,address target,bytes4 selector)": ({ msgsender }) =>
    `${msgsender} may not cancel this operation`,
  "AccessManagerUnauthorizedConsume(address target)": ({ target }) =>
    `${target} may not consume a scheduled operation now`,
} satisfies Partial<Templates>;
