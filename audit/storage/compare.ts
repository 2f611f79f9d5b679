// What storage says, asked at one block, against what the events said. Nothing is trusted that a view could leave out: each number
// that the fold has is asked for by name.
import { type Block, inBatches, stateError, toTag } from "../chain.ts";
import type { Finding } from "../findings.ts";
import type { Fold } from "../fold.ts";
import { type Rpc, RpcError } from "../rpc.ts";
import type { AssetName, Check } from "./check.ts";
import { LedgerChecks } from "./ledger.ts";
import { SafeChecks } from "./safe.ts";

const BATCH = 100;

/** All questions, made as they are asked: a million accounts are not a million objects at once. */
function* allChecks(fold: Fold, name: AssetName, block: Block): Generator<Check> {
  yield* new SafeChecks(fold, name).all();
  if (fold.setting.ledger !== "") yield* new LedgerChecks(fold, block).all();
}

/** Asks everything; what differs is a finding. @throws RpcError when the endpoint refuses to answer. @returns how much was asked. */
export const compareStorage = async (
  rpc: Rpc,
  fold: Fold,
  name: AssetName,
  block: Block,
  found: (finding: Finding) => void,
): Promise<number> => {
  let asked = 0;
  let pending: Check[] = [];
  const flush = async (): Promise<void> => {
    const at = toTag(block.number);
    const answers = await inBatches(
      rpc,
      pending.map(({ to, abi, view, args, slot }) =>
        slot === undefined
          ? { method: "eth_call", params: [{ to, data: abi.encodeFunctionData(view, args) }, at] }
          : { method: "eth_getStorageAt", params: [to, slot, at] },
      ),
    );
    pending.forEach((check, i) => {
      for (const message of judged(check, answers[i], block)) found({ id: "storage", subject: check.subject, message });
    });
    asked += pending.length;
    pending = [];
  };
  for (const check of allChecks(fold, name, block)) {
    pending.push(check);
    if (pending.length === BATCH) await flush();
  }
  await flush();
  return asked;
};

/** What the contract itself says no with; anything else is the endpoint's own trouble and gives no verdict. */
const REVERTED = /revert|invalid opcode|out of gas|stack underflow|bad jump/i;
const REVERT_CODE = 3;

const judged = ({ abi, view, what, slot, judge }: Check, answer: unknown, block: Block): readonly string[] => {
  if (answer instanceof RpcError) {
    if (answer.code !== REVERT_CODE && !REVERTED.test(answer.message)) throw stateError(answer, block);
    return [`${what}: ${view} fails: ${answer.message.slice(0, 200)}`];
  }
  try {
    if (slot !== undefined) return judge([BigInt(String(answer))]);
    return judge([...abi.decodeFunctionResult(view, String(answer))]);
  } catch {
    return [`${what}: ${view} answered ${String(answer).slice(0, 80)}, which is no answer of its kind`];
  }
};
