// Opens accounts through the public doors, each strategy by its own way.
import { type ContractTransaction, MaxUint256, Signature, ZeroAddress } from "ethers";

import { accountId } from "../scripts/lib/ids.ts";
import { swapPath } from "../scripts/lib/uniswap.ts";
import { LOCAL_POOL_FEE } from "../deploy/lib/localNetwork.ts";
import type { ILeverageRouter } from "../types/ethers-contracts/index.js";
import type { CallStruct } from "../types/ethers-contracts/contracts/interfaces/IMarginAccounts.sol/IMarginAccounts.js";
import type { Role } from "./role.ts";
import type { Actor, Intent, Ledger } from "./sender.ts";
import { mint, type Prices, type Stage, type Symbol, unitsOf } from "./stage.ts";

/** A role with its wallet and account. */
export interface Trader {
  readonly role: Role;
  readonly actor: Actor;
  readonly account: string;
}

export const traderOf = (role: Role, actor: Actor): Trader => ({
  role,
  actor,
  account: accountId(actor.address, BigInt(role.index)),
});

/** A wallet for every person; accounts of one person share it. */
export async function hire(roles: readonly Role[], ledger: Ledger): Promise<Trader[]> {
  const people = new Map<number, Actor>();
  const traders: Trader[] = [];
  for (const role of roles) {
    const actor = people.get(role.person) ?? (await ledger.actor(role.name));
    people.set(role.person, actor);
    traders.push(traderOf(role, actor));
  }
  return traders;
}

const FOREVER = 2n ** 40n - 1n;
const RIGHTS_BOTH = 3;
/** Swaps pay the pool's fee and move its price: what a trader accepts. */
const SLIPPAGE = 0.02;
/** USDC that opens the balance which a swap then deposits into. */
const OPENER = 1;

const SET_OPERATOR = [
  { name: "account", type: "bytes32" },
  { name: "operator", type: "address" },
  { name: "rights", type: "uint8" },
  { name: "expiry", type: "uint40" },
  { name: "receiversOnly", type: "bool" },
  { name: "receivers", type: "address[]" },
  { name: "nonce", type: "uint256" },
  { name: "deadline", type: "uint256" },
];
const PERMIT = [
  { name: "owner", type: "address" },
  { name: "spender", type: "address" },
  { name: "value", type: "uint256" },
  { name: "nonce", type: "uint256" },
  { name: "deadline", type: "uint256" },
];

/** What has to be in a wallet before it can open, and the opening itself. */
export interface Opening {
  readonly preparations: readonly Intent[];
  readonly opening: Intent;
}

/** One person's steps towards an account. */
class Opener {
  readonly preparations: Intent[] = [];

  constructor(
    private readonly stage: Stage,
    private readonly trader: Trader,
    private readonly prices: Prices,
  ) {}

  private get coin() {
    return this.trader.role.coin;
  }

  async open(): Promise<Opening> {
    const { strategy } = this.trader.role;
    const tx = await this.strategies[strategy]();
    return {
      preparations: this.preparations,
      opening: { by: this.trader.actor, what: `open a ${strategy}`, tx, optional: true },
    };
  }

  private readonly strategies: Readonly<Record<Role["strategy"], () => Promise<ContractTransaction>>> = {
    long: () => this.byRouter("USDC", this.coin, this.trader.role.leverage),
    short: () => this.byRouter(this.coin, "USDC", this.trader.role.leverage),
    "batch-long": () => this.longByBatch(),
    "batch-short": () => this.shortByBatch(),
    borrow: () => this.borrow(),
    "share-short": () => this.shortOnShares(),
    "share-borrow": () => this.borrowOnShares(),
  };

  private async byRouter(debt: Symbol, collateral: Symbol, leverage: number): Promise<ContractTransaction> {
    const { stage, trader } = this;
    const { equity } = trader.role;
    const router = await stage.router.getAddress();
    const margin = unitsOf("USDC", equity);
    await this.have("USDC", margin);
    await this.approve("USDC", router);
    const order: ILeverageRouter.OpenOrderStruct = {
      account: trader.account,
      debtAsset: stage.listed[debt].asset,
      collateralAsset: stage.listed[collateral].asset,
      marginAsset: stage.listed.USDC.asset,
      margin,
      sold: unitsOf(debt, equity * leverage, this.prices[debt]),
      minBought: unitsOf(collateral, equity * leverage * (1 - SLIPPAGE), this.prices[collateral]),
      path: this.path(debt, collateral),
      deadline: FOREVER,
      grant: await this.grantTo(router),
    };
    return stage.router.open.populateTransaction(order);
  }

