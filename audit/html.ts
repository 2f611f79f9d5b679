// Pages that open without a network: one file, style inside, no script, every text escaped.

/** Markup that is already escaped. */
export class Html {
  constructor(readonly text: string) {}
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c);

type Part = string | number | Html | readonly Html[];

const rendered = (part: Part): string => {
  if (part instanceof Html) return part.text;
  if (typeof part === "string" || typeof part === "number") return escapeHtml(String(part));
  return part.map(({ text }) => text).join("");
};

/** A template whose parts are escaped unless they are markup. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(strings.reduce((text, string, i) => text + rendered(parts[i - 1] ?? "") + string));

export interface Column {
  readonly name: string;
  /** To the right, in figures of one width. */
  readonly isNumber?: boolean;
}

export type Cell = string | Html;

const cellHtml = (cell: Cell, { isNumber }: Column): Html => {
  const below = isNumber === true && typeof cell === "string" && cell.startsWith("-");
  if (isNumber !== true) return html`<td>${cell}</td>`;
  return below ? html`<td class="n below">${cell}</td>` : html`<td class="n">${cell}</td>`;
};

/** A table that scrolls by itself when it is too wide; a sentence instead when it is empty. */
export const tableHtml = (columns: readonly Column[], rows: readonly (readonly Cell[])[], nothing: string): Html => {
  if (rows.length === 0) return html`<p class="nothing">${nothing}</p>`;
  const head = columns.map((column) =>
    column.isNumber === true ? html`<th class="n">${column.name}</th>` : html`<th>${column.name}</th>`,
  );
  const body = rows.map(
    (row) =>
      html`<tr>
        ${columns.map((column, i) => cellHtml(row[i] ?? "", column))}
      </tr> `,
  );
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
};

export const tileHtml = (label: string, value: string, hint: string): Html =>
  html`<div class="tile"><span>${label}</span><b>${value}</b><i>${hint}</i></div> `;

export const sectionHtml = (title: string, body: Html | readonly Html[], hint = ""): Html =>
  html`<section>
    <h2>${title}</h2>
    ${hint === "" ? [] : html`<p class="hint">${hint}</p>`}${body}
  </section> `;

/** A number cut to fit, in full on hover. */
export const cutHtml = (cut: string, full: string): Cell => {
  if (cut === full) return cut;
  return full.startsWith("-")
    ? html`<span class="below" title="${full}">${cut}</span>`
    : html`<span title="${full}">${cut}</span>`;
};

/** A bar as long as its share of the whole, 0 to 1. */
export const barHtml = (part: number): Html =>
  html`<span class="bar"><span style="width:${(Math.min(1, Math.max(0, part)) * 100).toFixed(1)}%"></span></span>`;

export const shortHex = (hex: string): Html =>
  html`<code title="${hex}">${hex.length > 14 ? `${hex.slice(0, 8)}…${hex.slice(-4)}` : hex}</code>`;

/** An account as owner and index, in full on hover. */
export const accountHtml = (account: string): Html =>
  html`<code title="${account}"
    >${`${account.slice(0, 8)}…${account.slice(38, 42)}/${BigInt(`0x${account.slice(42)}`)}`}</code
  >`;

const STYLE = `
:root { color-scheme: light dark; --back:#f4f6f8; --card:#fff; --ink:#17212b; --soft:#5d6b78; --line:#e2e7ec; --bar:#3d7dd8; --bad:#c2233a; }
@media (prefers-color-scheme: dark) {
  :root { --back:#11161b; --card:#1a2128; --ink:#e8edf2; --soft:#93a1ae; --line:#2c353e; --bar:#6aa5f5; --bad:#ff6b7b; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 24px; background: var(--back); color: var(--ink); font: 14px/1.45 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header, main { max-width: 1240px; margin: 0 auto; }
h1 { margin: 0; font-size: 24px; }
h2 { margin: 0 0 8px; font-size: 16px; }
header p { margin: 4px 0 16px; color: var(--soft); overflow-wrap: anywhere; }
.hint, .nothing { margin: 0 0 8px; color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(152px, 1fr)); gap: 12px; margin-bottom: 16px; }
.tile, section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.tile { padding: 10px 14px; }
.tile span, .tile i { display: block; color: var(--soft); font-style: normal; font-size: 12px; }
.tile b { display: block; font-size: 20px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
section { padding: 14px 16px; margin-bottom: 16px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 4px 10px 4px 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
th { color: var(--soft); font-weight: 600; font-size: 12px; }
tbody tr:last-child td { border-bottom: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
.n + td:not(.n), .n + th:not(.n) { padding-left: 14px; }
.below { color: var(--bad); }
code { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; }
.bar { display: inline-block; width: 120px; height: 8px; background: var(--line); border-radius: 4px; overflow: hidden; vertical-align: middle; }
.bar span { display: block; height: 100%; background: var(--bar); }
@media print { body { padding: 0; background: #fff; } section, .tile { break-inside: avoid; } .wide { overflow: visible; } }
`;

export const pageHtml = (title: string, subtitle: Html, tiles: readonly Html[], sections: readonly Html[]): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${title}</title>
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <p>${subtitle}</p>
        </header>
        <main>
          <div class="tiles">${tiles}</div>
          ${sections}
        </main>
      </body>
    </html> `.text;
