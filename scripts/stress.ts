// npm run stress -- --candles FILE | --shock MOVES   (--help says the rest; the tool itself is in stress/)
import { runProgram } from "../stress/program.ts";

await runProgram(process.argv.slice(2));
