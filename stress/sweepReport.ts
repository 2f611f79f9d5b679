export const sweepHtml = (..._: unknown[]): string => "";
export const sweepTable = (..._: unknown[]): string => "";
