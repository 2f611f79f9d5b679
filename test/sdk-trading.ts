// Words, names, orders and prices of the SDK. No chain.
import { expect } from "chai";
import { TypedDataEncoder, Wallet } from "ethers";
import fc from "fast-check";

import { black76Greeks, black76Price, impliedVolatility, normalCdf } from "../sdk/black76.ts";
import {
  decodeInstrument,
  decodePosition,
  encodeInstrument,
  encodePosition,
  type Instrument,
  InstrumentError,
  instrumentName,
  optionWord,
  parseInstrumentName,
  perpWord,
  WAD,
} from "../sdk/instruments.ts";
import {
  areOpposite,
  CONTROL_TYPES,
  domainSeparator,
  exchangeDomain,
  FLAG,
  hashOrder,
  isSignedByOwner,
  limitOrder,
  netCostScaled,
  type Order,
  ORDER_TYPES,
  OrderFormatError,
  orderFromJson,
  orderToJson,
  recoverFromHash,
  recoverSigner,
  signKeepAlive,
  signOrder,
  spread,
  stop,
} from "../sdk/orders.ts";
import { accountOf, ownerAddress } from "./helpers/orders.ts";
import { atMost, near } from "./helpers/floats.ts";

const SYMBOLS = { 2: "ETH", 3: "BTC" };
const DOMAIN = { chainId: 31_337n, exchange: ownerAddress(0xec) };
const bits = (count: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(count)) - 1n });
const signedBits = (count: number) =>
  fc.bigInt({ min: -(1n << BigInt(count - 1)), max: (1n << BigInt(count - 1)) - 1n });

const instruments: fc.Arbitrary<Instrument> = fc.oneof(
  fc.record({ kind: fc.constant("perp" as const), underlying: fc.integer({ min: 0, max: 255 }) }),
  fc.record({
    kind: fc.constant("option" as const),
    underlying: fc.integer({ min: 0, max: 255 }),
    expiry: fc.integer({ min: 1, max: 2 ** 32 }),
    strike: bits(64),
    isCall: fc.boolean(),
  }),
);

const orders: fc.Arbitrary<Order> = fc.record({
  account: bits(256).map((n) => `0x${n.toString(16).padStart(64, "0")}`),
  legs: fc.array(fc.record({ instrument: bits(128), ratio: signedBits(128), price: bits(128) }), {
    minLength: 1,
    maxLength: 16,
  }),
  size: bits(128),
  maxFee: bits(128),
  expiry: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
  nonce: bits(256),
  salt: bits(64),
  executor: bits(160).map((n) => `0x${n.toString(16).padStart(40, "0")}`),
  flags: fc.integer({ min: 0, max: 255 }),
  trigger: fc.record({
    underlying: fc.integer({ min: 0, max: 255 }),
    above: fc.boolean(),
    price: bits(128),
    keeperFee: bits(128),
  }),
});

