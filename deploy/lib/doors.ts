// Every state-changing function of every deployed contract, and who may call it. What asks the AccessManager stands in
// roles.ts; the rest stands here. `npm run roles` reads the functions out of the deployed code and fails on one that is on
// neither list, so a new function or a new contract says here who may use it, or nobody deploys it.
import type { Fragment, Interface } from "ethers";

import {
  AttestedFeed__factory,
  ChoreRewards__factory,
  CreditTiers__factory,
  CircuitBreaker__factory,
  Deleveraging__factory,
  DeviationRecord__factory,
  EngineFactory__factory,
  Exchange__factory,
  GovernorTimelock__factory,
  InsuranceFund__factory,
  KinkedRateModel__factory,
  LedgerLens__factory,
  LedgerTableFactory__factory,
  LeverageRouter__factory,
  LiquidationAuction__factory,
  LiquidationUnwinder__factory,
  MakerRewards__factory,
  LiquidityPool__factory,
  MarginAccounts__factory,
  MarginAccountsAdmin__factory,
  MarginAccountsExtension__factory,
  MarginEngine__factory,
  MarginLens__factory,
  NormalTable__factory,
  PoolPricer__factory,
  PlimsollManager__factory,
  PortfolioModel__factory,
  Positions__factory,
  PositionsExtension__factory,
  RealizedVolatility__factory,
  RewardsController__factory,
  RiskSteward__factory,
  ScenarioCalculator__factory,
  ScenarioLens__factory,
  SettlementPrices__factory,
  SizeCheckpoints__factory,
  StandardModel__factory,
  SwapAdapter__factory,
  Vault__factory,
} from "../../types/ethers-contracts/index.js";
import type { Deployment } from "./addresses.ts";
import { RESTRICTED, type RestrictedContract, type Role } from "./roles.ts";

/** Who may call a function that does not ask the AccessManager. */
export type Caller =
  /** Whoever likes; what it moves is the caller's own or nobody's. */
  | "anyone"
  /** The owner of the account, an operator within his rights, or whoever brings the owner's signature. */
  | "account"
  /** Signatures of k of n attesters; whoever brings them. */
  | "attesters"
  /** One neighbour, whose address is fixed or which the governor points to. */
  | "safe"
  | "vault"
  | "auction"
  | "positions"
  | "exchange"
  | "deleveraging"
  | "uniswap pool"
  /** The AccessManager itself, told by an admin. */
  | "manager"
  | "timelock"
  | "proposer"
  | "canceller"
  | "executor"
  /** Whoever acts for himself only: gives up a right, or makes use of one that is checked inside. */
  | "its holder"
  /** It always reverts. */
  | "nobody";

export type Owner = Caller | Role;

/** Their functions may succeed for a stranger, or fail for reasons that have nothing to do with who calls. */
export const OPEN: ReadonlySet<Owner> = new Set<Owner>(["anyone", "account", "attesters", "its holder"]);

/** The names of the functions in a generated interface. */
type FunctionName<I extends Interface> = Parameters<I["getFunction"]>[0];

interface TypedFactory<I extends Interface> {
  createInterface(): I;
}

export interface Door {
  signature: string;
  selector: string;
  owner: Owner;
}

/** The interfaces of the code at one address: of a proxy that of what it runs, of the safe its three parts. */
export interface Doors {
  interfaces: readonly Interface[];
  doors: readonly Door[];
}

const isChanging = (fragment: Fragment) =>
  fragment.type === "function" &&
  "stateMutability" in fragment &&
  fragment.stateMutability !== "view" &&
  fragment.stateMutability !== "pure";

