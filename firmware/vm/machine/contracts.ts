/** The document's own contracts of payload and reply (vm.md 2, 5). */
import type { Json, JsonObject } from "../../core/json.ts";
import type { SchemaCheck } from "../capability-view.ts";
import { Trap } from "./trap.ts";

/** @throws Trap `contract_violation` with `where`; not catchable. */
export function meetContract(
  where: "payload" | "response",
  schema: JsonObject | undefined,
  value: Json,
  check: SchemaCheck | undefined,
): void {
  if (schema === undefined || check === undefined) return;
  const violation = check(schema, value);
  if (violation === null) return;
  throw new Trap("contract_violation", "contract_violation", 422, { where, ...violation }, false);
}
