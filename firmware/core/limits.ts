/**
 * Every limit of the product in one place: what may enter, what is retained, and the times that the design promises.
 * Each entry names its unit, its reason and the section it comes from; groups are frozen, and what must hold between
 * them is checked when this module is loaded. The quotas of programs by trust tier are a table of their own,
 * `vm/limits.ts`; encodings, device registers and tuning that nobody relies on stay where they are used.
 */
import { brokenRelations } from "./limits/relations.ts";

export * from "./limits/authoring.ts";
export * from "./limits/capabilities.ts";
export * from "./limits/documents.ts";
export * from "./limits/evidence.ts";
export * from "./limits/fleet.ts";
export * from "./limits/ledger.ts";
export * from "./limits/ota.ts";
export * from "./limits/retention.ts";
export * from "./limits/runs.ts";
export * from "./limits/scenario.ts";
export * from "./limits/service.ts";
export * from "./limits/sync.ts";
export * from "./limits/vm.ts";

const broken = brokenRelations();
if (broken.length > 0) throw new Error(`Limits contradict each other: ${broken.join("; ")}.`);
