// The heartbeat of the local chain: every tick one block, with Chainlink-like rounds and a trader who keeps Uniswap's pools near.
import { toQuantity } from "ethers";

import { toAnswer } from "../../deploy/lib/localNetwork.ts";
import { MockV3Aggregator__factory } from "../../types/ethers-contracts/index.js";
import type { Actor, Intent, Ledger } from "../../replay/sender.ts";
import { DemoError } from "../../replay/sender.ts";
import { arbitrage, COINS, mint, type Prices, round, type Stage, SYMBOLS, unitsOf } from "../../replay/stage.ts";
import type { LivePath } from "./path.ts";

/** A round when a price has moved so far, or after so long; more often than Chainlink's, as time runs faster here. */
const DEVIATION = 0.001;
const HEARTBEAT_MS = 30_000;
/** The stablecoin hardly moves: well within its feed's heartbeat. */
const STABLE_HEARTBEAT_MS = 3_600_000;
/** Pools nearer to the index than their own fee are left alone. */
const TOLERANCE = 0.0006;
const POCKET_ETHER = 100n * 10n ** 18n;
/** What the faucet gives of each token, dollars. */
const GIFT = { USDC: 100_000, WETH: 25_000, WBTC: 25_000 } as const;

export class LiveMarket {
  private readonly began = Date.now();
  private readonly spoken = new Map<string, { readonly price: number; readonly at: number }>();
  private readonly waiting: Intent[] = [];
  private readonly readers: (() => void)[] = [];
  private ticking: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly stage: Stage,
    private readonly ledger: Ledger,
    private readonly path: LivePath,
    private readonly crew: { readonly oracle: Actor; readonly arbitrageur: Actor; readonly faucet: Actor },
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  get prices(): Prices {
    return this.path.now((Date.now() - this.began) / 1_000);
  }

  start(everyMs: number): void {
    const next = (): void => {
      if (this.isStopped) return;
      const at = Date.now();
      this.ticking = this.tick()
        .catch(this.onTrouble)
        .finally(() => {
          this.timer = setTimeout(next, Math.max(0, everyMs - (Date.now() - at)));
        });
    };
    next();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.ticking;
    clearTimeout(this.timer);
  }

  /** After the next block. */
  settled(): Promise<void> {
    return this.send([]);
  }

  /** Into the next block; resolves when it is there. */
  async send(intents: readonly Intent[]): Promise<void> {
    this.waiting.push(...intents);
    await new Promise<void>((resolve) => this.readers.push(resolve));
  }

  /** Ether at once, tokens with the next block. */
  async fund(address: string): Promise<void> {
    const { provider } = this.stage;
    const held = await provider.getBalance(address);
    await provider.send("anvil_setBalance", [address, toQuantity(held + POCKET_ETHER)]);
    const { prices } = this;
    for (const symbol of SYMBOLS) {
      const units = unitsOf(symbol, GIFT[symbol], prices[symbol]);
      const { faucet: by } = this.crew;
      if (symbol !== "WETH") {
        this.waiting.push({ by, what: `mint ${symbol}`, tx: await mint(this.stage, symbol, address, units) });
        continue;
      }
      // Wrapped by the faucet, then sent on.
      this.waiting.push({ by, what: "wrap ether", tx: await mint(this.stage, symbol, by.address, units) });
      const tx = await this.stage.weth.transfer.populateTransaction(address, units);
      this.waiting.push({ by, what: "send WETH", tx });
    }
  }

  /** One block: what has been asked for, prices that have moved, and the trades that follow them. */
  private async tick(): Promise<void> {
    const { prices } = this;
    const now = Date.now();
    const intents = this.waiting.splice(0);
    const readers = this.readers.splice(0);
    const { oracle, arbitrageur } = this.crew;
    for (const symbol of SYMBOLS) {
      const last = this.spoken.get(symbol);
      const price = prices[symbol];
      const heartbeat = symbol === "USDC" ? STABLE_HEARTBEAT_MS : HEARTBEAT_MS;
      const isDue =
        last === undefined || now - last.at >= heartbeat || Math.abs(Math.log(price / last.price)) >= DEVIATION;
      if (!isDue) continue;
      this.spoken.set(symbol, { price, at: now });
      intents.push({ by: oracle, what: `publish ${symbol}`, tx: await round(this.stage, symbol, price) });
    }
    intents.push(...(await this.staked(prices.WETH)));
    for (const coin of COINS) {
      const tx = await arbitrage(this.stage, coin, prices[coin], arbitrageur.address, TOLERANCE);
      if (tx !== undefined) intents.push({ by: arbitrageur, what: `arbitrage ${coin}`, tx, optional: true });
    }
    try {
      await this.ledger.block(intents, await this.timeOfNext());
    } finally {
      for (const resolve of readers) resolve();
    }
  }

  /** Staked ether has a feed and no pool: it follows ether. */
  private async staked(price: number): Promise<Intent[]> {
    const feed = this.stage.deployment.assets["stETH"]?.feed;
    const last = this.spoken.get("stETH");
    if (feed === undefined || (last !== undefined && Date.now() - last.at < HEARTBEAT_MS)) return [];
    this.spoken.set("stETH", { price, at: Date.now() });
    const contract = MockV3Aggregator__factory.connect(feed, this.stage.provider);
    const tx = await contract.updateAnswer.populateTransaction(toAnswer(price));
    return [{ by: this.crew.oracle, what: "publish stETH", tx }];
  }

  private async timeOfNext(): Promise<number> {
    const head = await this.stage.provider.getBlock("latest");
    if (head === null) throw new DemoError("the chain has no blocks");
    return Math.max(Math.floor(Date.now() / 1_000), head.timestamp + 1);
  }
}
