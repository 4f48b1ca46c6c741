/** Turns answers of capability calls into journal entries and meters their bytes (vm.md 7, 11). */
import { canonicalize } from "../../core/canonical-json.ts";
import { CodedError } from "../../core/errors.ts";
import type { CallError, JournalEntry, Limits, Outcome } from "../types.ts";
import type { CallAnswer } from "./machine-types.ts";
import type { MachineRequest } from "./run.ts";

/** Effects that were carried out or may have been; every other refusal left the world as it was. */
const FAILED_EFFECT: ReadonlySet<string> = new Set([
  "io_error",
  "io_timeout",
  "io_aborted",
  "effect_unknown",
  "result_invalid",
  "result_too_large",
  "io_read_bytes_exceeded",
  "io_write_bytes_exceeded",
  "net_out_bytes_exceeded",
]);

const INTERNAL: CallError = { code: "vm_internal", reason: "vm_internal", status: 500, details: {} };

const INVALID: CallError = { code: "result_invalid", reason: "result_invalid", status: 500, details: {} };

/** The journal is hashed, so what enters it must have a canonical form. */
function isRecordable(answer: CallAnswer): boolean {
  try {
    canonicalize(answer.ok ? answer.result : answer.error);
    return true;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return false;
  }
}

export type CallEntry = JournalEntry & { readonly t: "call" };

export class CallAnswers {
  private readonly limits: Limits;
  /** In journal order; refused and failed effects stay in the outcome. */
  readonly effects: Outcome["effects"][number][] = [];
  refusals = 0;
  readBytes = 0;
  writtenBytes = 0;
  netBytes = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** The entry of a call that is answered before `turn`. */
  enter(request: MachineRequest & { kind: "call" }, answer: CallAnswer, turn: number): CallEntry {
    const { task, capability, args } = request;
    const evidence = [...answer.evidence];
    const error = isRecordable(answer) ? (answer.ok ? this.overBudget(answer) : answer.error) : INVALID;
    if (answer.ok && error === null) {
      this.effect(request, "ok");
      return { t: "call", turn, task, capability, args, ok: true, result: answer.result, evidence };
    }
    const { code, reason, status, details } = error ?? INTERNAL;
    this.refusals++;
    this.effect(request, FAILED_EFFECT.has(code) || FAILED_EFFECT.has(reason) ? "failed" : "refused");
    return {
      t: "call",
      turn,
      task,
      capability,
      args,
      ok: false,
      error: { code, reason, status, details },
      evidence,
    };
  }

  private effect(request: MachineRequest & { kind: "call" }, outcome: "ok" | "refused" | "failed"): void {
    if (request.class !== "effect") return;
    this.effects.push({ capability: request.capability, args: request.args, outcome });
  }

  /** Bytes are counted outside the program, so going over a limit is an answer and stands in the journal. */
  private overBudget(answer: CallAnswer & { ok: true }): CallError | null {
    const { ioReadBytes, ioWriteBytes, netOutBytes } = this.limits;
    const { readBytes = 0, writtenBytes = 0, netBytes = 0 } = answer;
    const rows = [
      ["io_read_bytes_exceeded", ioReadBytes, this.readBytes, readBytes],
      ["io_write_bytes_exceeded", ioWriteBytes, this.writtenBytes, writtenBytes],
      ["net_out_bytes_exceeded", netOutBytes, this.netBytes, netBytes],
    ] as const;
    for (const [reason, limit, used, needed] of rows) {
      if (used + needed <= limit) continue;
      return { code: "quota_exceeded", reason, status: 429, details: { limit, used, needed } };
    }
    this.readBytes += readBytes;
    this.writtenBytes += writtenBytes;
    this.netBytes += netBytes;
    return null;
  }
}
