// Measures what users pay: every operation is its own transaction, so every slot is cold at its start, and gas is what the receipt says.
//   npm run bench              writes bench/gas.json
//   npm run bench -- --check   compares with bench/gas.json: exit code 1 when a figure rose by more than 1 %
import { readFileSync, writeFileSync } from "node:fs";

import type { Signer } from "ethers";

import { accountId } from "../scripts/lib/ids.ts";
import { derivativeOperations } from "./derivatives.ts";
import { COLLATERAL, deployBenchMarket, gasOf, USDC, type BenchMarket } from "./market.ts";

const FILE = new URL("./gas.json", import.meta.url);
const TOLERANCE = 0.01;
const MAX = (1n << 256n) - 1n;
const USD = 10n ** 6n;

interface Report {
  readonly solc: string;
  readonly evmVersion: string;
  readonly ops: Readonly<Record<string, number>>;
  readonly sizes: Readonly<Record<string, number>>;
}

async function measure(): Promise<Report> {
  const market = await deployBenchMarket();
  try {
    const spot = await operations(market);
    const derivatives = await derivativeOperations();
    return {
      solc: "0.8.37",
      evmVersion: "cancun",
      ops: { ...spot, ...derivatives.ops },
      sizes: { ...market.sizes, ...derivatives.sizes },
    };
  } finally {
    await market.close();
  }
}

async function operations(market: BenchMarket): Promise<Record<string, number>> {
  const { safe, usdc, vault, collateral, pass } = market;
  const [, backer, lender, borrower, triple, resident, weak, weak3, keeper, keeper3] = market.signers;
  if (!backer || !lender || !borrower || !triple || !resident || !weak || !weak3 || !keeper || !keeper3)
    throw new Error("too few signers");
  const account = async (who: Signer, index = 0n): Promise<string> => accountId(await who.getAddress(), index);
  const fund = async (who: Signer): Promise<void> => {
    await usdc.mint(who, 10_000_000n * USD);
    for (const spender of [safe, vault]) await usdc.connect(who).approve(spender, MAX);
    for (const c of collateral) {
      await c.token.mint(who, 1_000n * c.unit);
      await c.token.connect(who).approve(safe, MAX);
    }
  };
  const give = async (who: Signer, place: number, units: bigint): Promise<number> => {
    const c = collateral[place];
    const asset = COLLATERAL[place];
    if (c === undefined || asset === undefined) throw new Error(`no collateral ${place}`);
    return gasOf(safe.connect(who).deposit(await account(who), asset, units * c.unit));
  };
  const borrow = async (who: Signer, amount: bigint): Promise<number> =>
    gasOf(safe.connect(who).borrow(await account(who), USDC, amount, who));
  const all = [backer, lender, borrower, triple, resident, weak, weak3, keeper, keeper3];
  for (const who of all) await fund(who);

  // A pool in use: others lend and owe, the safe holds some of every token, interest is due at every operation.
  await vault.connect(backer).deposit(5_000_000n * USD, backer);
  for (const place of [0, 1, 2]) await give(resident, place, 100n);
  await borrow(resident, 100_000n * USD);
  await pass(3_600);

  const ops: Record<string, number> = {};
  ops["supply.first"] = await gasOf(vault.connect(lender).deposit(1_000n * USD, lender));
  await pass(3_600);
  ops["supply.again"] = await gasOf(vault.connect(lender).deposit(1_000n * USD, lender));
  await pass(3_600);
  ops["lend.withdraw"] = await gasOf(vault.connect(lender).withdraw(500n * USD, lender, lender));
  await pass(3_600);
  ops["collateral.first"] = await give(borrower, 0, 10n);
  await pass(3_600);
  ops["borrow.1"] = await borrow(borrower, 5_000n * USD);
  await pass(3_600);
  ops["repay.part"] = await gasOf(safe.connect(borrower).repay(await account(borrower), USDC, 1_000n * USD));
  await pass(3_600);
  ops["collateral.withdraw"] = await gasOf(
    safe.connect(borrower).withdraw(await account(borrower), COLLATERAL[0], collateral[0]?.unit ?? 0n, borrower),
  );
  for (const place of [0, 1, 2]) await give(triple, place, 10n);
  await pass(3_600);
  ops["borrow.3"] = await borrow(triple, 5_000n * USD);

  // Liquidations: the keeper brings cash, takes the whole position into a fresh account of his, start and bid in one transaction.
  await give(weak, 0, 10n);
  await borrow(weak, 15_900n * USD);
  for (const place of [0, 1, 2]) await give(weak3, place, place === 1 ? 1n : 10n);
  await borrow(weak3, 47_900n * USD);
  for (const who of [keeper, keeper3]) await safe.connect(who).deposit(await account(who), USDC, 5_000_000n * USD);
  await pass(3_600);
  for (const c of collateral) {
    const [, answer] = await c.feed.latestRoundData();
    await c.feed.setAnswer((answer * 89n) / 100n);
  }
  ops["liquidate.1"] = await gasOf(
    safe.connect(keeper).bid(await account(weak), await account(keeper), MAX, MAX >> 1n),
  );
  await pass(3_600);
  ops["liquidate.3"] = await gasOf(
    safe.connect(keeper3).bid(await account(weak3), await account(keeper3), MAX, MAX >> 1n),
  );
  return ops;
}

function compare(report: Report): string[] {
  const before = JSON.parse(readFileSync(FILE, "utf8")) as Report;
  const rose: string[] = [];
  for (const kind of ["ops", "sizes"] as const) {
    for (const [key, value] of Object.entries(report[kind])) {
      const old = before[kind][key];
      if (old === undefined) rose.push(`${key}: ${value}, not in bench/gas.json`);
      else if (kind === "ops" && value > old * (1 + TOLERANCE)) rose.push(`${key}: ${old} → ${value}`);
      if (kind === "sizes" && value > 24_576) rose.push(`${key}: ${value} bytes`);
    }
  }
  return rose;
}

const report = await measure();
console.table(report.ops);
if (process.argv.includes("--check")) {
  const rose = compare(report);
  if (rose.length > 0) {
    console.error(`Gas rose (write the file anew with \`npm run bench\` if it must):\n  ${rose.join("\n  ")}`);
    process.exitCode = 1;
  }
} else {
  writeFileSync(FILE, `${JSON.stringify(report, null, 2)}\n`);
  console.log("written: bench/gas.json");
}