describe("SDK: instruments", () => {
  it("packs words as the contracts do", () => {
    // contracts/types/Position.sol: kind 2 | underlying 8 | expiry 40 | strike 64 | call 1 | 0 (13)
    expect(perpWord(2)).to.equal((1n << 126n) | (2n << 118n));
    const word = optionWord({ underlying: 3, expiry: 1_798_185_600, strike: 3_000n * 10n ** 8n, isCall: true });
    expect(word).to.equal(
      (2n << 126n) | (3n << 118n) | (1_798_185_600n << 78n) | ((3_000n * 10n ** 8n) << 14n) | (1n << 13n),
    );
  });

  it("gives every instrument and position back", () => {
    fc.assert(
      fc.property(instruments, signedBits(128), signedBits(118), (instrument, size, index) => {
        expect(decodeInstrument(encodeInstrument(instrument))).to.deep.equal(instrument);
        const fundingIndex = instrument.kind === "perp" ? index : 0n;
        const position = { instrument, size, fundingIndex };
        expect(decodePosition(encodePosition(position))).to.deep.equal(position);
        expect(parseInstrumentName(instrumentName(instrument, SYMBOLS), SYMBOLS)).to.deep.equal(instrument);
      }),
    );
  });

  it("names them as the field does", () => {
    const expiry = Date.UTC(2026, 11, 25, 8) / 1_000;
    const name = (strike: bigint, at = expiry, isCall = true) =>
      instrumentName({ kind: "option", underlying: 2, expiry: at, strike, isCall }, SYMBOLS);
    expect(instrumentName(perpWord(2), SYMBOLS)).to.equal("ETH-PERP");
    expect(name(300_000_000_000n)).to.equal("ETH-20261225-3000-C");
    expect(name(50_000_000n, expiry, false)).to.equal("ETH-20261225-0.5-P");
    expect(name(300_000_000_000n, expiry + 90)).to.equal("ETH-20261225T080130-3000-C");
    expect(instrumentName(perpWord(9), SYMBOLS)).to.equal("U9-PERP");
  });

  it("refuses names and words of nothing", () => {
    for (const name of [
      "",
      "ETH",
      "ETH-PERP-",
      "DOGE-PERP",
      "ETH-20260231-3000-C",
      "ETH-20261225-3000-X",
      "ETH-20261225T250000-1-C",
    ]) {
      expect(() => parseInstrumentName(name, SYMBOLS), name).to.throw(InstrumentError);
    }
    for (const word of [0n, 3n << 126n, perpWord(2) | 1n, (2n << 126n) | 1n, 1n << 128n]) {
      expect(() => decodeInstrument(word), String(word)).to.throw(InstrumentError);
    }
  });
});

