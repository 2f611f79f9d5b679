export const writeTables = (): void => undefined;
