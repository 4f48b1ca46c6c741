import type { MachineFacts } from "../../lib/machine-facts.ts";
import type { LogFacts } from "./logs/log.ts";
import type { AppendReport } from "./sections/append.ts";
import type { DayCase } from "./sections/day.ts";
import type { DiskBytes } from "./sections/disk-bytes.ts";
import type { ProofReport } from "./sections/proofs.ts";
import type { VerificationReport } from "./sections/verification.ts";
import type { LedgerSettings } from "./settings.ts";

/** Everything measured in one run; a part that was not asked for is null. */
export interface LedgerReport {
  readonly suite: "ledger";
  readonly machine: MachineFacts;
  readonly settings: LedgerSettings;
  readonly logs: readonly LogFacts[];
  readonly append: readonly AppendReport[] | null;
  readonly verification: VerificationReport | null;
  readonly proof: ProofReport | null;
  readonly disk: readonly DiskBytes[] | null;
  readonly day: readonly DayCase[] | null;
  readonly seconds: number;
}
