// Reports as one file with everything inlined, so that they open without a network.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const readText = (url: string): string => readFileSync(fileURLToPath(url), "utf8");

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** JSON that no `</script>` inside it can end. */
const inlineJson = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");

/** uPlot's style and the reports' own. */
export const style = (): string => `<style>${readText(import.meta.resolve("uplot/dist/uPlot.min.css"))}
${readText(new URL("report.css", import.meta.url).href)}</style>`;

/** uPlot, what there is to draw, and the programs that draw it. */
export const scripts = (data: unknown, programs: readonly string[]): string =>
  [
    `<script>${readText(import.meta.resolve("uplot/dist/uPlot.iife.min.js"))}</script>`,
    `<script id="data" type="application/json">${inlineJson(data)}</script>`,
    ...programs.map((url) => `<script>${readText(url)}</script>`),
  ].join("\n");

/** `{{NAME}}` in the template; what is not named is left out. */
export const fillTemplate = (template: string, fill: Readonly<Record<string, string>>): string =>
  // A function, since what is filled in may contain what `replace` reads as patterns.
  readText(template).replace(/\{\{([A-Z]+)\}\}/g, (_, name: string) => fill[name] ?? "");

export const tile = (label: string, value: string, hint: string): string =>
  `<div class="tile"><b>${escapeHtml(value)}</b><span>${escapeHtml(label)}</span><i>${escapeHtml(hint)}</i></div>`;

const DIGITS = 6;
/** Short numbers: a report carries a hundred thousand of them. */
export const short = (value: number): number => Number(value.toPrecision(DIGITS));
