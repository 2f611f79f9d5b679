// Quotes a call spread as a market maker: prices both legs on the attested surface, previews what being filled would do to the account's
// margins, and signs one order for the two legs together. Nothing is sent: the JSON goes to a matcher or to a taker.
//
//   PRIVATE_KEY=0x… npx tsx sdk/examples/quote-option-spread.ts --rpc URL --deployment FILE [--size 2] [--edge 0.5]
import { formatUnits, parseUnits } from "ethers";

import { black76Price, decodeInstrument, instrumentName, orderToJson, randomNonce, spread } from "../index.ts";
import { type ExpiryFeed, midPrice, previewFill, readingsAt, STRIKE_UNIT, volatilities, WAD } from "../mirror/index.ts";
import { runExample, setUp } from "./connect.ts";

const ETH = 2;
const YEAR_SECONDS = 365 * 86_400;

const number = (wad: bigint): number => Number(formatUnits(wad, 18));

/** Discounted price of one option, settlement units. */
const fairPrice = (index: bigint, feed: ExpiryFeed, years: number, strike: bigint): number => {
  const rate = number(feed.rate);
  return black76Price({
    forward: number(index) * number(feed.forwardRatio),
    strike: number(strike * STRIKE_UNIT),
    time: years,
    volatility: number(volatilities(feed)(strike * STRIKE_UNIT)),
    isCall: true,
    discount: Math.exp(-rate * years),
  });
};

const main = async (): Promise<void> => {
  const { client, account, option, close } = await setUp(["size", "edge"]);
  try {
    const { expiries } = await client.readMarkets();
    const expiry = expiries.find(({ underlying, settled }) => underlying === ETH && !settled);
    const { market, block } = await client.snapshot();
    if (expiry === undefined || market.ledger === undefined) throw new Error("no option of ETH is listed here");

    // Sell the call nearest to the index, buy the next higher strike.
    const index = midPrice(market, ETH);
    const calls = expiry.options.filter(({ isCall }) => isCall).sort((a, b) => (a.strike < b.strike ? -1 : 1));
    const at = calls.findIndex(({ strike }) => strike * STRIKE_UNIT >= index);
    const [near, far] = [calls[at], calls[at + 1]];
    if (near === undefined || far === undefined) throw new Error("no two strikes above the index");

    const feed = readingsAt(market.ledger, market.time).expiryFeed(ETH, expiry.expiry);
    const years = (expiry.expiry - Number(market.time)) / YEAR_SECONDS;
    const edge = Number(option("edge", "0.5"));
    const price = (strike: bigint, charge: number): bigint =>
      parseUnits((fairPrice(index, feed, years, strike) + charge).toFixed(6), 18);
    const [ask, bid] = [price(near.strike, edge), price(far.strike, -edge)];
    const size = parseUnits(option("size", "2"), 18);
    console.log(
      `sell ${instrumentName(near.word, { [ETH]: "ETH" })} at ${formatUnits(ask, 18)}, buy ${far.name} at ${formatUnits(bid, 18)}`,
    );

    const [mine] = await client.mirrorAccounts([account], { block });
    if (mine === undefined) throw new Error("the account could not be read");
    const legs = [
      { instrument: decodeInstrument(near.word), size: -size, price: ask },
      { instrument: decodeInstrument(far.word), size, price: bid },
    ];
    const { change, refused } = previewFill(market, mine, { legs, fee: 0n, asMaker: true });
    if (refused !== undefined) throw new Error(`the account could not carry it: ${refused.message}`);
    const margin = (value: bigint | undefined) => (value === undefined ? "unknown" : number(value).toFixed(2));
    console.log(`initial margin ${margin(change?.before.initial)} → ${margin(change?.after.initial)} when filled`);

    const order = spread(
      { account, size, maxFee: parseUnits("5", 18), nonce: randomNonce(), now: Date.now(), postOnly: true },
      [
        { instrument: near.word, ratio: -WAD, price: ask },
        { instrument: far.word, ratio: WAD, price: bid },
      ],
    );
    const { signature, signer } = await client.sign.order(order);
    console.log(JSON.stringify({ order: orderToJson(order), signer, signature }));
  } finally {
    await close();
  }
};

await runExample(main);
