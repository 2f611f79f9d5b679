// The last audit that the server of the page knows of: what `npm run audit -- --json` said, taken as foreign text.
import { toNumber } from "../lib/format.ts";
import type { Site } from "./site.ts";

export interface AuditedAsset {
  readonly symbol: string;
  readonly kind: string;
  /** Whole tokens. */
  readonly has: number;
  readonly owes: number;
}

export interface Audit {
  /** Milliseconds at which it ended. */
  readonly at: number;
  readonly ok: boolean;
  readonly block: number;
  readonly events: number;
  readonly accounts: number;
  readonly compared: number;
  readonly differences: number;
  readonly findings: readonly string[];
  readonly assets: readonly AuditedAsset[];
}

/** Nothing: no audit yet. */
export type LastAudit = { readonly audit?: Audit; readonly failure?: string };

type Json = Readonly<Record<string, unknown>>;
const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null;
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isJson) : []);
const number = (value: unknown): number => (typeof value === "number" ? value : 0);
const whole = (value: unknown): bigint => (typeof value === "string" && /^-?\d+$/.test(value) ? BigInt(value) : 0n);

const FINDINGS_KEPT = 5;

export const readAudit = async ({ audit: url }: Site): Promise<LastAudit> => {
  if (url === undefined) return {};
  const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(8_000) });
  if (!response.ok) return {};
  const said: unknown = await response.json();
  if (!isJson(said)) return {};
  const { at, result, failure } = said;
  if (!isJson(result)) return typeof failure === "string" ? { failure } : {};
  const { block, findings, assets } = result;
  return {
    audit: {
      at: number(at),
      ok: result["ok"] === true,
      block: isJson(block) ? number(block["number"]) : 0,
      ...{ events: number(result["events"]), accounts: number(result["accounts"]) },
      ...{ compared: number(result["compared"]), differences: number(result["differences"]) },
      findings: list(findings)
        .slice(0, FINDINGS_KEPT)
        .map(({ id, subject, message }) => `${String(id)}: ${String(subject)}: ${String(message)}`),
      assets: list(assets).map(({ symbol, kind, decimals, held, debts, claims }) => ({
        ...{ symbol: String(symbol), kind: String(kind) },
        has: toNumber(whole(held) + whole(debts), number(decimals)),
        owes: toNumber(whole(claims), number(decimals)),
      })),
    },
  };
};
