/** What the calls of one run did, for the ledger and for people. */
import type { CallResult } from "../capabilities/index.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { RUN_LIMITS } from "../core/limits.ts";
import type { LedgerEvent } from "../ledger/types.ts";
import type { Reply } from "./reply.ts";

export interface NotedCall {
  readonly capability: string;
  readonly output: string | null;
  readonly args: Json;
  /** Its capability is an effect, or it named an output. */
  readonly acts: boolean;
  readonly result: CallResult;
}

interface Note {
  readonly kind: "guard_refused" | "fallback_used";
  readonly data: JsonObject;
}

const bounded = (details: Json): Json =>
  JSON.stringify(details).length <= RUN_LIMITS.noteCharacters ? details : { truncated: true };

export class CallLog {
  readonly calls: NotedCall[] = [];
  readonly #notes: Note[] = [];
  #dropped = 0;

  /** Notes of refusals and safe states so far. */
  get noted(): number {
    return this.#notes.length;
  }

  note(capability: string, args: Json, result: CallResult, acts: boolean): void {
    const named = (args as JsonObject | null)?.output;
    const output = typeof named === "string" ? named : null;
    this.calls.push({ capability, output, args, acts, result });
    if (result.ok) return;
    const { reason, status, code } = result;
    if (output !== null && (status === 412 || result.safeState !== undefined)) {
      this.#add({
        kind: "guard_refused",
        data: { effect: capability, output, code, reason, details: bounded(result.details) },
      });
    }
    if (output !== null && result.safeState !== undefined) this.safeState(output, reason, result.safeState);
  }

  safeState(output: string, reason: string, safeState: Json = null): void {
    this.#add({ kind: "fallback_used", data: { reason, output, safeState } });
  }

  refusedReply(reply: Reply): void {
    this.#add({
      kind: "guard_refused",
      data: { effect: "RESPOND", reason: reply.reason ?? "", details: bounded(reply.details) },
    });
  }

  /** Ledger entries in order of occurrence; a flood is cut and counted. */
  events(runId: string, actor: string): readonly LedgerEvent[] {
    return this.#notes.map(({ kind, data }, index) => ({
      kind,
      actor,
      severity: "warn" as const,
      data:
        index === RUN_LIMITS.notes - 1 && this.#dropped > 0
          ? { ...data, furtherNotShown: this.#dropped }
          : data,
      runId,
    }));
  }

  #add(note: Note): void {
    if (this.#notes.length < RUN_LIMITS.notes) this.#notes.push(note);
    else this.#dropped++;
  }
}
