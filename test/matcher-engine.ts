// The matcher's engine against a naive model, and what must hold whatever happens to it.
import { expect } from "chai";
import fc from "fast-check";

import type { Command, Happening } from "../matcher/commands.ts";
import { decodeCommand, decodeState, encodeCommand, encodeState } from "../matcher/codec.ts";
import { DEFAULT_ENGINE_OPTIONS, Engine, type EngineOptions } from "../matcher/engine.ts";
import { Refusal } from "../matcher/errors.ts";
import { WAD } from "../sdk/instruments.ts";
import { NaiveBook } from "./helpers/naive-book.ts";
import {
  accountOf,
  BTC_PERP,
  ETH_PERP,
  hashOf,
  makeSigned,
  NOW,
  type OrderShape,
  ownerAddress,
  START,
  wad,
} from "./helpers/orders.ts";

const EXECUTOR = ownerAddress(0xe0);
const OPTIONS: EngineOptions = { ...DEFAULT_ENGINE_OPTIONS, maxImmediateFills: Infinity, executor: EXECUTOR };

const place = (shape: OrderShape, at = START): Command => ({ kind: "place", at, ...makeSigned(shape) });
const kinds = (happenings: readonly Happening[]): string[] => happenings.map(({ kind }) => kind);

/** Undefined: done; else why it was refused. */
const attempt = (engine: Engine, command: Command): string | undefined => {
  try {
    engine.apply(command);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
};

const traded = (happenings: readonly Happening[]) =>
  happenings.flatMap((happening) => (happening.kind === "traded" ? [happening.fill] : []));

/** Holds after every command. */
const checkInvariants = (engine: Engine): void => {
  const pending = new Map<string, bigint>();
  for (const { maker, taker, size } of engine.fills.values()) {
    for (const hash of [maker, taker]) pending.set(hash, (pending.get(hash) ?? 0n) + size);
  }
  for (const entry of engine.orders.values()) {
    expect(entry.pending, "every pending part is a fill on its way").to.equal(pending.get(entry.hash) ?? 0n);
    const isWithin = entry.open + entry.pending + entry.filled <= entry.order.size;
    expect(entry.open === 0n || isWithin, "never more on offer than signed").to.be.true;
    expect(entry.level !== undefined, "in a book exactly when it rests").to.equal(entry.state === "resting");
    expect(entry.state === "done", "an open part waits somewhere").to.equal(entry.open === 0n);
    pending.delete(entry.hash);
  }
  expect(pending.size, "no fill of a forgotten order").to.equal(0);
  for (const book of engine.books.values()) {
    expect(book.isEmpty).to.be.false;
    const buy = book.best("buy")?.price;
    const sell = book.best("sell")?.price;
    if (buy !== undefined && sell !== undefined) expect(buy < sell, "never crossed").to.be.true;
    for (const side of ["buy", "sell"] as const) {
      let last: bigint | undefined;
      for (const level of book.side(side)) {
        if (last !== undefined) expect(side === "buy" ? level.price < last : level.price > last).to.be.true;
        last = level.price;
        let count = 0;
        let turn = 0;
        for (let entry = level.head; entry !== undefined; entry = entry.after) {
          expect(entry.turn > turn, "first come, first served").to.be.true;
          turn = entry.turn;
          count += 1;
        }
        expect(count).to.equal(level.count);
      }
    }
  }
};

// ------------------------------------------------------------------ random orders

const shapes = fc.record({
  owner: fc.integer({ min: 1, max: 4 }),
  side: fc.constantFrom("buy" as const, "sell" as const),
  price: fc.integer({ min: 95, max: 105 }),
  size: fc.integer({ min: 1, max: 10 }),
  saltShift: fc.integer({ min: -3, max: 3 }),
  lifetime: fc.integer({ min: -1, max: 30 }),
  postOnly: fc.boolean(),
  immediateOrCancel: fc.boolean(),
});
type RandomShape = typeof shapes extends fc.Arbitrary<infer T> ? T : never;

const steps = fc.oneof(
  { weight: 8, arbitrary: shapes.map((shape) => ({ step: "place" as const, shape })) },
  { weight: 2, arbitrary: fc.nat(60).map((back) => ({ step: "cancel" as const, back })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 10 }).map((seconds) => ({ step: "sweep" as const, seconds })) },
);

