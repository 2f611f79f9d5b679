// The margin models of perps and options, by the signatures that weigh.ts calls them with.
export { ledgerOf } from "./derivatives/ledger.ts";
export { evaluatePortfolio } from "./derivatives/portfolio.ts";
export { evaluateStandard } from "./derivatives/standard.ts";