/** A part of a contract: what its state-changing functions are called, and whose they are. */
const part = <I extends Interface>(
  factory: TypedFactory<I>,
  owners: { [name in FunctionName<I>]?: Owner },
): { abi: Interface; owners: Map<string, Owner> } => {
  const abi: Interface = factory.createInterface();
  const entries = Object.entries(owners) as [string, Owner][];
  return {
    abi,
    owners: new Map(
      entries.map(([name, owner]) => {
        const fragment = abi.getFunction(name);
        if (fragment === null) throw new Error(`doors: no function ${name}`);
        return [fragment.selector, owner];
      }),
    ),
  };
};

/** A list that leaves a function of the code out, or names one twice, is refused when it is read. */
export const doorsOf = (
  name: string,
  parts: readonly ReturnType<typeof part>[],
  restricted: readonly { selector: string; role: Role }[] = [],
): Doors => {
  const owners = new Map<string, Owner>(restricted.map(({ selector, role }) => [selector, role]));
  for (const each of parts) {
    for (const [selector, owner] of each.owners) {
      if (owners.get(selector) !== undefined && owners.get(selector) !== owner) {
        throw new Error(`doors: ${name} has two owners for ${selector}`);
      }
      owners.set(selector, owner);
    }
  }
  const found = new Map<string, Door>();
  for (const { abi } of parts) {
    abi.forEachFunction((fragment) => {
      if (!isChanging(fragment)) return;
      const signature = fragment.format("sighash");
      const owner = owners.get(fragment.selector);
      if (owner === undefined) {
        throw new Error(`${name}.${signature} has no owner: name one in deploy/lib/roles.ts or deploy/lib/doors.ts`);
      }
      found.set(fragment.selector, { signature, selector: fragment.selector, owner });
    });
  }
  return { interfaces: parts.map(({ abi }) => abi), doors: [...found.values()] };
};

const managed = { setAuthority: "manager" } as const;

/** Perhaps with functions of roles.ts. */
const contract = (name: string, ...parts: readonly ReturnType<typeof part>[]): Doors =>
  doorsOf(name, parts, name in RESTRICTED ? RESTRICTED[name as RestrictedContract] : []);

const silent = <I extends Interface>(name: string, factory: TypedFactory<I>) => contract(name, part(factory, {}));

export type ListedContract = Exclude<keyof Deployment["contracts"], "ledgerTable" | "positionsCode" | "exchangeCode">;

const safeCore = part(MarginAccounts__factory, {
  ...managed,
  deposit: "anyone",
  repay: "anyone",
  withdraw: "account",
  borrow: "account",
  transfer: "account",
  bid: "account",
  batch: "anyone",
  unlock: "anyone",
  vaultSupply: "vault",
  vaultWithdraw: "vault",
});

const safeCold = part(MarginAccountsExtension__factory, {
  ...managed,
  accrue: "anyone",
  permit: "anyone",
  depositNative: "anyone",
  reduceOnly: "account",
  withdrawNative: "account",
  setOff: "account",
  setOperator: "account",
  setModel: "account",
  cancelNonce: "anyone", // one's own
  withdrawBySig: "account",
  transferBySig: "account",
  setOperatorBySig: "account",
  cancelNonceBySig: "account",
  setInAuction: "auction",
  settleCash: "positions",
  setLedgerFlags: "positions",
  touch: "positions",
});

const safeAdmin = part(MarginAccountsAdmin__factory, { ...managed, collectReserves: "anyone" });

const positionsCold = part(PositionsExtension__factory, {
  pokeFunding: "anyone",
  settleExpiry: "anyone",
  checkpointOpenInterest: "anyone",
  observeOpenInterest: "anyone",
  sweepFees: "anyone",
  payFromFees: "exchange",
  bookShortfall: "safe",
  cancelProfit: "deleveraging",
});

