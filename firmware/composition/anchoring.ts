/**
 * The log is signed when a policy takes effect and when it is committed, and what others may have to compare is told
 * (ledger.md 5, 9).
 */
import { codeOf } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import type { DeviceParts } from "./device-parts.ts";

/** Call once the outbox runs. @param applied documents that are in force and were not at the start before. */
export function startAnchoring(parts: DeviceParts, applied: readonly Json[]): void {
  const { state, events, fingerprints, log } = parts;
  fingerprints?.start();
  for (const document of applied) if (isJsonObject(document)) void fingerprints?.document(document);
  const sign = async (step: string, release: string): Promise<void> => {
    await state.ledger.checkpoint();
    if (step === "active") await fingerprints?.policy(release);
  };
  events.on("anchoring", "update", ({ state: step, candidate }) => {
    if (step !== "active" && step !== "committed") return;
    sign(step, candidate).catch((error: unknown) =>
      log.error("anchor_failed", { step, code: codeOf(error) }),
    );
  });
}