  private async longByBatch(): Promise<ContractTransaction> {
    const { stage, trader, coin } = this;
    const { equity, leverage } = trader.role;
    const bought = unitsOf(coin, equity * leverage, this.prices[coin]);
    const spent = unitsOf("USDC", equity * leverage * (1 + SLIPPAGE));
    await this.have("USDC", unitsOf("USDC", equity));
    await this.approve(coin, await stage.safe.getAddress());
    const adapter = await stage.adapter.getAddress();
    const { address } = trader.actor;
    return this.batch([
      await this.permit(unitsOf("USDC", equity)),
      this.door("deposit", ["USDC", unitsOf("USDC", equity)]),
      this.borrowTo("USDC", spent, adapter),
      // From the token bought, backwards: exact output.
      {
        target: adapter,
        data: stage.adapter.interface.encodeFunctionData("swapExactOut", [
          this.path(coin, "USDC"),
          bought,
          spent,
          address,
          address,
          FOREVER,
        ]),
      },
      this.door("deposit", [coin, bought]),
    ]);
  }

  private async shortByBatch(): Promise<ContractTransaction> {
    const { coin } = this;
    const { equity, leverage } = this.trader.role;
    const margin = unitsOf("USDC", equity);
    await this.have("USDC", margin);
    return this.batch([
      await this.permit(margin),
      this.door("deposit", ["USDC", margin]),
      ...(await this.sellShort(coin, equity * leverage)),
    ]);
  }

  private async borrow(): Promise<ContractTransaction> {
    const { stage, trader, coin } = this;
    const { equity, leverage } = trader.role;
    const units = unitsOf(coin, equity * leverage, this.prices[coin]);
    const taken = this.borrowTo("USDC", unitsOf("USDC", equity * (leverage - 1)), trader.actor.address);
    if (coin === "WETH") {
      const data = stage.safe.interface.encodeFunctionData("depositNative", [trader.account, units]);
      return this.batch([{ target: ZeroAddress, data }, taken], units);
    }
    await this.have(coin, units);
    await this.approve(coin, await stage.safe.getAddress());
    return this.batch([this.door("deposit", [coin, units]), taken]);
  }

  private async shortOnShares(): Promise<ContractTransaction> {
    const { equity, leverage } = this.trader.role;
    const opener = unitsOf("USDC", OPENER);
    const shares = await this.haveShares("USDC", unitsOf("USDC", equity));
    await this.have("USDC", opener);
    await this.approve("USDC", await this.stage.safe.getAddress());
    return this.batch([
      this.depositShares("USDC", shares),
      this.door("deposit", ["USDC", opener]),
      ...(await this.sellShort(this.coin, equity * leverage)),
    ]);
  }

  private async borrowOnShares(): Promise<ContractTransaction> {
    const { trader, coin } = this;
    const { equity, leverage } = trader.role;
    const shares = await this.haveShares(coin, unitsOf(coin, equity * leverage, this.prices[coin]));
    const taken = this.borrowTo("USDC", unitsOf("USDC", equity * (leverage - 1)), trader.actor.address);
    return this.batch([this.depositShares(coin, shares), taken]);
  }

  // ------------------------------------------------------------------ steps

  private path(from: Symbol, to: Symbol): string {
    return swapPath(this.stage.listed[from].token, [LOCAL_POOL_FEE, this.stage.listed[to].token]);
  }

  private batch(calls: CallStruct[], value = 0n): Promise<ContractTransaction> {
    return this.stage.safe.batch.populateTransaction(calls, { value });
  }

  private door(name: "deposit", [symbol, units]: [Symbol, bigint]): CallStruct {
    const { asset } = this.stage.listed[symbol];
    const data = this.stage.safe.interface.encodeFunctionData(name, [this.trader.account, asset, units]);
    return { target: ZeroAddress, data };
  }

  private depositShares(symbol: Symbol, shares: bigint): CallStruct {
    const { shareAsset } = this.stage.listed[symbol];
    const data = this.stage.safe.interface.encodeFunctionData("deposit", [this.trader.account, shareAsset, shares]);
    return { target: ZeroAddress, data };
  }

  private borrowTo(symbol: Symbol, units: bigint, to: string): CallStruct {
    const { asset } = this.stage.listed[symbol];
    const data = this.stage.safe.interface.encodeFunctionData("borrow", [this.trader.account, asset, units, to]);
    return { target: ZeroAddress, data };
  }

