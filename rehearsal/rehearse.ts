// An upgrade tried on a copy of the chain before it is proposed: what every account, order and market is, before and after, at the same second.
import { Interface, JsonRpcProvider, toBeHex, Wallet } from "ethers";

import { rebuild } from "../audit/audit.ts";
import { connectRpc } from "../audit/rpc.ts";
import { type Fork, startFork } from "../keeper/fork.ts";
import { Exchange__factory, Positions__factory, PositionsExtension__factory } from "../types/ethers-contracts/index.js";
import { type Deployment, derivativeContracts } from "../deploy/lib/addresses.ts";
import { accountsOf, type Question, questionsOf } from "./questions.ts";

/** What stands behind a proxy. */
export const MODULES = ["positions", "exchange"] as const;
export type Module = (typeof MODULES)[number];

export interface RehearsalOptions {
  readonly rpc: string;
  readonly deployment: Deployment;
  /** What to upgrade; default: both. */
  readonly modules?: readonly Module[];
  /** Code that is on the chain already, by module; default: what this checkout compiles to, deployed on the copy. */
  readonly code?: Partial<Record<Module, string>>;
}

export interface Difference {
  readonly subject: string;
  readonly view: string;
  readonly before: string;
  readonly after: string;
}

export interface Rehearsal {
  readonly block: number;
  readonly accounts: number;
  readonly questions: number;
  readonly upgraded: Partial<Record<Module, string>>;
  /** Empty: the new code reads all that the old one left. */
  readonly differences: readonly Difference[];
}

const BATCH = 50;
const SECONDS = 12;
const UUPS = new Interface(["function upgradeToAndCall(address,bytes)"]);
const RICH = toBeHex(10n ** 24n);

interface Reply {
  readonly id: number;
  readonly result?: string;
  readonly error?: { readonly message: string; readonly data?: unknown };
}

/** The answers in order; a refusal is an answer too, with its error's data. */
const ask = async (fork: Fork, questions: readonly Question[]): Promise<string[]> => {
  const answers: string[] = [];
  for (let from = 0; from < questions.length; from += BATCH) {
    const part = questions.slice(from, from + BATCH);
    const body = part.map(({ to, data }, id) => ({
      ...{ jsonrpc: "2.0", id, method: "eth_call" },
      params: [{ to, data }, "latest"],
    }));
    const headers = { "content-type": "application/json" };
    const response = await fetch(fork.url, { method: "POST", headers, body: JSON.stringify(body) });
    const replies = (await response.json()) as Reply[];
    const byId = new Map(replies.map((reply) => [reply.id, reply]));
    for (const id of part.keys()) {
      const reply = byId.get(id);
      if (reply === undefined) throw new Error(`the copy of the chain left ${part[id]?.view ?? "a call"} unanswered`);
      const { result, error } = reply;
      answers.push(result ?? `refused: ${typeof error?.data === "string" ? error.data : (error?.message ?? "?")}`);
    }
  }
  return answers;
};

/** Puts what this checkout compiles to on the copy. */
const deployCode = async (fork: Fork, deployment: Deployment, module: Module): Promise<string> => {
  const { safe, manager, positions } = derivativeContracts(deployment);
  const provider = new JsonRpcProvider(fork.url, undefined, { cacheTimeout: -1, pollingInterval: 50 });
  try {
    const deployer = Wallet.createRandom(provider);
    await fork.send("anvil_setBalance", [deployer.address, RICH]);
    const mined = async (contract: {
      deploymentTransaction(): { hash: string } | null;
      getAddress(): Promise<string>;
    }) => {
      await fork.send("evm_mine");
      return contract.getAddress();
    };
    if (module === "exchange")
      return await mined(await new Exchange__factory(deployer).deploy(safe, positions, manager));
    const extension = await mined(await new PositionsExtension__factory(deployer).deploy(safe, manager));
    return await mined(await new Positions__factory(deployer).deploy(safe, manager, extension));
  } finally {
    provider.destroy();
  }
};