/** By the names of the deployment file. */
export const DOORS: Readonly<Record<ListedContract, Doors>> = {
  manager: contract(
    "manager",
    part(PlimsollManager__factory, {
      labelRole: "admin",
      grantRole: "admin",
      revokeRole: "admin",
      setRoleAdmin: "admin",
      setRoleGuardian: "admin",
      setGrantDelay: "admin",
      setTargetFunctionRole: "admin",
      setTargetAdminDelay: "admin",
      setTargetClosed: "admin",
      updateAuthority: "admin",
      renounceRole: "its holder",
      acceptRole: "its holder", // who was offered it
      // They ask who may call what is to be called.
      schedule: "its holder",
      execute: "its holder",
      cancel: "its holder",
      multicall: "its holder",
      consumeScheduledOp: "its holder",
    }),
  ),
  timelock: contract(
    "timelock",
    part(GovernorTimelock__factory, {
      schedule: "proposer",
      scheduleBatch: "proposer",
      cancel: "canceller",
      execute: "executor",
      executeBatch: "executor",
      updateDelay: "timelock",
      grantRole: "timelock",
      revokeRole: "timelock",
      renounceRole: "its holder",
      acceptRole: "anyone", // for the timelock, of what it was offered
      onERC721Received: "anyone",
      onERC1155Received: "anyone",
      onERC1155BatchReceived: "anyone",
    }),
  ),
  circuitBreaker: contract("circuitBreaker", part(CircuitBreaker__factory, managed)),
  riskSteward: contract("riskSteward", part(RiskSteward__factory, managed)),
  safe: contract("safe", safeCore, safeCold, safeAdmin),
  // Without storage of their own: they work behind the safe's address only.
  extension: doorsOf("extension", [safeCold]),
  admin: doorsOf("admin", [safeAdmin], RESTRICTED.safe),
  engine: silent("engine", MarginEngine__factory),
  engineFactory: contract(
    "engineFactory",
    part(EngineFactory__factory, { create: "anyone", createWithLedger: "anyone" }),
  ),
  sizeCheckpoints: contract("sizeCheckpoints", part(SizeCheckpoints__factory, { update: "anyone", observe: "anyone" })),
  deviationRecord: contract("deviationRecord", part(DeviationRecord__factory, { poke: "anyone" })),
  auction: contract(
    "auction",
    part(LiquidationAuction__factory, { start: "anyone", poke: "anyone", end: "anyone", onBid: "safe" }),
  ),
  insuranceFund: contract(
    "insuranceFund",
    part(InsuranceFund__factory, {
      ...managed,
      donate: "anyone",
      collect: "anyone",
      sync: "anyone",
      // stakes: one's own, or by allowance
      deposit: "anyone",
      mint: "anyone",
      withdraw: "anyone",
      redeem: "anyone",
      requestExit: "anyone",
      approve: "anyone",
      transfer: "anyone",
      transferFrom: "anyone",
    }),
  ),
  lens: silent("lens", MarginLens__factory),
  swapAdapter: contract(
    "swapAdapter",
    part(SwapAdapter__factory, {
      swapExactIn: "anyone",
      swapExactOut: "anyone",
      swapToDeposit: "anyone",
      swapToRepay: "anyone",
      uniswapV3SwapCallback: "uniswap pool",
    }),
  ),
  leverageRouter: contract(
    "leverageRouter",
    part(LeverageRouter__factory, {
      open: "account",
      close: "account",
      changeLeverage: "account",
      onUnlock: "safe",
      uniswapV3SwapCallback: "uniswap pool",
    }),
  ),
  liquidationUnwinder: contract(
    "liquidationUnwinder",
    part(LiquidationUnwinder__factory, {
      liquidate: "anyone",
      onUnlock: "safe",
      uniswapV3SwapCallback: "uniswap pool",
    }),
  ),
  attestedFeed: contract(
    "attestedFeed",
    part(AttestedFeed__factory, {
      ...managed,
      postForwards: "attesters",
      postPremium: "attesters",
      postSurface: "attesters",
    }),
  ),
  realizedVolatility: contract("realizedVolatility", part(RealizedVolatility__factory, { observe: "anyone" })),
  settlementPrices: contract("settlementPrices", part(SettlementPrices__factory, { submit: "anyone", fix: "anyone" })),
  normalTable: silent("normalTable", NormalTable__factory),
  standardModel: silent("standardModel", StandardModel__factory),
  portfolioModel: silent("portfolioModel", PortfolioModel__factory),
  ledgerTableFactory: contract(
    "ledgerTableFactory",
    part(LedgerTableFactory__factory, { create: "anyone", createWithCredit: "anyone" }),
  ),
  scenarioCalculator: silent("scenarioCalculator", ScenarioCalculator__factory),
  scenarioLens: silent("scenarioLens", ScenarioLens__factory),
  ledgerLens: silent("ledgerLens", LedgerLens__factory),
  // It looks at no caller: what it does follows from the ledger's register and from ranks.
  deleveraging: contract(
    "deleveraging",
    part(Deleveraging__factory, { open: "anyone", nominate: "anyone", execute: "anyone" }),
  ),
  positions: contract(
    "positions",
    part(Positions__factory, {
      fill: "exchange",
      settle: "anyone",
      settleBatch: "anyone",
      touch: "anyone",
      takeFraction: "safe",
      onUnlock: "safe",
    }),
    positionsCold,
  ),
  positionsExtension: doorsOf("positionsExtension", [positionsCold], RESTRICTED.positions),
  exchange: contract(
    "exchange",
    part(Exchange__factory, {
      fillOrder: "anyone", // of orders that both accounts signed
      fillOrders: "anyone",
      cancel: "account",
      cancelUpTo: "account",
      cancelWord: "account",
      cancelUpToBySig: "account",
      cancelWordBySig: "account",
      keepAlive: "account",
      keepAliveBySig: "account",
    }),
  ),
  rewardsController: contract(
    "rewardsController",
    part(RewardsController__factory, {
      ...managed,
      stake: "anyone",
      unstake: "anyone", // one's own
      sync: "anyone",
      claim: "account",
      payIn: "anyone",
    }),
  ),
  makerRewards: contract(
    "makerRewards",
    part(MakerRewards__factory, { ...managed, sync: "anyone", claim: "anyone", payIn: "anyone" }), // claims: one's own
  ),
  choreRewards: contract(
    "choreRewards",
    part(ChoreRewards__factory, {
      ...managed,
      observe: "anyone",
      submit: "anyone",
      pokeFunding: "anyone",
      settleExpiry: "anyone",
      touch: "anyone",
      sync: "anyone",
    }),
  ),
  creditTiers: contract("creditTiers", part(CreditTiers__factory, { ...managed, attest: "attesters" })),
  poolPricer: silent("poolPricer", PoolPricer__factory),
  liquidityPool: contract(
    "liquidityPool",
    part(LiquidityPool__factory, {
      ...managed,
      trade: "anyone", // of orders that the taker signed
      deposit: "anyone",
      mint: "anyone",
      requestRedeem: "its holder",
      fulfil: "anyone",
      withdraw: "its holder",
      redeem: "its holder",
      approve: "anyone",
      transfer: "anyone",
      transferFrom: "anyone",
    }),
  ),
};

/** Where the code behind a proxy stands by itself; the proxy is what counts. */
export const BEHIND_PROXIES: ReadonlySet<string> = new Set(["positionsCode", "exchangeCode"]);

/** Code that nobody can call: its first byte stops. */
export const DATA: ReadonlySet<string> = new Set(["ledgerTable"]);

/** One per pool. */
export const VAULT_DOORS = contract(
  "vault",
  part(Vault__factory, {
    approve: "anyone",
    permit: "anyone",
    transfer: "anyone",
    transferFrom: "anyone",
    deposit: "anyone",
    mint: "anyone",
    withdraw: "anyone",
    redeem: "anyone",
    burnHeld: "safe",
  }),
);

/** A pool's model, where it has one of its own. */
export const RATE_MODEL_DOORS = silent("rate model", KinkedRateModel__factory);
