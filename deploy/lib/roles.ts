// Who may call what. Every function that asks the AccessManager stands here once with its role; a function that is
// missing would silently belong to the admin, so test/deploy.ts compares this list with the Solidity sources.
import { type Interface, id } from "ethers";

import {
  AttestedFeed__factory,
  ChoreRewards__factory,
  CreditTiers__factory,
  CircuitBreaker__factory,
  Exchange__factory,
  IMarginAccounts__factory,
  InsuranceFund__factory,
  IPositionsLedger__factory,
  MakerRewards__factory,
  LiquidityPool__factory,
  Positions__factory,
  RewardsController__factory,
  RiskSteward__factory,
} from "../../types/ethers-contracts/index.js";

/** Role numbers in the AccessManager. */
export const ROLES = {
  /** Grants roles and assigns functions. Held by the timelock alone. */
  admin: 0n,
  /** Everything that could take funds or change a price, behind the timelock. Held by the timelock alone. */
  governor: 1n,
  /** Stops actions for a while, through the circuit breaker; moves nothing. */
  guardian: 2n,
  /** Bounded parameter steps with a cool-down, through the RiskSteward contract. */
  riskSteward: 3n,
  /** Reserved: takes the protocol's fees to the treasury. */
  feeCollector: 4n,
  /** The safe's pauses. Held by the circuit breaker, which the guardian asks, and by the timelock. */
  breaker: 5n,
  /** Ends a stop early. Held by the guardian and by the governor's own key: nothing comes of it but what was before. */
  lifter: 6n,
  /** Numbers of pools, markets and fees. Held by the steward contract, which bounds each step, and by the timelock. */
  parameters: 7n,
  /** The engine in force. Held by the steward contract, which compares the tables, and by the timelock. */
  engines: 8n,
} as const;

export type Role = keyof typeof ROLES;

export const ROLE_NAMES = Object.keys(ROLES) as Role[];

/** The name of a role number, for people. */
export const roleName = (role: bigint): string => ROLE_NAMES.find((name) => ROLES[name] === role) ?? `role ${role}`;

/** The names of the functions in a generated interface. */
type FunctionName<I extends Interface> = Parameters<I["getFunction"]>[0];

interface TypedFactory<I extends Interface> {
  createInterface(): I;
}

export interface RestrictedFunction {
  name: string;
  selector: string;
  signature: string;
  role: Exclude<Role, "admin">;
}

const restricted = <I extends Interface>(
  factory: TypedFactory<I>,
  owners: { [name in FunctionName<I>]?: Exclude<Role, "admin"> },
): RestrictedFunction[] => {
  const contract: Interface = factory.createInterface();
  return Object.entries(owners).map(([name, role]) => {
    const fragment = contract.getFunction(name);
    if (fragment === null) throw new Error(`roles: no function ${name}`);
    const signature = fragment.format("sighash");
    return { name, selector: fragment.selector, signature, role: role as Exclude<Role, "admin"> };
  });
};

/** Per deployed contract (named as in the deployment file): its restricted functions and their roles. */
export const RESTRICTED = {
  safe: restricted(IMarginAccounts__factory, {
    listAsset: "governor",
    setVault: "governor",
    configurePool: "parameters",
    setRateModel: "governor",
    setCollateralCap: "parameters",
    setOutflowLimit: "parameters",
    setEngine: "engines",
    setAuction: "governor",
    setPositions: "governor",
    setInsurance: "governor",
    pause: "breaker",
  }),
  circuitBreaker: restricted(CircuitBreaker__factory, {
    stop: "guardian",
    lift: "lifter",
  }),
  riskSteward: restricted(RiskSteward__factory, {
    setBounds: "governor",
    configurePool: "riskSteward",
    setOutflowLimit: "riskSteward",
    setCollateralCap: "riskSteward",
    configurePerp: "riskSteward",
    configureExpiry: "riskSteward",
    setFees: "riskSteward",
    setEngine: "riskSteward",
  }),
  insuranceFund: restricted(InsuranceFund__factory, {
    withdrawOwn: "governor",
    setFirstLossPart: "governor",
  }),
  positions: [
    ...restricted(IPositionsLedger__factory, {
      listPerp: "governor",
      configurePerp: "parameters",
      freezePerp: "governor",
      closePerp: "governor",
      listExpiry: "governor",
      configureExpiry: "parameters",
      listOptions: "governor",
      setExchange: "governor",
      setFeed: "governor",
      setSettlementPrices: "governor",
      setDeleveraging: "governor",
      setFeeReceiver: "governor",
    }),
    ...restricted(Positions__factory, { upgradeToAndCall: "governor" }),
  ],
  exchange: restricted(Exchange__factory, {
    setFees: "parameters",
    upgradeToAndCall: "governor",
  }),
  attestedFeed: restricted(AttestedFeed__factory, {
    setSigners: "governor",
    setLimits: "governor",
    // At worst the feeds go dead, which only stops new risk.
    dropSigner: "guardian",
  }),
  rewardsController: restricted(RewardsController__factory, {
    addGauge: "governor",
    addReward: "governor",
    schedule: "governor",
    stop: "governor",
  }),
  makerRewards: restricted(MakerRewards__factory, {
    schedule: "governor",
    stop: "governor",
  }),
  choreRewards: restricted(ChoreRewards__factory, {
    setTerms: "governor",
    withdraw: "governor",
  }),
  creditTiers: restricted(CreditTiers__factory, {
    setAttesters: "governor",
    setParts: "governor",
    // At worst everybody shows his full initial margin again, for new risk.
    revoke: "guardian",
  }),
  liquidityPool: restricted(LiquidityPool__factory, {
    setMarketTerms: "governor",
    setPoolTerms: "governor",
    setPricer: "governor",
    setModel: "governor",
    // Stops its quotes; deposits and exits go on.
    pauseQuotes: "guardian",
  }),
} as const;

export type RestrictedContract = keyof typeof RESTRICTED;

export const RESTRICTED_CONTRACTS = Object.keys(RESTRICTED) as RestrictedContract[];

/** Those of them whose code may be replaced: ERC-1967 proxies that ask their own code (UUPS). */
export const PROXIES = ["positions", "exchange"] as const satisfies readonly RestrictedContract[];

/** The timelock's own roles (OpenZeppelin's AccessControl). */
export const TIMELOCK_ROLES = {
  admin: `0x${"00".repeat(32)}`,
  proposer: id("PROPOSER_ROLE"),
  canceller: id("CANCELLER_ROLE"),
  executor: id("EXECUTOR_ROLE"),
} as const;