describe("SDK: orders", () => {
  it("hashes like any EIP-712 encoder", () => {
    const domain = exchangeDomain(DOMAIN);
    expect(domainSeparator(DOMAIN)).to.equal(TypedDataEncoder.hashDomain(domain));
    fc.assert(
      fc.property(orders, (order) => {
        expect(hashOrder(order, DOMAIN)).to.equal(TypedDataEncoder.hash(domain, ORDER_TYPES, order));
      }),
      { numRuns: 100 },
    );
  });

  it("has the type string that the exchange documents", () => {
    expect(TypedDataEncoder.from(ORDER_TYPES).encodeType("Order")).to.equal(
      "Order(bytes32 account,Leg[] legs,uint128 size,uint128 maxFee,uint40 expiry,uint256 nonce,uint64 salt,address executor,uint8 flags,Trigger trigger)" +
        "Leg(uint128 instrument,int128 ratio,uint128 price)" +
        "Trigger(uint8 underlying,bool above,uint128 price,uint128 keeperFee)",
    );
    expect(TypedDataEncoder.from({ KeepAlive: CONTROL_TYPES.KeepAlive }).encodeType("KeepAlive")).to.equal(
      "KeepAlive(bytes32 account,uint40 validUntil,uint256 nonce,uint256 deadline)",
    );
  });

  const terms = { account: accountOf(1), size: WAD, maxFee: WAD, nonce: 7n, now: 1_800_000_000_123 };

  it("is signed by a wallet and recovered; by nobody else, for no other domain", async () => {
    const wallet = Wallet.createRandom();
    const account = `0x${wallet.address.slice(2).toLowerCase()}${"0".repeat(24)}`;
    const order = limitOrder({ ...terms, account, instrument: perpWord(2), side: "buy", price: 3_000n * WAD });
    const signature = await signOrder(wallet, order, DOMAIN);
    expect(recoverSigner(order, signature, DOMAIN)).to.equal(wallet.address);
    expect(recoverFromHash(hashOrder(order, DOMAIN), signature)).to.equal(wallet.address);
    expect(isSignedByOwner(order, signature, DOMAIN)).to.be.true;
    expect(isSignedByOwner(order, signature, { ...DOMAIN, chainId: 1n })).to.be.false;
    expect(isSignedByOwner({ ...order, size: 2n * WAD }, signature, DOMAIN)).to.be.false;
    expect(isSignedByOwner(order, "0x1234", DOMAIN)).to.be.false;
    expect(await signKeepAlive(wallet, { account, validUntil: 5, nonce: 1n, deadline: 9n }, DOMAIN)).to.match(
      /^0x[0-9a-f]{130}$/,
    );
  });

  it("builds limit, spread and stop orders", () => {
    const buy = limitOrder({ ...terms, instrument: perpWord(2), side: "buy", price: 5n, postOnly: true });
    expect(buy).to.deep.include({ flags: FLAG.postOnly, salt: 1_800_000_000_123n, expiry: 1_800_003_600 });
    const far = optionWord({ underlying: 2, expiry: 2, strike: 1n, isCall: true });
    const calendar = spread(terms, [
      { instrument: far, ratio: WAD, price: 9n },
      { instrument: perpWord(2), ratio: -2n * WAD, price: 4n },
    ]);
    expect(calendar.legs.map(({ instrument }) => instrument)).to.deep.equal([perpWord(2), far]);
    expect(netCostScaled(calendar.legs)).to.equal(WAD);
    const against = calendar.legs.map((leg) => ({ ...leg, ratio: -leg.ratio, price: 1n }));
    expect(areOpposite(calendar.legs, against)).to.be.true;
    expect(areOpposite(calendar.legs, against.slice(1))).to.be.false;
    const protect = stop({
      ...terms,
      instrument: perpWord(2),
      side: "sell",
      price: 1n,
      underlying: 2,
      triggerPrice: 3n,
      keeperFee: 0n,
    });
    expect(protect.flags).to.equal(FLAG.reduceOnly);
    expect(protect.trigger).to.deep.equal({ underlying: 2, above: false, price: 3n, keeperFee: 0n });
  });

  it("survives JSON, and says which field is wrong", () => {
    fc.assert(
      fc.property(orders, (order) => {
        const text = JSON.stringify(orderToJson(order));
        expect(orderFromJson(JSON.parse(text))).to.deep.equal(order);
      }),
      { numRuns: 100 },
    );
    const good = orderToJson(limitOrder({ ...terms, instrument: perpWord(2), side: "buy", price: 5n }));
    const refused = (changes: object, field: string) =>
      expect(() => orderFromJson({ ...good, ...changes }), field)
        .to.throw(OrderFormatError)
        .with.property("field", field);
    refused({ account: "0x12" }, "order.account");
    refused({ size: "-1" }, "order.size");
    refused({ size: (1n << 128n).toString() }, "order.size");
    refused({ size: 1.5 }, "order.size");
    refused({ size: "0x10" }, "order.size");
    refused({ legs: [] }, "order.legs");
    refused({ legs: Array(17).fill(good.legs[0]) }, "order.legs");
    refused({ legs: [{ ...good.legs[0], ratio: null }] }, "order.legs[0].ratio");
    refused({ trigger: { ...good.trigger, above: 1 } }, "order.trigger.above");
    refused({ surprise: 1 }, "order.surprise");
    expect(() => orderFromJson([]))
      .to.throw(OrderFormatError)
      .with.property("field", "order");
  });
});

