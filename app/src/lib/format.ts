// Numbers as people read them. Widths never jump: digits are tabular, and decimals depend on the size of a number alone.
import { formatUnits, getAddress } from "ethers";

export const WAD = 10n ** 18n;

/** WAD to a float: for showing and drawing only. */
export const toNumber = (value: bigint, decimals = 18): number => Number(formatUnits(value, decimals));

const MINUS = "\u2212";
/** Nothing has no sign, even where a little was rounded away. */
const signed = (text: string): string => (/[1-9]/.test(text) ? text.replace(/^-/, MINUS) : text.replace(/^-/, ""));

/** Decimals that suit a price of about this size. */
export const priceDecimals = (value: number): number => {
  const size = Math.abs(value);
  if (size >= 10_000) return 0;
  if (size >= 100) return 2;
  return size >= 1 ? 3 : 5;
};

const formatters = new Map<string, Intl.NumberFormat>();
const formatter = (least: number, most: number): Intl.NumberFormat => {
  const key = `${least}:${most}`;
  const known = formatters.get(key);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });
  formatters.set(key, made);
  return made;
};

export const decimal = (value: number, decimals = 2): string =>
  Number.isFinite(value) ? signed(formatter(decimals, decimals).format(value)) : "–";

export const price = (value: number): string => decimal(value, priceDecimals(value));

/** Settlement units: dollars and cents of USDC. */
export const money = (value: number): string => decimal(value, Math.abs(value) >= 100_000 ? 0 : 2);

export const compact = (value: number): string =>
  signed(new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 }).format(value));

/** Token units. */
export const amount = (units: bigint, decimals: number, most = 6): string =>
  signed(formatter(0, Math.min(decimals, most)).format(toNumber(units, decimals)));

export const percent = (value: number, decimals = 2): string => `${decimal(value * 100, decimals)} %`;

export const withSign = (value: number, text: (value: number) => string = money): string =>
  value > 0 ? `+${text(value)}` : text(value);

/** Per second WAD to per year, compounded. */
export const apy = (rate: bigint): number => Math.expm1(toNumber(rate) * 365 * 86_400);

export const shortAddress = (address: string): string => {
  const whole = getAddress(address);
  return `${whole.slice(0, 6)}…${whole.slice(-4)}`;
};

export const age = (seconds: number): string => {
  const s = Math.max(0, Math.round(seconds));
  if (s < 90) return `${s} s`;
  if (s < 5_400) return `${Math.round(s / 60)} min`;
  return s < 172_800 ? `${Math.round(s / 3_600)} h` : `${Math.round(s / 86_400)} d`;
};

export const expiryDate = (seconds: number): string =>
  new Date(seconds * 1_000).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "2-digit",
    timeZone: "UTC",
  });

const NUMBER = /^\d*\.?\d*$/;

/** What somebody typed, in units of a token; undefined while it is no amount. */
export const parseAmount = (text: string, decimals: number): bigint | undefined => {
  const clean = text.replace(/[\s,_]/g, "");
  if (clean === "" || clean === "." || !NUMBER.test(clean)) return undefined;
  const [whole = "", fraction = ""] = clean.split(".");
  // More digits than the token has cannot be paid: they are cut, never rounded up.
  return BigInt(`${whole === "" ? "0" : whole}${fraction.slice(0, decimals).padEnd(decimals, "0")}`);
};
