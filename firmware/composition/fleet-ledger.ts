/** The ledger as the fleet part writes to it: who acted, in the forms that the ledger knows (ledger.md 1). */
import type { LedgerEvent, LedgerWriter } from "../ledger/types.ts";

type Committing = Pick<LedgerWriter, "commit">;

const KEY_ID = /^[0-9a-f]{64}$/;
const FORMS = /^(?:daemon$|(?:program|operator|peer):)/;

/** A command is its signer's act and named by the key; what a part of the fleet does by itself is the daemon's. */
function actorOf(actor: string): string {
  if (KEY_ID.test(actor)) return `operator:${actor}`;
  return FORMS.test(actor) ? actor : "daemon";
}

/** @param ledger the writer behind it; its errors are its own. */
export const fleetLedger = (ledger: Committing): Committing => ({
  commit: ({ events, ops }, options) =>
    ledger.commit(
      { events: events.map((event): LedgerEvent => ({ ...event, actor: actorOf(event.actor) })), ops },
      options,
    ),
});
