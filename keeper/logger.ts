import { formatUnits } from "ethers";
import { type DestinationStream, type Logger, pino } from "pino";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One JSON object a line. What programs read carries an `event`; amounts in it are decimal text. */
export const createLogger = (level: LogLevel, destination?: DestinationStream, app = "keeper"): Logger => {
  const options = {
    level,
    base: { app },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
};

const WAD_DECIMALS = 18;

/** A WAD as decimal text: JSON's numbers would round it. */
export const decimal = (value: bigint, decimals: bigint | number = WAD_DECIMALS): string =>
  formatUnits(value, decimals);
