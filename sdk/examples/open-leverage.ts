// Opens a leveraged long: adds USDC, borrows more, and buys WETH with both, in one transaction. Shows before it is sent what the margins
// would be, and at which price of WETH the account would be liquidated.
//
//   PRIVATE_KEY=0x… npx tsx sdk/examples/open-leverage.ts --rpc URL --deployment FILE [--margin 1000] [--borrow 2000]
import { formatUnits, parseUnits } from "ethers";

import { isEvent, type PlimsollClient } from "../index.ts";
import { liquidationPrices } from "../mirror/index.ts";
import { runExample, setUp } from "./connect.ts";

const USDC_DECIMALS = 6;
/** Of the swap pool, hundredths of a basis point. */
const POOL_FEE = 500;
/** Most that the swap may cost, in thousandths. */
const SLIPPAGE = 10n;
const WETH = 2;

const wad = (value: bigint): string => Number(formatUnits(value, 18)).toFixed(2);

const showLiquidationPrice = async (client: PlimsollClient, account: string): Promise<void> => {
  const { market, block } = await client.snapshot();
  const [mine] = await client.mirrorAccounts([account], { block });
  if (mine === undefined) return;
  const { now, below } = liquidationPrices(market, mine, WETH);
  console.log(
    `WETH is at ${wad(now)}; the account is liquidated below ${below === undefined ? "no price" : wad(below)}`,
  );
};

const main = async (): Promise<void> => {
  const { client, owner, account, option, close } = await setUp(["margin", "borrow"]);
  try {
    const margin = parseUnits(option("margin", "1000"), USDC_DECIMALS);
    const sold = margin + parseUnits(option("borrow", "2000"), USDC_DECIMALS);
    const price = (await client.readPools())[1]?.price.primary ?? 0n;
    const fair = (sold * 10n ** BigInt(36 - USDC_DECIMALS)) / price;

    // The router acts for the account by a signature in the same transaction, for an hour.
    const open = client.actions.openLeverage({
      account,
      debtAsset: "USDC",
      collateralAsset: "WETH",
      margin: { asset: "USDC", amount: margin },
      sold,
      minBought: (fair * (1_000n - SLIPPAGE)) / 1_000n,
      route: { assets: ["USDC", "WETH"], fees: [POOL_FEE] },
      deadline: Math.floor(Date.now() / 1_000) + 365 * 86_400,
      grant: await client.sign.leverageGrant({ account, expiry: 2 ** 40 - 1 }),
    });
    for (const { symbol, spender, amount } of await client.missingApprovals(open)) {
      await client.execute(client.actions.approve(symbol, spender, amount), { interval: 100 });
    }

    const { gas, returned } = await client.simulate(open);
    console.log(`${open.title}: would buy ${formatUnits(returned as bigint, 18)} WETH for about ${gas} gas`);
    const { events } = await client.execute(open, { interval: 100 });
    const done = events.find((event) => isEvent(event, "leverageRouter", "LeverageIncreased"));
    const { initial, maintenance, mtm } = await client.readAccount(account);
    console.log(`bought ${formatUnits(done?.args.bought ?? 0n, 18)} WETH as ${owner}`);
    console.log(`equity ${wad(mtm)}, initial margin ${wad(initial)}, maintenance margin ${wad(maintenance)}`);
    await showLiquidationPrice(client, account);
  } finally {
    await close();
  }
};

await runExample(main);