  /** Borrows the coin and sells it into the account's USDC, which must exist by then. */
  private async sellShort(coin: Symbol, dollars: number): Promise<CallStruct[]> {
    const { stage, trader } = this;
    const adapter = await stage.adapter.getAddress();
    const units = unitsOf(coin, dollars, this.prices[coin]);
    const data = stage.adapter.interface.encodeFunctionData("swapToDeposit", [
      this.path(coin, "USDC"),
      MaxUint256,
      unitsOf("USDC", dollars * (1 - SLIPPAGE)),
      trader.account,
      stage.listed.USDC.asset,
      trader.actor.address,
      FOREVER,
    ]);
    return [this.borrowTo(coin, units, adapter), { target: adapter, data }];
  }

  private async permit(value: bigint): Promise<CallStruct> {
    const { stage, trader } = this;
    const token = stage.listed.USDC.token;
    const [spender, nonce] = await Promise.all([
      stage.safe.getAddress(),
      stage.tokens.USDC.nonces(trader.actor.address),
    ]);
    const owner = trader.actor.address;
    const signature = Signature.from(
      await trader.actor.wallet.signTypedData(
        { name: "Local USD Coin", version: "1", chainId: stage.deployment.chainId, verifyingContract: token },
        { Permit: PERMIT },
        { owner, spender, value, nonce, deadline: FOREVER },
      ),
    );
    const { v, r, s } = signature;
    const data = stage.safe.interface.encodeFunctionData("permit", [token, owner, value, FOREVER, v, r, s]);
    return { target: ZeroAddress, data };
  }

  /** Lets the router act for this account alone, and send tokens only to itself. */
  private async grantTo(router: string): Promise<ILeverageRouter.GrantStruct> {
    const { stage, trader } = this;
    // Nonces are unordered: one for each of the person's accounts.
    const nonce = BigInt(trader.role.index);
    const signature = await trader.actor.wallet.signTypedData(
      {
        name: "Plimsoll",
        version: "1",
        chainId: stage.deployment.chainId,
        verifyingContract: await stage.safe.getAddress(),
      },
      { SetOperator: SET_OPERATOR },
      {
        account: trader.account,
        operator: router,
        rights: RIGHTS_BOTH,
        expiry: FOREVER,
        receiversOnly: true,
        receivers: [router],
        nonce,
        deadline: FOREVER,
      },
    );
    return { expiry: FOREVER, signed: { nonce, deadline: FOREVER, signature } };
  }

  private prepare(what: string, tx: ContractTransaction): void {
    this.preparations.push({ by: this.trader.actor, what, tx });
  }

  private async have(symbol: Symbol, units: bigint): Promise<void> {
    this.prepare(`mint ${symbol}`, await mint(this.stage, symbol, this.trader.actor.address, units));
  }

  private async approve(symbol: Symbol, spender: string): Promise<void> {
    this.prepare(`approve ${symbol}`, await this.stage.tokens[symbol].approve.populateTransaction(spender, MaxUint256));
  }

  /** Lends so much to the pool, and lets the safe take the shares. */
  private async haveShares(symbol: Symbol, units: bigint): Promise<bigint> {
    const vault = this.stage.vaults[symbol];
    await this.have(symbol, units);
    await this.approve(symbol, await vault.getAddress());
    const { address } = this.trader.actor;
    this.prepare(`lend ${symbol}`, await vault.deposit.populateTransaction(units, address));
    this.prepare(
      `approve shares of ${symbol}`,
      await vault.approve.populateTransaction(await this.stage.safe.getAddress(), MaxUint256),
    );
    // Interest until then makes it fewer: nobody misses a part in a thousand.
    return ((await vault.convertToShares(units)) * 999n) / 1000n;
  }
}

export const prepareOpening = (stage: Stage, trader: Trader, prices: Prices): Promise<Opening> =>
  new Opener(stage, trader, prices).open();

/** More margin: USDC deposited pays a debt in it, or is collateral. */
export async function topUp(stage: Stage, trader: Trader, dollars: number): Promise<Intent[]> {
  const units = unitsOf("USDC", dollars);
  const by = trader.actor;
  const { asset } = stage.listed.USDC;
  return [
    { by, what: "mint USDC", tx: await mint(stage, "USDC", by.address, units) },
    {
      by,
      what: "approve USDC",
      tx: await stage.tokens.USDC.approve.populateTransaction(await stage.safe.getAddress(), MaxUint256),
    },
    { by, what: "add margin", tx: await stage.safe.deposit.populateTransaction(trader.account, asset, units) },
  ];
}
