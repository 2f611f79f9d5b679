// The SDK's examples, run as programs against the in-process chain over HTTP.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect } from "chai";
import { HDNodeWallet, parseUnits } from "ethers";

import { LOCAL_POOL_FEE } from "../deploy/lib/localNetwork.ts";
import { addLiquidity, attachUniswap, marketOf } from "../scripts/lib/uniswap.ts";
import { accountId, isEvent, isSignedByOwner, orderFromJson, PlimsollClient } from "../sdk/index.ts";
import { attestFlat } from "./helpers/derivatives.ts";
import { deployProtocol, MAX, type Protocol } from "./helpers/protocol.ts";
import { type Bridge, bridgeTo } from "./helpers/rpc-bridge.ts";

const MNEMONIC = "test test test test test test test test test test test junk";
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ETH = 2;

/** The development mnemonic's sixth account: `alice` of helpers/protocol.ts. */
const ALICE = HDNodeWallet.fromPhrase(MNEMONIC, undefined, "m/44'/60'/0'/0/5");

const run = promisify(execFile);

describe("SDK examples", () => {
  let p: Protocol;
  let bridge: Bridge;
  let folder: string;
  const ether = (amount: number) => parseUnits(String(amount), 18);

  beforeEach(async () => {
    p = await deployProtocol();
    bridge = await bridgeTo(p.connection.provider);
    folder = mkdtempSync(join(tmpdir(), "plimsoll-examples-"));
    writeFileSync(join(folder, "deployment.json"), JSON.stringify(p.deployment));
    await p.lend(p.carol, "USDC", p.units("USDC", 500_000));
    await p.lend(p.carol, "WETH", ether(200));
  });

  afterEach(async () => {
    await bridge.close();
    rmSync(folder, { recursive: true });
  });

  const example = async (name: string, ...args: string[]): Promise<string> => {
    const program = join(ROOT, "sdk", "examples", `${name}.ts`);
    const where = ["--rpc", bridge.url, "--deployment", join(folder, "deployment.json")];
    const env = { ...process.env, PRIVATE_KEY: ALICE.privateKey };
    const { stdout } = await run(process.execPath, ["--import", "tsx", program, ...where, ...args], { cwd: ROOT, env });
    return stdout;
  };

  it("opens leverage", async () => {
    const { factory, router, positions } = p.deployment.uniswap;
    const uniswap = attachUniswap({ factory, router: router ?? "", positions: positions ?? "" }, p.deployer);
    const { token } = p.deployment.assets["WETH"] ?? { token: "" };
    const market = await marketOf(uniswap, token, await p.tokens.USDC.getAddress(), LOCAL_POOL_FEE);
    await p.mint("USDC", p.deployer, p.units("USDC", 2_500_000));
    await p.mint("WETH", p.deployer, ether(1_000));
    await p.tokens.WETH.approve(uniswap.positions, MAX);
    await addLiquidity(uniswap, market, p.deployer, { base: ether(1_000), quote: p.units("USDC", 2_500_000) });
    await p.fund("USDC", p.alice, p.units("USDC", 1_000));
    const said = await example("open-leverage");
    expect(said)
      .to.match(/bought 1\.19\d* WETH/)
      .and.match(/liquidated below \d+\.\d\d/);
    const [usdc, weth] = [1, 2].map((asset) => p.safe.balanceOf(accountId(p.alice.address), asset));
    expect(await usdc).to.be.within(-p.units("USDC", 2_001), -p.units("USDC", 2_000));
    expect(await weth).to.be.greaterThan(ether(1.19));

    // and the client takes it down again, half of it and then all
    const client = await PlimsollClient.connect(p.alice, { deployment: p.deployment });
    const { actions } = client;
    const account = await client.account();
    const route = { assets: ["USDC", "WETH"], fees: [LOCAL_POOL_FEE] };
    const common = { account, debtAsset: "USDC", collateralAsset: "WETH", route, deadline: 2 ** 40 - 1 };
    const half = actions.changeLeverage({ ...common, debtChange: -p.units("USDC", 1_000), limit: ether(0.5) });
    const { returned } = await client.simulate(half);
    expect((returned as { debt: bigint }).debt).to.equal(p.units("USDC", 1_000));
    await client.execute(half, { interval: 5 });
    const close = actions.closeLeverage({ ...common, repaid: MAX, maxSold: ether(1), to: p.alice.address });
    const { events } = await client.execute(close, { interval: 5 });
    expect(events.some((event) => isEvent(event, "leverageRouter", "LeverageReduced"))).to.equal(true);
    expect((await client.readAccount(account)).balances).to.deep.equal([]);

    // an account that falls is liquidated without capital
    await p.deposit(p.bob, "WETH", ether(10));
    await p.borrow(p.bob, "USDC", p.units("USDC", 18_000));
    await p.setPrice("WETH", 2_000);
    const liquidate = actions.liquidate({
      account: accountId(p.bob.address),
      fraction: MAX,
      limit: p.units("USDC", 30_000),
      minProfit: 0n,
      routes: [{ assets: ["WETH", "USDC"], fees: [LOCAL_POOL_FEE] }],
      recipient: p.alice.address,
      deadline: 2 ** 40 - 1,
    });
    expect((await client.execute(liquidate, { interval: 5 })).events.map(({ name }) => name)).to.include("Unwound");
  });

  it("quotes an option spread", async () => {
    await p.deposit(p.alice, "USDC", p.units("USDC", 10_000));
    const expiries = p.deployment.underlyings["ETH"]?.expiries ?? [];
    await attestFlat(p, { underlying: ETH, expiries, volatility: 0.6 });
    const lines = (await example("quote-option-spread", "--size", "3")).trim().split("\n");
    expect(lines[0]).to.match(/^sell ETH-\d{8}-\d+-C at \d+\.\d+, buy ETH-\d{8}-\d+-C at \d+\.\d+$/);
    expect(lines[1]).to.match(/^initial margin 10000\.00 → \d+\.\d\d when filled$/);
    const { order, signature } = JSON.parse(lines.at(-1) ?? "") as { order: unknown; signature: string };
    const quote = orderFromJson(order);
    expect(quote).to.include({ account: accountId(p.alice.address), size: ether(3) });
    const domain = { chainId: p.deployment.chainId, exchange: p.deployment.contracts.exchange ?? "" };
    expect(isSignedByOwner(quote, signature, domain)).to.equal(true);
  });

  it("liquidates", async () => {
    await p.deposit(p.alice, "USDC", p.units("USDC", 50_000));
    const bob = await p.deposit(p.bob, "USDC", p.units("USDC", 20_000));
    await p.borrow(p.bob, "WETH", ether(6));
    expect(await example("liquidate")).to.include("0 of ");
    await p.setPrice("WETH", 3_200);
    const said = await example("liquidate");
    expect(said)
      .to.match(/1 of \d+ accounts are below maintenance/)
      .and.match(/took \d+(\.\d+)? % of 0x/);
    expect((await p.lens.accountView(bob)).maintenance).to.be.greaterThanOrEqual(0n);
  });
});