const shapeOf = (shape: RandomShape, id: number, at: number): OrderShape => ({
  ...shape,
  id,
  salt: id + shape.saltShift,
  expiry: Math.floor(at / 1_000) + shape.lifetime,
  // Both at once would make no sense: a maker that does not rest.
  immediateOrCancel: shape.immediateOrCancel && !shape.postOnly,
});

describe("Matcher's engine", () => {
  it("matches like the naive book: price, then time; the exchange's maker; conservation; never crossed", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 80 }), (sequence) => {
        const engine = new Engine(OPTIONS);
        const naive = new NaiveBook();
        const fills: { maker: number; taker: number; size: number; price: number }[] = [];
        let at = START;
        let id = 0;
        for (const each of sequence) {
          let happenings: Happening[] = [];
          if (each.step === "place") {
            id += 1;
            const shape = shapeOf(each.shape, id, at);
            const accepted = naive.place(
              {
                id,
                owner: shape.owner,
                side: shape.side,
                price: shape.price,
                expiry: shape.expiry ?? 0,
                salt: shape.salt ?? 0,
                postOnly: shape.postOnly ?? false,
                immediateOrCancel: shape.immediateOrCancel ?? false,
                open: shape.size,
              },
              Math.floor(at / 1_000),
            );
            try {
              happenings = engine.apply(place(shape, at));
              expect(accepted).to.be.true;
            } catch (error) {
              if (!(error instanceof Refusal)) throw error;
              expect(accepted, error.code).to.be.false;
            }
          } else if (each.step === "cancel") {
            const hash = hashOf(Math.max(1, id - each.back));
            expect(attempt(engine, { kind: "cancel", at, hash, reason: "asked" }) === undefined).to.equal(
              naive.cancel(Number(hash)),
            );
          } else {
            at += each.seconds * 1_000;
            engine.apply({ kind: "sweep", at });
            naive.sweep(Math.floor(at / 1_000));
          }
          for (const { maker, taker, size, price } of traded(happenings)) {
            fills.push({
              maker: Number(maker),
              taker: Number(taker),
              size: Number(size / WAD),
              price: Number(price / WAD / WAD),
            });
          }
          checkInvariants(engine);
        }
        expect(fills).to.deep.equal(naive.fills);
        const resting = [...engine.orders.values()]
          .filter(({ state }) => state === "resting")
          .sort((a, b) => a.turn - b.turn)
          .map(({ hash, open }) => [Number(hash), Number(open / WAD)]);
        expect(resting).to.deep.equal(naive.resting.map(({ id: each, open }) => [each, open]));
      }),
      { numRuns: 300 },
    );
  });

  it("holds its invariants and survives a round through text, whatever comes: fills that fail, triggers, positions, strangers", () => {
    const wild = fc.oneof(
      {
        weight: 8,
        arbitrary: fc
          .tuple(shapes, fc.boolean(), fc.option(fc.integer({ min: 97, max: 103 })), fc.boolean())
          .map(([shape, reduceOnly, trigger, above]) => ({
            step: "place" as const,
            shape,
            reduceOnly,
            trigger,
            above,
          })),
      },
      { weight: 2, arbitrary: fc.nat(60).map((back) => ({ step: "cancel" as const, back })) },
      {
        weight: 3,
        arbitrary: fc
          .tuple(fc.nat(50), fc.nat(3))
          .map(([which, culprits]) => ({ step: "fail" as const, which, culprits })),
      },
      { weight: 3, arbitrary: fc.nat(50).map((which) => ({ step: "confirm" as const, which })) },
      { weight: 2, arbitrary: fc.integer({ min: 96, max: 104 }).map((price) => ({ step: "index" as const, price })) },
      {
        weight: 2,
        arbitrary: fc
          .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: -9, max: 9 }))
          .map(([owner, size]) => ({ step: "position" as const, owner, size })),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.nat(60), fc.integer({ min: 1, max: 4 }))
          .map(([back, size]) => ({ step: "external" as const, back, size })),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: -2, max: 20 }), fc.boolean())
          .map(([owner, ahead, chain]) => ({ step: "deadline" as const, owner, ahead, chain })),
      },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 10 }).map((time) => ({ step: "sweep" as const, time })) },
    );
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 80 }), (sequence) => {
        let engine = new Engine(OPTIONS);
        let at = START;
        let id = 0;
        for (const each of sequence) {
          const fillAt = (which: number) => [...engine.fills.values()][which % Math.max(1, engine.fills.size)];
          let command: Command | undefined;
          switch (each.step) {
            case "place":
              id += 1;
              command = place(
                {
                  ...shapeOf(each.shape, id, at),
                  reduceOnly: each.reduceOnly,
                  ...(each.trigger !== null && {
                    trigger: { underlying: 2, above: each.above, price: wad(each.trigger) },
                  }),
                },
                at,
              );
              break;
            case "cancel":
              command = { kind: "cancel", at, hash: hashOf(Math.max(1, id - each.back)), reason: "asked" };
              break;
            case "fail": {
              const fill = fillAt(each.which);
              if (fill === undefined) break;
              const culprits = [fill.maker, fill.taker].filter((_, i) => (each.culprits >> i) % 2 === 1);
              command = { kind: "fail", at, fill: fill.id, culprits, reason: "InsufficientMargin" };
              break;
            }
            case "confirm": {
              const fill = fillAt(each.which);
              if (fill !== undefined) command = { kind: "confirm", at, fill: fill.id };
              break;
            }
            case "index":
              command = { kind: "index", at, underlying: 2, price: wad(each.price) };
              break;
            case "position":
              command = {
                kind: "position",
                at,
                account: accountOf(each.owner),
                instrument: ETH_PERP,
                size: wad(each.size),
              };
              break;
            case "external":
              command = { kind: "external", at, hash: hashOf(Math.max(1, id - each.back)), size: wad(each.size) };
              break;
            case "deadline":
              command = {
                kind: "deadline",
                at,
                scope: each.chain ? "chain" : "matcher",
                account: accountOf(each.owner),
                until: Math.floor(at / 1_000) + each.ahead,
              };
              break;
            case "sweep":
              at += each.time * 1_000;
              command = { kind: "sweep", at };
              break;
          }
          if (command === undefined) continue;
          const before = encodeState(engine.state());
          if (attempt(engine, decodeCommand(encodeCommand(command))) !== undefined) {
            expect(encodeState(engine.state()), "a refusal changes nothing").to.equal(before);
          }
          checkInvariants(engine);
          // From here on with a copy that went through text.
          const text = encodeState(engine.state());
          engine = Engine.restore(decodeState(text), OPTIONS);
          expect(encodeState(engine.state())).to.equal(text);
        }
      }),
      { numRuns: 200 },
    );
  });

  describe("orders one by one", () => {
    let engine: Engine;
    beforeEach(() => {
      engine = new Engine(OPTIONS);
    });
    const apply = (command: Command) => {
      const happenings = engine.apply(command);
      checkInvariants(engine);
      return happenings;
    };
    const openOf = (id: number) => engine.orders.get(hashOf(id))?.open;

    it("trades at the maker's price, the taker's better", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 5 }));
      const [fill] = traded(apply(place({ id: 2, owner: 2, side: "buy", price: 103, size: 2 })));
      expect(fill).to.include({
        maker: hashOf(1),
        taker: hashOf(2),
        side: "buy",
        size: 2n * WAD,
        price: 100n * WAD * WAD,
      });
      expect(openOf(1)).to.equal(3n * WAD);
    });

    it("names the post-only order maker though its salt is later", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 5, salt: 9, postOnly: true }));
      const [fill] = traded(apply(place({ id: 2, owner: 2, side: "buy", price: 103, size: 5, salt: 1 })));
      expect(fill).to.include({ maker: hashOf(1), price: 100n * WAD * WAD });
    });

    it("refuses a post-only order that would cross, by name", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 5 }));
      expect(attempt(engine, place({ id: 2, owner: 2, side: "buy", price: 100, size: 1, postOnly: true }))).to.equal(
        "PostOnlyWouldCross",
      );
    });

    it("cancels what is left of an immediate-or-cancel order, and does not bring it back when its fill fails", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 1 }));
      expect(
        kinds(apply(place({ id: 2, owner: 2, side: "buy", price: 100, size: 3, immediateOrCancel: true }))),
      ).to.deep.equal(["traded", "cancelled"]);
      apply({ kind: "fail", at: START, fill: 1, culprits: [], reason: "x" });
      expect(openOf(2)).to.equal(undefined);
      expect(openOf(1)).to.equal(WAD);
    });

    it("matches a spread only with its exact opposite, by net cost", () => {
      const legs = (sign: bigint, near: number, far: number) => [
        { instrument: ETH_PERP, ratio: sign * WAD, price: wad(near) },
        { instrument: BTC_PERP, ratio: -sign * 2n * WAD, price: wad(far) },
      ];
      const buys = legs(1n, 100, 60); // pays at most 100 − 120 = −20
      apply(place({ id: 1, owner: 1, side: "buy", price: 0, size: 1, legs: buys }));
      // Asks for −19: no trade. Single legs do not match a spread either.
      expect(
        kinds(apply(place({ id: 2, owner: 2, side: "sell", price: 0, size: 1, legs: legs(-1n, 101, 60) }))),
      ).to.deep.equal(["rested"]);
      expect(kinds(apply(place({ id: 3, owner: 2, side: "sell", price: 90, size: 1 })))).to.deep.equal(["rested"]);
      const [fill] = traded(
        apply(place({ id: 4, owner: 3, side: "sell", price: 0, size: 1, legs: legs(-1n, 99, 60) })),
      );
      expect(fill).to.include({ maker: hashOf(1), taker: hashOf(4), price: -20n * WAD * WAD });
    });

    it("cancels the resting side of a self-trade", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 1 }));
      const happenings = apply(place({ id: 2, owner: 1, index: 5n, side: "buy", price: 100, size: 1 }));
      expect(happenings[0]).to.include({ kind: "cancelled", reason: "SelfTrade", hash: hashOf(1) });
      expect(openOf(2)).to.equal(WAD);
    });

    it("lets a reduce-only order fill no more than the position, fills on their way included", () => {
      expect(attempt(engine, place({ id: 9, owner: 1, side: "sell", price: 100, size: 5, reduceOnly: true }))).to.equal(
        "NothingToReduce",
      );
      apply({ kind: "position", at: START, account: accountOf(1), instrument: ETH_PERP, size: 3n * WAD });
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 5, reduceOnly: true }));
      expect(traded(apply(place({ id: 2, owner: 2, side: "buy", price: 100, size: 2 })))[0]?.size).to.equal(2n * WAD);
      const happenings = apply(place({ id: 3, owner: 2, side: "buy", price: 100, size: 2 }));
      expect(traded(happenings)[0]?.size).to.equal(WAD);
      expect(happenings.some(({ kind }) => kind === "cancelled")).to.be.true;
      expect(openOf(3)).to.equal(WAD);
      // The same position once the chain has both fills.
      apply({ kind: "confirm", at: START, fill: 1 });
      apply({ kind: "confirm", at: START, fill: 2 });
      expect([...engine.positions.values()]).to.deep.equal([3n * WAD]); // owner 2's
    });

    it("keeps orders of another executor to itself, and matches those of its own", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 1, executor: ownerAddress(0xab) }));
      expect(engine.orders.get(hashOf(1))?.state).to.equal("private");
      expect(kinds(apply(place({ id: 2, owner: 2, side: "buy", price: 100, size: 1 })))).to.deep.equal(["rested"]);
      expect(
        kinds(apply(place({ id: 3, owner: 3, side: "sell", price: 100, size: 1, executor: EXECUTOR }))),
      ).to.deep.equal(["traded"]);
    });

    it("holds a trigger order until the index crosses, and again when it comes back", () => {
      apply(place({ id: 1, owner: 1, side: "buy", price: 90, size: 9 }));
      const sellStop = { underlying: 2, above: false, price: wad(95) };
      expect(
        kinds(apply(place({ id: 2, owner: 2, side: "sell", price: 92, size: 1, trigger: sellStop }))),
      ).to.deep.equal(["held"]);
      expect(kinds(apply({ kind: "index", at: START, underlying: 2, price: wad(96) }))).to.deep.equal([]);
      expect(kinds(apply({ kind: "index", at: START, underlying: 2, price: wad(95) }))).to.deep.equal([
        "triggered",
        "rested",
      ]);
      expect(kinds(apply({ kind: "index", at: START, underlying: 2, price: wad(97) }))).to.deep.equal(["held"]);
      expect(kinds(apply(place({ id: 3, owner: 3, side: "buy", price: 93, size: 1 })))).to.deep.equal(["rested"]);
      expect(kinds(apply({ kind: "index", at: START, underlying: 2, price: wad(94) }))).to.deep.equal([
        "triggered",
        "traded",
      ]);
      // Its fill fails after the index has come back: it waits again.
      apply({ kind: "index", at: START, underlying: 2, price: wad(97) });
      apply({ kind: "fail", at: START, fill: 1, culprits: [hashOf(3)], reason: "x" });
      expect(engine.orders.get(hashOf(2))).to.include({ state: "held", open: WAD });
    });

    it("gives the good side of a failed fill its turn back, and drops the culprit", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 2 }));
      apply(place({ id: 2, owner: 2, side: "buy", price: 100, size: 2 }));
      apply(place({ id: 3, owner: 3, side: "sell", price: 100, size: 2 }));
      const happenings = apply({
        kind: "fail",
        at: START,
        fill: 1,
        culprits: [hashOf(2)],
        reason: "InsufficientMargin",
      });
      expect(kinds(happenings)).to.deep.equal(["failed", "cancelled", "rested"]);
      expect(traded(apply(place({ id: 4, owner: 4, side: "buy", price: 100, size: 1 })))[0]?.maker).to.equal(hashOf(1));
    });

    it("does not bring back what was cancelled while its fill was on its way", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 3 }));
      apply(place({ id: 2, owner: 2, side: "buy", price: 100, size: 2 }));
      apply({ kind: "cancel", at: START, hash: hashOf(1), reason: "asked" });
      apply({ kind: "fail", at: START, fill: 1, culprits: [hashOf(2)], reason: "x" });
      expect(engine.orders.size).to.equal(0);
      expect(engine.books.size).to.equal(0);
    });

    it("drops all orders of an account whose dead-man's switch runs out, and refuses new ones", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 1 }));
      apply(place({ id: 2, owner: 1, index: 7n, side: "sell", price: 101, size: 1 }));
      apply(place({ id: 3, owner: 2, side: "sell", price: 102, size: 1 }));
      apply({ kind: "deadline", at: START, scope: "matcher", account: accountOf(1), until: NOW + 5 });
      expect(kinds(apply({ kind: "sweep", at: START + 5_000 }))).to.deep.equal([]);
      expect(kinds(apply({ kind: "sweep", at: START + 6_000 }))).to.deep.equal(["cancelled"]);
      const late = place({ id: 4, owner: 1, side: "buy", price: 1, size: 1 }, START + 6_000);
      expect(attempt(engine, late)).to.equal("OrdersVoid");
      apply({ kind: "deadline", at: START, scope: "matcher", account: accountOf(1), until: 0 });
      expect(attempt(engine, late)).to.equal(undefined);
    });

    it("cancels an account's orders, or those below a salt", () => {
      for (const id of [1, 2, 3]) apply(place({ id, owner: 1, side: "sell", price: 100, size: 1 }));
      apply(place({ id: 4, owner: 1, index: 1n, side: "sell", price: 100, size: 1 }));
      const all = (below: bigint | undefined) =>
        apply({ kind: "cancelAll", at: START, account: accountOf(1), below, reason: "asked" });
      expect(all(BigInt(START + 2))).to.deep.equal([
        { kind: "cancelled", hash: hashOf(1), reason: "asked", open: WAD },
      ]);
      expect(all(undefined)).to.have.length(2);
      expect([...engine.orders.keys()]).to.deep.equal([hashOf(4)]);
    });

    it("refuses a nonce of the account that an open order has", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 1 }));
      const twin = {
        kind: "place" as const,
        at: START,
        ...makeSigned({ id: 1, owner: 1, side: "sell", price: 101, size: 1 }),
      };
      expect(attempt(engine, { ...twin, hash: hashOf(2) })).to.equal("NonceInUse");
      apply({ kind: "cancel", at: START, hash: hashOf(1), reason: "asked" });
      expect(attempt(engine, { ...twin, hash: hashOf(2) })).to.equal(undefined);
    });

    it("lets an immediate-or-cancel or triggered order be the taker though its salt is earlier", () => {
      apply(place({ id: 1, owner: 1, side: "buy", price: 100, size: 1, salt: 9 }));
      const stop = { id: 2, owner: 2, side: "sell" as const, price: 90, size: 1, salt: 1 };
      const [fill] = traded(apply(place({ ...stop, immediateOrCancel: true })));
      expect(fill).to.include({ maker: hashOf(1), price: 100n * WAD * WAD });
      apply(place({ id: 3, owner: 1, side: "buy", price: 100, size: 1, salt: 9 }));
      apply({ kind: "index", at: START, underlying: 2, price: wad(80) });
      const trigger = { underlying: 2, above: false, price: wad(95) };
      expect(traded(apply(place({ ...stop, id: 4, trigger })))[0]).to.include({
        maker: hashOf(3),
        price: 100n * WAD * WAD,
      });
    });

    it("fills an immediate-or-cancel order by no more makers than fit one transaction", () => {
      engine = new Engine({ ...OPTIONS, maxImmediateFills: 2 });
      for (const id of [1, 2, 3]) apply(place({ id, owner: 1, side: "sell", price: 100, size: 1 }));
      const happenings = apply(place({ id: 4, owner: 2, side: "buy", price: 100, size: 3, immediateOrCancel: true }));
      expect(kinds(happenings)).to.deep.equal(["traded", "traded", "cancelled"]);
    });

    it("counts what others filled, and knows an order once", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 3 }));
      apply({ kind: "external", at: START, hash: hashOf(1), size: WAD });
      expect(openOf(1)).to.equal(2n * WAD);
      expect(attempt(engine, place({ id: 1, owner: 1, side: "sell", price: 100, size: 3 }))).to.equal("DuplicateOrder");
      expect(kinds(apply({ kind: "external", at: START, hash: hashOf(1), size: 2n * WAD }))).to.deep.equal([
        "cancelled",
      ]);
    });

    it("gives back no more than the exchange has left of the order", () => {
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 4 }));
      apply(place({ id: 2, owner: 2, side: "buy", price: 100, size: 4 }));
      apply({ kind: "external", at: START, hash: hashOf(1), size: WAD });
      apply({ kind: "fail", at: START, fill: 1, culprits: [hashOf(2)], reason: "OverFilled" });
      expect(engine.orders.get(hashOf(1))).to.include({ open: 3n * WAD, filled: WAD, pending: 0n });
    });

    it("counts a failed fill out of the position that a reduce-only order may still close", () => {
      apply({ kind: "position", at: START, account: accountOf(1), instrument: ETH_PERP, size: 3n * WAD });
      apply(place({ id: 1, owner: 1, side: "sell", price: 100, size: 3, reduceOnly: true }));
      apply(place({ id: 2, owner: 2, side: "buy", price: 100, size: 3 }));
      apply({ kind: "fail", at: START, fill: 1, culprits: [hashOf(2)], reason: "InsufficientMargin" });
      const [fill] = traded(apply(place({ id: 3, owner: 3, side: "buy", price: 100, size: 3 })));
      expect(fill?.size).to.equal(3n * WAD);
    });

    it("has limits on orders in all and for each owner", () => {
      engine = new Engine({ ...OPTIONS, maxOrders: 3, maxOrdersPerOwner: 2 });
      for (const id of [1, 2]) apply(place({ id, owner: 1, side: "sell", price: 100, size: 1 }));
      expect(attempt(engine, place({ id: 3, owner: 1, side: "sell", price: 100, size: 1 }))).to.equal("TooManyOrders");
      apply(place({ id: 3, owner: 2, side: "sell", price: 100, size: 1 }));
      expect(attempt(engine, place({ id: 4, owner: 3, side: "sell", price: 100, size: 1 }))).to.equal("MatcherFull");
    });
  });
});
