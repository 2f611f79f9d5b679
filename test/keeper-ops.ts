// What operators rely on: options from three places, pages, metrics, dashboard.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { ConfigError, parseOptions } from "../keeper/config.ts";
import { listen, type Status } from "../keeper/http.ts";
import { Metrics } from "../keeper/metrics.ts";

const OPS = fileURLToPath(new URL("../keeper/ops", import.meta.url));
const RPC = "http://127.0.0.1:8545";
const WAD = 10n ** 18n;

describe("Keeper's configuration", () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "plimsoll-options-"));
  });
  after(() => {
    rmSync(directory, { recursive: true });
  });
  const file = (name: string, content: string) => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };
  const refused = (args: readonly string[], environment: Record<string, string>, message: RegExp) =>
    expect(() => parseOptions(args, environment)).to.throw(ConfigError, message);

  it("takes the file first, the environment over it, arguments over both", () => {
    const config = file(
      "a.toml",
      `rpc = ["${RPC}", "http://127.0.0.1:2"]\nmin-profit = 2.5\npatience = 7\ninterval = 20\n`,
    );
    const environment = { PLIMSOLL_KEEPER_PATIENCE: "8", PLIMSOLL_KEEPER_INTERVAL: "30" };
    const options = parseOptions(["--config", config, "--interval", "40"], environment);
    expect(options).to.deep.include({
      rpc: [RPC, "http://127.0.0.1:2"],
      minProfit: (5n * WAD) / 2n,
      patience: 8,
      intervalMs: 40,
    });
  });

  it("reads JSON as well, in either spelling, and tables as prefixes", () => {
    const config = file(
      "b.json",
      JSON.stringify({ rpc: RPC, minProfit: "3", margin: { account: 1, maxBid: 5, max_total: 9 } }),
    );
    const options = parseOptions([], { PLIMSOLL_KEEPER_CONFIG: config });
    expect(options).to.deep.include({ minProfit: 3n * WAD });
    expect(options?.margin).to.deep.equal({
      index: 1n,
      maxBid: 5n * WAD,
      maxTotal: 9n * WAD,
      reserve: 0n,
      unwindCostBps: 100,
    });
  });

  it("names the field, and where it stands", () => {
    const config = file("c.toml", `rpc = "${RPC}"\npatience = "long"\n`);
    refused(["--config", config], {}, /c\.toml: patience must be a whole number from 0 to 86400, not "long"/);
    refused(["--rpc", RPC], { PLIMSOLL_KEEPER_PATIENCE: "-1" }, /^PLIMSOLL_KEEPER_PATIENCE must be a whole number/);
    refused(["--rpc", RPC], { PLIMSOLL_KEEPER_PATIENZ: "1" }, /^PLIMSOLL_KEEPER_PATIENZ is not an option/);
    refused(["--config", file("d.toml", `rcp = "${RPC}"`)], {}, /d\.toml: rcp is not an option/);
    refused(["--config", file("e.toml", "rpc = ")], {}, /e\.toml is not TOML/);
    refused(["--config", join(directory, "none.toml")], {}, /--config: cannot read/);
    refused(["--rpc", RPC, "--database", "mysql://x"], {}, /^--database must be a postgres:\/\/ URL/);
    refused(["--rpc", RPC, "--margin-account", "0"], {}, /--margin-account needs limits/);
    refused(["--rpc", RPC, "--shock", "WETH=-40%"], {}, /--shock .* needs --optimistic/);
    refused(["--rpc", RPC, "--optimistic", "--shock", "WETH=-100%"], {}, /--shock may not move a price to zero/);
    refused(["--rpc", RPC, "--chores", "laundry"], {}, /^--chores must be all, none, or some of/);
    refused(["--rpc", RPC, "--listen", "70000"], {}, /^--listen must be a port/);
  });

  it("keeps secrets out of files and arguments, and does not repeat them", () => {
    const secret = "hunter2";
    for (const attempt of [
      () => parseOptions(["--rpc", RPC, "--database", `postgres://keeper:${secret}@127.0.0.1/x`]),
      () => parseOptions(["--config", file("f.toml", `rpc = "${RPC}"\ndatabase = "postgres://k:${secret}@h/x"`)]),
      () => parseOptions(["--config", file("g.toml", `rpc = "${RPC}"\nkey = "${secret}"`)]),
    ]) {
      expect(attempt).to.throw(ConfigError).with.property("message").that.does.not.contain(secret);
    }
    const fromEnvironment = parseOptions(["--rpc", RPC], { PLIMSOLL_KEEPER_DATABASE: `postgres://k:${secret}@h/x` });
    expect(fromEnvironment?.database).to.contain(secret);
  });

  it("accepts the example that comes with the unit", () => {
    expect(parseOptions(["--config", join(OPS, "keeper.toml")])?.listen).to.deep.equal({
      host: "127.0.0.1",
      port: 9464,
    });
  });
});

