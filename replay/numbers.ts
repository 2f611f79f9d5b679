// How the demo writes numbers.

/** Whole dollars; never "-$0". */
export const dollars = (value: number): string =>
  (Math.round(value) || 0).toLocaleString("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });
export const percent = (part: number, digits = 1): string => `${(part * 100).toFixed(digits)} %`;