/** As the timelock, which alone may. @throws Error with the reason when the proxy refuses. */
const upgrade = async (fork: Fork, deployment: Deployment, module: Module, code: string): Promise<void> => {
  const { timelock, [module]: proxy } = derivativeContracts(deployment);
  const data = UUPS.encodeFunctionData("upgradeToAndCall", [code, "0x"]);
  await fork.send("anvil_impersonateAccount", [timelock]);
  await fork.send("anvil_setBalance", [timelock, RICH]);
  // tried first: a failure then says why
  await fork.send("eth_call", [{ from: timelock, to: proxy, data }, "latest"]);
  await fork.send("eth_sendTransaction", [{ from: timelock, to: proxy, data, gas: toBeHex(1_000_000) }]);
};

const mineAt = async (fork: Fork, timestamp: number): Promise<void> => {
  await fork.send("evm_setNextBlockTimestamp", [timestamp]);
  await fork.send("evm_mine");
};

/**
 * Copies the chain, upgrades the copy, and compares. Nothing is sent to the chain itself.
 * @throws UsageError, ChainError, RpcError as the auditor does; ConfigError without anvil; Error when a proxy refuses the code.
 */
export const rehearse = async (options: RehearsalOptions): Promise<Rehearsal> => {
  const { rpc, deployment, modules = MODULES } = options;
  const fork = await startFork(rpc, BigInt(deployment.chainId), "rehearse");
  try {
    const head = (await fork.send("eth_getBlockByNumber", ["latest", false])) as { number: string; timestamp: string };
    const block = Number(head.number);
    const { fold } = await rebuild(connectRpc(rpc), deployment, { block });
    const questions = questionsOf(deployment, fold);

    const upgraded: Partial<Record<Module, string>> = {};
    for (const module of modules) {
      upgraded[module] = options.code?.[module] ?? (await deployCode(fork, deployment, module));
    }
    const now = (await fork.send("eth_getBlockByNumber", ["latest", false])) as { timestamp: string };
    const at = Number(now.timestamp) + SECONDS;
    const start = await fork.send("evm_snapshot");
    await mineAt(fork, at);
    const before = await ask(fork, questions);
    await fork.send("evm_revert", [start]);
    for (const module of modules) await upgrade(fork, deployment, module, upgraded[module] ?? "");
    await mineAt(fork, at);
    const after = await ask(fork, questions);
    await requireUpgraded(fork, deployment, modules, upgraded);

    const differences = questions.flatMap(({ subject, view }, i): Difference[] => {
      const [was, is] = [before[i] ?? "", after[i] ?? ""];
      return was === is ? [] : [{ subject, view, before: was, after: is }];
    });
    return { block, accounts: accountsOf(fold).length, questions: questions.length, upgraded, differences };
  } finally {
    await fork.stop();
  }
};

const IMPLEMENTATION = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";

/** A comparison of code with itself would prove nothing. */
const requireUpgraded = async (
  fork: Fork,
  deployment: Deployment,
  modules: readonly Module[],
  upgraded: Partial<Record<Module, string>>,
): Promise<void> => {
  const contracts = derivativeContracts(deployment);
  for (const module of modules) {
    const slot = (await fork.send("eth_getStorageAt", [contracts[module], IMPLEMENTATION, "latest"])) as string;
    if (BigInt(slot) !== BigInt(upgraded[module] ?? "0x0")) throw new Error(`the copy's ${module} was not upgraded`);
  }
};

const SHOWN = 20;
const short = (answer: string): string =>
  answer.length > 74 ? `${answer.slice(0, 70)}… (${answer.length / 2 - 1} bytes)` : answer;

/** For people: the first differences and a verdict. */
export const rehearsalText = ({ block, accounts, questions, upgraded, differences }: Rehearsal): string => {
  const code = Object.entries(upgraded).map(([module, address]) => `${module} to ${address}`);
  const lines = differences
    .slice(0, SHOWN)
    .map(
      ({ subject, view, before, after }) => `  ${subject} ${view}\n    was ${short(before)}\n    is  ${short(after)}`,
    );
  const more = differences.length > SHOWN ? [`  … and ${differences.length - SHOWN} more`] : [];
  const verdict =
    differences.length === 0
      ? "Nothing differs: the new code reads all that the old one left."
      : `${differences.length} answers differ. Do not propose this upgrade.`;
  return [
    `Block ${block}: upgraded ${code.join(" and ")} on a copy; ${questions} questions about ${accounts} accounts and all markets.`,
    ...lines,
    ...more,
    verdict,
  ].join("\n");
};