describe("Keeper's pages", () => {
  const account = `0x${"ab".repeat(32)}`;
  const started = async (changes: Partial<Status> = {}) => {
    const metrics = new Metrics();
    const status: Status = {
      dead: () => undefined,
      notReady: () => undefined,
      facts: () => ({ head: 7 }),
      account: (id) => (id === account ? { id, maintenance: 5n } : undefined),
      accounts: (offset, limit) => [{ offset, limit }],
      ...changes,
    };
    const listener = await listen({ host: "127.0.0.1", port: 0 }, status, metrics);
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${listener.port}${path}`);
      return { code: response.status, text: await response.text() };
    };
    return { metrics, listener, get };
  };

  it("say whether it lives and works, what it knows and counts", async () => {
    const { listener, get, metrics } = await started();
    try {
      expect(await get("/health")).to.deep.equal({ code: 200, text: '{"ok":true,"head":7}\n' });
      expect((await get("/ready")).code).to.equal(200);
      expect(JSON.parse((await get(`/accounts/${account}`)).text)).to.deep.equal({ id: account, maintenance: "5" });
      expect((await get(`/accounts/0x${"00".repeat(32)}`)).code).to.equal(404);
      expect(JSON.parse((await get("/accounts?offset=3&limit=4")).text)).to.deep.equal({
        offset: 3,
        accounts: [{ offset: 3, limit: 4 }],
      });
      expect((await get("/accounts?limit=x")).code).to.equal(400);
      expect((await get("/nowhere")).code).to.equal(404);
      metrics.bids.inc({ outcome: "won" });
      expect((await get("/metrics")).text).to.contain('plimsoll_keeper_bids_total{outcome="won"} 1');
    } finally {
      await listener.close();
    }
  });

  it("answer 503 with the reason when it does not work, and another when it should be restarted", async () => {
    const { listener, get } = await started({ notReady: () => "reading", dead: () => "stuck" });
    try {
      expect(await get("/ready")).to.deep.include({ code: 503 });
      expect((await get("/health")).text).to.contain("stuck");
    } finally {
      await listener.close();
    }
  });

  it("refuse a port that is taken, by the name of the option", async () => {
    const { listener, metrics } = await started();
    try {
      const second = await listen({ host: "127.0.0.1", port: listener.port }, {} as Status, metrics).catch(
        (error: unknown) => String(error),
      );
      expect(second).to.match(/--listen: cannot listen on 127\.0\.0\.1/);
    } finally {
      await listener.close();
    }
  });
});

describe("Keeper's dashboard", () => {
  interface Dashboard {
    panels: { id: number; title: string; gridPos: Record<string, number>; targets: { expr: string }[] }[];
    templating: { list: { query: unknown }[] };
  }
  const dashboard = JSON.parse(readFileSync(join(OPS, "dashboard.json"), "utf8")) as Dashboard;
  const asked = () => {
    const text = JSON.stringify([dashboard.panels.map(({ targets }) => targets), dashboard.templating]);
    return new Set(text.match(/plimsoll_keeper_\w+/g));
  };

  it("asks only for metrics that the keeper has, and for all of them", async () => {
    const names = (await new Metrics().registry.getMetricsAsJSON()).map(({ name }) => name);
    const base = [...asked()].map((name) => name.replace(/_(bucket|sum|count)$/, ""));
    for (const name of base) expect(names).to.include(name);
    for (const name of names) expect(base, `${name} has no panel`).to.include(name);
  });

  it("has panels of their own ids and places", () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
    expect(new Set(panels.map(({ gridPos }) => `${gridPos["x"]}:${gridPos["y"]}`)).size).to.equal(panels.length);
    for (const { targets } of panels) {
      for (const { expr } of targets) {
        expect(expr.split("(").length, expr).to.equal(expr.split(")").length);
        expect(expr.split("{").length, expr).to.equal(expr.split("}").length);
      }
    }
  });

  it("stands beside a unit and a container that start what there is", () => {
    for (const name of ["plimsoll-keeper.service", "Dockerfile"]) {
      expect(readFileSync(join(OPS, name), "utf8")).to.contain("scripts/keeper.ts");
    }
    expect(existsSync(join(OPS, "../../scripts/keeper.ts"))).to.equal(true);
  });
});
