// What the demo says while it works: a bar on a terminal, plain lines elsewhere, nothing at all with --json.

export interface Progress {
  readonly say: (text: string) => void;
  readonly step: (done: number, total: number, note: string) => void;
}

const WIDTH = 32;
/** Elsewhere than on a terminal a line is written every so many parts of the whole. */
const LINES = 12;

const SILENT: Progress = { say: () => undefined, step: () => undefined };

const bar = (done: number, total: number): string => {
  const full = Math.round((done / total) * WIDTH);
  return `${"█".repeat(full)}${"░".repeat(WIDTH - full)} ${String(Math.floor((done / total) * 100)).padStart(3)} %`;
};

export function progressTo(stream: NodeJS.WriteStream, silent: boolean): Progress {
  if (silent) return SILENT;
  const say = (text: string) => void stream.write(`${text}\n`);
  if (stream.isTTY) {
    return {
      say,
      step: (done, total, note) => {
        const text = `${bar(done, total)}  ${note}`.slice(0, Math.max(20, (stream.columns || 80) - 1));
        stream.write(`\r\u001b[2K${text}${done === total ? "\n" : ""}`);
      },
    };
  }
  let told = 0;
  return {
    say,
    step: (done, total, note) => {
      const part = Math.floor((done * LINES) / total);
      if (part === told) return;
      told = part;
      say(`${String(Math.floor((done / total) * 100)).padStart(3)} %  ${note}`);
    },
  };
}
