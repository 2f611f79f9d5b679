export const reportHtml = (..._: unknown[]): string => "";
