/**
 * A database whose files are damaged is set aside and what can be read of it goes on (ledger.md 13). Outputs go safe as at
 * every start; the ledger goes on only where it matches what was signed, else its next epoch begins; and programs run
 * again by themselves only if it is known which release was in force.
 */
import { POLICY_SUB } from "../../../ota/slots.ts";
import { encodeCbor } from "../../core/cbor.ts";
import { CodedError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Ledger } from "../../ledger/index.ts";
import type { Log } from "../../ports/log.ts";
import { del, put, type RescuedDatabase, type Store, type StoreOp } from "../../ports/store.ts";
import type { Platform } from "../platform.ts";

const HOLD_SUB = "rescue";
const HOLD_KEY = "hold";
/** Sublevels that the entry of a rescue lists. */
const LISTED = 64;

/** Damaged files, not a damaged row: only these can be rescued. */
export const isDamagedDatabase = (error: unknown): boolean =>
  error instanceof CodedError && error.code === "store_corrupt" && error.details.database === true;

/** @returns true if the database was rescued and can be opened again. @throws CodedError `storage_full` without room. */
export async function rescued(
  error: unknown,
  database: string,
  { rescue }: Platform,
  log: Log,
): Promise<boolean> {
  if (rescue === undefined || !isDamagedDatabase(error)) return false;
  log.error("store_corrupt", { action: "rescue", database });
  const { setAside, rows } = await rescue.run(database);
  log.error("store_corrupt", { action: "set_aside", setAside, rows: { ...rows } });
  return true;
}

/** What the entry, the log and the alert say: where the damaged files are, what was saved, what became of the ledger. */
export function rescueDetails(
  { setAside, rows }: RescuedDatabase,
  ledger: Ledger,
  isHeld: boolean,
): JsonObject {
  const names = Object.keys(rows).sort();
  return {
    sublevel: "*",
    action: names.length === 0 ? "emptied" : "rescued",
    setAside,
    saved: Object.fromEntries(names.slice(0, LISTED).map((name) => [name, rows[name] ?? 0])),
    ledger: { ...ledger.openedAs.details, is: ledger.openedAs.is, size: ledger.head.size },
    held: isHeld,
  };
}

/**
 * Records a rescue and, if the pointer to the release in force was lost with it, that no program runs until an operator
 * has looked: the installation's own release may be older than the one that was in force.
 */
export async function recordRescue(
  store: Store,
  ledger: Ledger,
  report: RescuedDatabase,
): Promise<JsonObject> {
  const isHeld = (await store.get(POLICY_SUB, "pointer")) === undefined;
  const data = rescueDetails(report, ledger, isHeld);
  const ops = isHeld ? [put(HOLD_SUB, HOLD_KEY, encodeCbor({ setAside: report.setAside }))] : [];
  const event = { kind: "store_corrupt", actor: "daemon", severity: "critical", data } as const;
  await ledger.commit({ events: [event], ops }, { urgent: true });
  return data;
}

/** True while a rescue keeps programs from running. */
export const isHeld = async (store: Store): Promise<boolean> =>
  (await store.get(HOLD_SUB, HOLD_KEY)) !== undefined;

/** An operator has looked: programs may run from the next start, or from the release that is put in force now. */
export const releaseHold = (): StoreOp => del(HOLD_SUB, HOLD_KEY);
