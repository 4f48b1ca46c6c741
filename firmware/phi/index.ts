/** The public face of Φ: scores, verdicts, the budget, and the measures they are made from. */
export * from "./budget.ts";
export { BALANCE_SUB, BudgetLedger, decodeBalance, emptyBalance } from "./budget-ledger.ts";
export * from "./choose.ts";
export * from "./convergence.ts";
export * from "./explore.ts";
export * from "./learn.ts";
export * from "./measures/kpi.ts";
export * from "./measures/kpi-window.ts";
export * from "./measures/regression.ts";
export * from "./measures/run-stats.ts";
export * from "./measures/sla.ts";
export * from "./measures/spike.ts";
export * from "./score.ts";
export * from "./verdict.ts";
export * from "./weights.ts";