describe("SDK: Black-76", () => {
  it("agrees with published figures", () => {
    const week = { forward: 1_500, strike: 1_500, time: 7 / 365, volatility: 1, isCall: true };
    near(black76Price(week), 82.805080668634559515, 1e-11);
    near(black76Greeks(week).delta, 0.5276016935562116, 1e-14);
    const month = { forward: 1_000, strike: 1_200, time: 30 / 365, volatility: 0.25, discount: 0.9991784198737006 };
    near(black76Price({ ...month, isCall: true }), 0.137082128426579297, 1e-11);
    near(black76Price({ ...month, isCall: false }), 199.972766103166719631, 1e-11);
  });

  it("has its limits: no time, no volatility, strike 0", () => {
    const base = { forward: 100, strike: 90, time: 1, volatility: 0.5, isCall: true };
    expect(black76Price({ ...base, time: 0 })).to.equal(10);
    expect(black76Price({ ...base, volatility: 0, isCall: false })).to.equal(0);
    expect(black76Price({ ...base, strike: 0 })).to.equal(100);
    expect(black76Greeks({ ...base, time: 0 }).delta).to.equal(1);
    expect([normalCdf(-40), normalCdf(0), normalCdf(40)]).to.deep.equal(
      [0, 0.5, 1].map((x) => (x === 0.5 ? normalCdf(0) : x)),
    );
    near(normalCdf(0), 0.5, 1e-15);
  });

  const inputs = fc.record({
    forward: fc.double({ min: 100, max: 5_000, noNaN: true }),
    moneyness: fc.double({ min: -0.7, max: 0.7, noNaN: true }),
    time: fc.double({ min: 0.01, max: 3, noNaN: true }),
    volatility: fc.double({ min: 0.2, max: 2, noNaN: true }),
    isCall: fc.boolean(),
    rate: fc.double({ min: 0, max: 0.1, noNaN: true }),
  });

  it("has greeks that are its slopes, and parity", () => {
    fc.assert(
      fc.property(inputs, ({ forward, moneyness, time, volatility, isCall, rate }) => {
        const input = {
          forward,
          strike: forward * Math.exp(moneyness),
          time,
          volatility,
          isCall,
          discount: Math.exp(-rate * time),
        };
        const { price, delta, gamma, vega, theta, rho } = black76Greeks(input);
        const slope = (change: (by: number) => Partial<typeof input>, by: number) =>
          (black76Price({ ...input, ...change(by) }) - black76Price({ ...input, ...change(-by) })) / (2 * by);
        const dF = forward * 1e-4;
        const near = (actual: number, expected: number, scale: number) =>
          atMost(Math.abs(actual - expected), 1e-5 * scale);
        near(
          delta,
          slope((by) => ({ forward: forward + by }), dF),
          1,
        );
        const [up, down] = [1, -1].map((sign) => black76Price({ ...input, forward: forward + sign * 10 * dF }));
        near(
          gamma * forward,
          (((up ?? 0) - 2 * price + (down ?? 0)) / (10 * dF) ** 2) * forward,
          1e3 / Math.sqrt(time),
        );
        near(
          vega,
          slope((by) => ({ volatility: volatility + by }), 1e-4),
          forward,
        );
        near(
          theta,
          -slope((by) => ({ time: time + by, discount: Math.exp(-rate * (time + by)) }), time * 1e-4),
          forward / time,
        );
        near(
          rho,
          slope((by) => ({ discount: Math.exp(-(rate + by) * time) }), 1e-5),
          forward * time,
        );
        const other = black76Price({ ...input, isCall: !isCall });
        near(isCall ? price - other : other - price, input.discount * (forward - input.strike), forward * 1e-6);
      }),
    );
  });

  it("gives the volatility of a price back, and none outside the bounds", () => {
    fc.assert(
      fc.property(inputs, ({ forward, moneyness, time, volatility, isCall }) => {
        const input = { forward, strike: forward * Math.exp(moneyness), time, isCall };
        const price = black76Price({ ...input, volatility });
        const { vega } = black76Greeks({ ...input, volatility });
        // Where a price hardly moves with the volatility, its digits do not hold it.
        fc.pre(vega > 1e-3 * forward);
        near(impliedVolatility(price, input), volatility, 1e-7);
      }),
    );
    const input = { forward: 100, strike: 90, time: 1, isCall: true };
    for (const price of [9.9, 10, 100, 101, Number.NaN]) expect(impliedVolatility(price, input)).to.equal(undefined);
  });
});
