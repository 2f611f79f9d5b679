// The traders' page in a real browser against a whole local market: chain, keeper, attestor, matcher and maker as processes.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";
import type { Browser, Page } from "playwright-core";

import { builtInPath } from "../replay/candles.ts";
import { accountId } from "../sdk/ids.ts";
import { perpWord } from "../sdk/instruments.ts";
import { type DevStack, startStack } from "../scripts/dev/stack.ts";
import { buildPage, serveBuilt, type Web } from "../scripts/dev/web.ts";
import { IPositionsLedger__factory } from "../types/ethers-contracts/index.js";
import { findChromium, launch, openTrader, type Trader } from "./helpers/browser.ts";

const SCREENS = fileURLToPath(new URL("../out/screens", import.meta.url));
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const BLOCK_MS = 700;
/** A head that falls by so many is a chain that began anew, not a node that lags. */
const BLOCKS_UNDONE = 8;
const PAGES = ["trade/ETH-SPOT", "trade/ETH-PERP", "trade/ETH-OPTIONS", "portfolio", "earn", "liquidations", "risk"];
const WIDTHS = [360, 820];

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[];
}

describe("The traders' page", function () {
  // Every wait is for something to be seen: only a machine that stands still comes near this.
  this.timeout(240_000);
  let stack: DevStack;
  let web: Web;
  let browser: Browser;
  const stop = new AbortController();
  const traders: Trader[] = [];

  before("a market, the page as it is published, a browser", async function () {
    this.timeout(300_000);
    const executable = await findChromium();
    if (executable === undefined) {
      console.log("      chromium is not here and cannot be installed: the page is not tested");
      this.skip();
    }
    mkdirSync(SCREENS, { recursive: true });
    await buildPage();
    const say = (what: string): void => void (process.env["APP_TEST_VERBOSE"] !== undefined && console.log(what));
    stack = await startStack({ path: builtInPath(), speed: 0, blockMs: BLOCK_MS, say, stopped: stop.signal });
    web = await serveBuilt(stack, 0);
    browser = await launch(executable);
  });

  after(async () => {
    stop.abort();
    await browser?.close();
    await web?.stop();
    await stack?.stop();
  });

  afterEach("nothing was wrong on any console", async function () {
    if (this.currentTest?.state === "failed") {
      for (const [i, { page }] of traders.entries()) await page.screenshot({ path: join(SCREENS, `failed-${i}.png`) });
    }
    const errors = traders.flatMap((trader) => trader.errors.splice(0));
    for (const { context } of traders.splice(0)) await context.close();
    expect(errors).to.deep.equal([]);
  });

  const open = async (options: Parameters<typeof openTrader>[3] = {}): Promise<Trader> => {
    const trader = await openTrader(browser, stack.stage.provider, stack.deployment.chainId, options);
    traders.push(trader);
    // Whatever the journey before did to prices.
    stack.path.restore();
    await stack.market.settled();
    await trader.page.goto(web.url);
    return trader;
  };
  const visit = async (page: Page, path: string): Promise<void> => {
    await page.evaluate(`window.location.hash = "#/${path}"`);
  };
  const connect = async ({ page, wallet }: Trader): Promise<void> => {
    await page.getByRole("button", { name: "Connect wallet" }).click();
    await page.getByRole("button", { name: "Test wallet" }).click();
    await page
      .getByRole("button", { name: wallet.address.slice(0, 6) })
      .first()
      .waitFor();
  };
  const until = async (what: string, look: () => Promise<boolean>, ms = 60_000): Promise<void> => {
    for (const end = Date.now() + ms; Date.now() < end;) {
      if (await look()) return;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    throw new Error(`never: ${what}`);
  };
  const fund = async ({ page, wallet }: Trader): Promise<void> => {
    await page.getByRole("button", { name: "Local chain" }).click();
    await page.getByRole("button", { name: "Fund my wallet" }).click();
    await until("tokens from the faucet", async () => (await stack.stage.tokens.USDC.balanceOf(wallet)) > 0n);
    await page.keyboard.press("Escape");
  };
  /** Through the dialog of the portfolio page; by permit, as USDC has one. */
  const deposit = async ({ page }: Trader, amount: string): Promise<void> => {
    await visit(page, "portfolio");
    await page.getByRole("button", { name: "Deposit", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Amount").fill(amount);
    await dialog.getByRole("button", { name: "Deposit", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
  };
  const ready = async (options: Parameters<typeof openTrader>[3] = {}, amount = "10000"): Promise<Trader> => {
    const trader = await open(options);
    await connect(trader);
    await fund(trader);
    await deposit(trader, amount);
    return trader;
  };
  const openLong = async ({ page }: Trader, dollars: string): Promise<void> => {
    await visit(page, "trade/ETH-SPOT");
    await page.getByLabel("Size", { exact: true }).fill(dollars);
    await page.getByRole("button", { name: "Buy ETH with leverage" }).click();
    await confirmed(page, /Long ETH/);
  };
  const account = ({ wallet }: Trader, index = 0): string => accountId(wallet.address, index);
  const balance = (trader: Trader, symbol: "USDC" | "WETH", index = 0): Promise<bigint> =>
    stack.stage.safe.balanceOf(account(trader, index), stack.stage.listed[symbol].asset);
  const positions = () =>
    IPositionsLedger__factory.connect(stack.deployment.contracts.positions ?? "", stack.stage.provider);
  /** Or says what the page says instead. */
  const confirmed = async (page: Page, title: string | RegExp): Promise<void> => {
    const tx = page.locator(".tx", { hasText: title }).first();
    const end = tx.and(page.locator(".confirmed, .failed, .replaced"));
    await end.waitFor({ timeout: 60_000 });
    expect(await end.getAttribute("class"), await end.innerText()).to.equal("tx confirmed");
  };

  it("has no errors, no serious findings of axe, and fits every width", async () => {
    const script = readFileSync(AXE, "utf8");
    const trader = await ready({}, "20000");
    const { page } = trader;
    await openLong(trader, "12000");
    await visit(page, "trade/ETH-PERP");
    await page.getByLabel("Size", { exact: true }).fill("1.5");
    await page.getByTestId("preview").waitFor();
    await page.getByRole("button", { name: "Sign buy order" }).click();
    await until("the perp is there", async () => (await positions().positionsOf(account(trader))).length === 1);
    const shoot = (path: string, suffix: string, fullPage: boolean) =>
      page.screenshot({ path: join(SCREENS, `${path.replace("/", "-")}-${suffix}.png`), fullPage });
    // Evaluated through the debugger: the page's own policy would not let it in.
    await page.evaluate(script);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const path of PAGES) {
        await visit(page, path);
        await page.locator("main .card").first().waitFor();
        await until(`${path} has come`, async () => (await page.getByText(/^Loading/).count()) === 0);
        if (/SPOT|PERP/.test(path)) await page.locator(".chart canvas").first().waitFor();
        if (path === "risk") await page.getByText("no difference").waitFor();
        await page.locator(".tx").first().waitFor({ state: "detached" });
        await shoot(path, colorScheme, true);
        const serious = await page.evaluate<
          Finding[]
        >(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
          violations.filter(({ impact }) => impact === "serious" || impact === "critical")
            .map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ target, failureSummary }) => ({ target, failureSummary })) })))`);
        expect(serious, `${path}, ${colorScheme}: ${JSON.stringify(serious, undefined, 1)}`).to.have.length(0);
        if (colorScheme === "dark") continue;
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 800 });
          const over = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
          );
          expect(over, `${path} at ${width} px`).to.be.at.most(0);
          if (width === WIDTHS[0]) await shoot(path, String(width), true);
        }
        await page.setViewportSize({ width: 1_440, height: 900 });
      }
    }
  });

  it("opens three times long, shows the liquidation price, takes collateral, closes with profit", async () => {
    const trader = await ready();
    const { page } = trader;
    await visit(page, "trade/ETH-SPOT");
    await page.getByLabel("Size", { exact: true }).fill("30000");
    const said = page.getByTestId("liquidation");
    await said.waitFor();
    const before = Number(/below ([\d,.]+)/.exec(await said.innerText())?.[1]?.replaceAll(",", ""));
    const index = stack.market.prices.WETH;
    expect(before).to.be.within(index * 0.6, index * 0.95);
    await page.getByRole("button", { name: "Buy ETH with leverage" }).click();
    await confirmed(page, /Long ETH/);
    expect(await balance(trader, "WETH")).to.be.greaterThan(0n);
    expect(await balance(trader, "USDC")).to.be.lessThan(0n);

    await deposit(trader, "2000");
    expect(Number((await balance(trader, "USDC")) / 1_000_000n)).to.be.greaterThan(-18_100);
    stack.path.push("WETH", 1.04);
    await visit(page, "trade/ETH-SPOT");
    await until(
      "the index has risen",
      async () => (await page.locator(".stat.big dd").innerText()) !== index.toFixed(2),
    );
    // Round and arbitrage come in one block: from here on a swap gets the new price.
    await stack.market.settled();
    await page.getByRole("button", { name: "Close the long" }).click();
    await confirmed(page, /Close ETH long/);
    expect(await balance(trader, "USDC")).to.be.at.least(0n);
    const { mtm } = await stack.stage.lens.accountView(account(trader));
    expect(Number(mtm / 10n ** 18n)).to.be.greaterThan(12_500);
  });

  it("keeps an isolated account apart, with what was transferred to it", async () => {
    const trader = await ready();
    const { page } = trader;
    await page.getByRole("button", { name: "Transfer", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Amount").fill("1500");
    await dialog.getByRole("button", { name: "Transfer", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: /Account 2/ }).click();
    await page.getByText("1,500.00 USDC").first().waitFor();
    expect(await balance(trader, "USDC", 1)).to.be.within(1_499_999_000n, 1_500_000_001n);
    await page.reload();
    await page.getByRole("button", { name: /Account 2/, pressed: true }).waitFor();
  });

  it("trades a perp by signed orders of two wallets", async () => {
    const [maker, taker] = [await ready(), await ready()];
    for (const { page } of [maker, taker]) {
      await visit(page, "trade/ETH-PERP");
      await page.locator(".book-row .buy").first().waitFor();
    }
    // Between the bot's quotes: better than either.
    const price = (stack.market.prices.WETH * 1.0001).toFixed(2);
    const { page: makers } = maker;
    await makers.getByText("Sell / Short").click();
    await makers.getByText("Limit", { exact: true }).click();
    await makers.getByLabel("Limit price").fill(price);
    await makers.getByLabel("Size", { exact: true }).fill("0.5");
    await makers.getByLabel("Post only").check();
    await makers.getByRole("button", { name: "Sign sell order" }).click();
    await makers.getByText("Your order rests in the book.").waitFor();
    const { page: takers } = taker;
    await takers.getByLabel("Size", { exact: true }).fill("0.5");
    await takers.getByTestId("preview").waitFor();
    await takers.getByRole("button", { name: "Sign buy order" }).click();
    await takers.getByText(/Matched 0\.500 ETH/).waitFor();
    const sizeOf = (trader: Trader) => positions().sizeOf(account(trader), perpWord(stack.stage.listed.WETH.asset));
    await until("both have their position", async () => (await sizeOf(taker)) > 0n && (await sizeOf(maker)) < 0n);
    expect(await sizeOf(taker)).to.equal(5n * 10n ** 17n);
    // What it was entered at comes from the fill's event.
    const entry = Number(price).toLocaleString("en-US", { minimumFractionDigits: 2 });
    await takers.locator("tr", { hasText: "ETH-PERP" }).getByText(entry, { exact: true }).first().waitFor();

    // A stop, signed here, seen from another browser of the same wallet, set off by the index.
    const trigger = (stack.market.prices.WETH * 0.98).toFixed(2);
    await takers.getByText("Sell / Short").click();
    await takers.getByText("Stop", { exact: true }).click();
    await takers.getByLabel("Trigger price").fill(trigger);
    await takers.getByLabel("Size", { exact: true }).fill("0.5");
    await takers.getByRole("button", { name: "Sign stop" }).click();
    await takers.getByText("Your order waits for the index.").waitFor();
    const elsewhere = await open({ wallet: taker.wallet });
    await connect(elsewhere);
    await visit(elsewhere.page, "trade/ETH-PERP");
    await elsewhere.page.getByRole("button", { name: "Orders", exact: true }).click();
    await elsewhere.page.getByRole("button", { name: "Find my others" }).click();
    await elsewhere.page.getByText(/^Sell 0\.5 ETH-PERP when index ≤/).waitFor();
    stack.path.push("WETH", 0.975);
    await until("the stop has closed the position", async () => (await sizeOf(taker)) === 0n);
  });

  it("trades a strategy as one order against its exact opposite", async () => {
    const [first, second] = [await ready({}, "50000"), await ready({}, "50000")];
    for (const [i, { page }] of [first, second].entries()) {
      await visit(page, "trade/ETH-OPTIONS");
      const pick = async (row: number, what: "Buy" | "Sell"): Promise<void> => {
        const button = page
          .locator(".chain tbody tr")
          .nth(row)
          .getByRole("button", { name: new RegExp(`^${what} .*-C at [\\d,.]+$`) });
        await button.click();
      };
      await page.getByRole("group", { name: "Expiry" }).locator("label").nth(1).click();
      await pick(3, i === 0 ? "Buy" : "Sell");
      await pick(4, i === 0 ? "Sell" : "Buy");
      await page.getByText("As one order").click();
      if (i === 1) await page.getByText(/Somebody offers it as one: you receive/).waitFor();
      await page.getByRole("button", { name: "Sign one order" }).click();
      await page.getByText(i === 0 ? /Your order rests as one/ : /Matched 1\.000 as one/).waitFor();
    }
    const legsOf = async (trader: Trader) => (await positions().positionsOf(account(trader))).length;
    await until("both have both legs", async () => (await legsOf(first)) === 2 && (await legsOf(second)) === 2);
  });

  it("builds an iron condor of four legs with its payoff", async () => {
    const trader = await ready({}, "50000");
    const { page } = trader;
    await visit(page, "trade/ETH-OPTIONS");
    const rows = page.locator(".chain tbody tr");
    await rows.first().waitFor();
    // The later expiry, where far strikes still have a bid.
    await page.getByRole("group", { name: "Expiry" }).locator("label").nth(1).click();
    await until("quotes", async () => (await page.locator(".chain td button", { hasText: /\d/ }).count()) > 16);
    const pick = (row: number, what: "Buy" | "Sell", right: "C" | "P") =>
      rows
        .nth(row)
        .getByRole("button", { name: new RegExp(`^${what} .*-${right}( |$)`) })
        .click();
    await pick(1, "Buy", "P");
    await pick(2, "Sell", "P");
    await pick(4, "Sell", "C");
    await pick(5, "Buy", "C");
    await page.getByRole("img", { name: /Profit and loss of the strategy/ }).waitFor();
    await page.getByTestId("liquidation").waitFor();
    await page.locator(".tx").first().waitFor({ state: "detached" });
    await page.screenshot({ path: join(SCREENS, "condor-light.png"), fullPage: true });
    await page.getByRole("button", { name: "Sign 4 orders" }).click();
    await page.getByText("All 4 legs matched").waitFor({ timeout: 40_000 });
    await until("four positions", async () => (await positions().positionsOf(account(trader))).length === 4);
  });

  it("lets a lender in and out", async () => {
    const trader = await open();
    const { page } = trader;
    await connect(trader);
    await fund(trader);
    await visit(page, "earn");
    await page.getByLabel("Amount").fill("5000");
    await page.locator("main").getByRole("button", { name: "Lend", exact: true }).click();
    await confirmed(page, /^Lend/);
    await page
      .getByTestId("lent")
      .getByText(/5,000|4,999\.99/)
      .waitFor();
    await page.getByText("Take back", { exact: true }).first().click();
    const lend = page.locator("section", { has: page.getByRole("heading", { name: "Lend USDC" }) });
    await lend.getByRole("button", { name: /^Max/ }).click();
    await page.locator("main").getByRole("button", { name: "Take back", exact: true }).click();
    await confirmed(page, /Take back/);
    const vault = stack.stage.vaults.USDC;
    await until(
      "all of it is back",
      async () => (await vault.convertToAssets(await vault.balanceOf(trader.wallet))) < 10n,
    );
  });

  it("lets people stake in the insurance fund, and ask for it back", async () => {
    const trader = await open();
    const { page } = trader;
    await connect(trader);
    await fund(trader);
    await visit(page, "earn");
    await page.getByLabel("Stake", { exact: true }).fill("2500");
    await page.getByRole("button", { name: "Stake in the fund" }).click();
    await confirmed(page, "Stake 2500 USDC");
    await page
      .getByTestId("stake")
      .getByText(/2,500\.00|2,499\.99/)
      .waitFor();
    await page.getByRole("button", { name: "Ask to take it out" }).click();
    await confirmed(page, "Ask to take the stake out");
    await page.getByText(/Your stake may leave in 5 d, for 2 d/).waitFor();
    expect(await page.getByRole("button", { name: "Take it out", exact: true }).isDisabled()).to.equal(true);
  });

  it("sends nothing when the wallet declines, and says so", async () => {
    const trader = await ready();
    const { page, mood, wallet } = trader;
    const sent = await stack.stage.provider.getTransactionCount(wallet);
    mood.rejects = true;
    await visit(page, "trade/ETH-SPOT");
    await page.getByLabel("Size", { exact: true }).fill("5000");
    await page.getByRole("button", { name: "Buy ETH with leverage" }).click();
    await page.getByText("You declined in the wallet. Nothing was sent.").waitFor();
    expect(await stack.stage.provider.getTransactionCount(wallet)).to.equal(sent);
    await page.getByRole("button", { name: "Buy ETH with leverage" }).waitFor();
  });

  it("says how much is missing before the wallet is asked", async () => {
    const { page } = await ready({}, "1000");
    await visit(page, "trade/ETH-SPOT");
    await page.getByLabel("Size", { exact: true }).fill("30000");
    await page.getByText(/Deposit [\d,.]+ USDC more, or reduce to [\d,.]+ USDC\./).waitFor();
    expect(await page.getByRole("button", { name: "Buy ETH with leverage" }).isDisabled()).to.equal(true);
  });

  it("notices the wrong network and offers to switch", async () => {
    const trader = await open();
    trader.mood.chainId = 1;
    const { page } = trader;
    await page.getByRole("button", { name: "Connect wallet" }).click();
    await page.getByRole("button", { name: "Test wallet" }).click();
    await page.getByText("The wallet is on another network.").waitFor();
    await page.getByRole("button", { name: "Wrong network" }).click();
    await page.getByRole("button", { name: "Switch network" }).click();
    await page
      .getByRole("button", { name: trader.wallet.address.slice(0, 6) })
      .first()
      .waitFor();
    expect(await page.getByText("The wallet is on another network.").count()).to.equal(0);
  });

  it("warns when prices fall, and shows the keeper's liquidation", async () => {
    const trader = await ready();
    const { page } = trader;
    await openLong(trader, "38000");
    stack.path.push("WETH", 0.83);
    await page
      .locator(".banner")
      .getByText(/left before it can be liquidated|being liquidated/)
      .waitFor();
    await page.screenshot({ path: join(SCREENS, "margin-call-light.png") });
    stack.path.push("WETH", 0.96);
    await page
      .locator(".banner")
      .getByText(/below its maintenance margin/)
      .waitFor();
    const { auction } = stack.stage;
    const bids = () => auction.queryFilter(auction.filters.AuctionBid(account(trader)), stack.deployment.fromBlock);
    await until("the keeper bids", async () => (await bids()).length > 0, 90_000);
    await visit(page, "liquidations");
    await page
      .locator("section", { hasText: "Last bids" })
      .getByRole("button", { name: trader.wallet.address })
      .first()
      .waitFor();
  });

  it("lets anybody bid in an auction", async () => {
    await stack.stopKeeper();
    const [owner, bidder] = [await ready(), await ready({}, "60000")];
    await openLong(owner, "40000");
    stack.path.push("WETH", 0.8);
    const { page } = bidder;
    await visit(page, "liquidations");
    await page
      .locator("tr", { has: page.getByRole("button", { name: owner.wallet.address }) })
      .getByRole("button", { name: /^Look/ })
      .click();
    await page.getByRole("button", { name: "Start the auction" }).click();
    await confirmed(page, "Start the auction");
    await page.getByRole("button", { name: "Start the auction" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Bid with my account" }).click();
    await confirmed(page, "Bid on everything allowed");
    expect(await balance(bidder, "WETH")).to.be.greaterThan(0n);
  });

  it("goes on calmly when the chain begins anew under it, and when the node is gone", async () => {
    const trader = await open();
    const { page } = trader;
    await connect(trader);
    const { provider } = stack.stage;
    const snapshot: unknown = await provider.send("evm_snapshot", []);
    const begun = await provider.getBlockNumber();
    await fund(trader);
    await deposit(trader, "3000");
    await page.getByText("3,000.00 USDC").first().waitFor();
    await until(
      "the page has seen blocks that will be gone",
      async () => Number((await page.getByTestId("head").innerText()).replace("Block ", "")) > begun + BLOCKS_UNDONE,
    );
    await stack.market.stop();
    await provider.send("evm_revert", [snapshot]);
    await page.getByText("Nothing yet. Deposit USDC, WETH or WBTC to begin.").waitFor();
    await stack.stopChain();
    await page.getByText("The node does not answer.").waitFor();
    // What was there stays to be looked at.
    await page.getByRole("heading", { name: "Collateral" }).waitFor();
  });
});
