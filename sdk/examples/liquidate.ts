// A liquidator in a page: weighs every account in memory, and bids for those below maintenance with an account of its own. Repeat it
// per block for a keeper that fits a small market; `keeper/` is the one for large ones.
//
//   PRIVATE_KEY=0x… npx tsx sdk/examples/liquidate.ts --rpc URL --deployment FILE [--most 10000]
import { formatUnits, parseUnits } from "ethers";

import { isEvent, MAX, RevertError } from "../index.ts";
import { attempt, LIQUIDATION, weigh } from "../mirror/index.ts";
import { runExample, setUp } from "./connect.ts";

const USDC_DECIMALS = 6;

const main = async (): Promise<void> => {
  const { client, account: bidder, option, close } = await setUp(["most"]);
  try {
    // Every account that ever changed; a program that runs on keeps the list and follows new events.
    const { safe } = client.contracts;
    const logs = await safe.queryFilter(safe.filters.AccountChanged(), client.deployment.fromBlock);
    const ids = [...new Set(logs.map(({ args }) => args.account))].filter((id) => id !== bidder);

    const { market, block } = await client.snapshot();
    const accounts = await client.mirrorAccounts(ids, { block });
    const unhealthy = accounts.filter((account) => {
      const margins = attempt(() => weigh(market, account, LIQUIDATION));
      return margins.ok && margins.value.maintenance < 0n;
    });
    console.log(`${unhealthy.length} of ${accounts.length} accounts are below maintenance at block ${block}`);

    const limit = parseUnits(option("most", "10000"), USDC_DECIMALS);
    for (const { id } of unhealthy) {
      const bid = client.actions.bid({ account: id, bidder, fraction: MAX, limit });
      try {
        const { changes } = await client.simulate(bid);
        const [mine] = changes;
        const gain = (mine?.after?.mtm ?? 0n) - (mine?.before.mtm ?? 0n);
        console.log(`${bid.title}: worth ${formatUnits(gain, 18)} more than it costs`);
        const { events } = await client.execute(bid, { interval: 100 });
        const taken = events.find((event) => isEvent(event, "safe", "BidTaken"));
        console.log(`took ${formatUnits((taken?.args.fraction ?? 0n) * 100n, 18)} % of ${id}`);
      } catch (error) {
        if (!(error instanceof RevertError)) throw error;
        console.log(`left ${id}: ${error.message}`);
      }
    }
  } finally {
    await close();
  }
};

await runExample(main);
