/** Functions, endings, waiting and tasks (vm.md 4, 5, 9). */
import { canonicalSize } from "../../core/canonical-size.ts";
import { isJsonObject, type Json } from "../../core/json.ts";
import { roundHalfEven } from "../../core/round.ts";
import { type Run, TASK_BYTES, type Task, type TaskResult } from "../machine/run.ts";
import { quotaError, Trap, vmError } from "../machine/trap.ts";
import type { ProgramClaim } from "../types.ts";
import { copyValue, fromJson, tally, toJson } from "../values/json-values.ts";
import { memberBytes, TaskHandle, type Value, type VmObject } from "../values/values.ts";
import { STRIDE, type Step } from "../verifier/lowered-program.ts";
import { claimMaker, putClaim } from "./claims.ts";
import { evaluate, evaluateJson } from "./evaluate.ts";
import { needNumber } from "./number.ts";
import { NULL_OPERAND, needed, type StepMaker } from "./step-builder.ts";

function end(task: Task, result: TaskResult): void {
  task.state = "ended";
  task.result = result;
}

function respond(run: Run, task: Task, status: number, body: Json): void {
  const size = canonicalSize(body);
  run.work(size);
  run.output(size);
  end(task, { kind: "responded", status, body });
}

/** The end of main code is RESPOND 200 {}; the end of a body gives null. */
const endOfUnit: Step = (run, task) => {
  if (task.parent === null) respond(run, task, 200, {});
  else end(task, { kind: "halted", value: null });
};

/** Leaves a function: the result goes on the caller's stack, or ends the task the function was started as. */
function leave(run: Run, task: Task, value: Value): void {
  const caller = task.saved.pop();
  if (caller === undefined) {
    end(task, { kind: "halted", value });
    return;
  }
  run.free(task.frame.bytes);
  task.frame = caller.frame;
  task.fp = caller.fp;
  task.floor = caller.floor;
  task.sp = caller.sp;
  task.next = caller.pc + STRIDE;
  task.push(value);
}

const callFunction: StepMaker = ({ bindings, callee }) => {
  const frame = needed(callee);
  return (run, task) => {
    const values = bindings.map((binding) => evaluate(run, task, binding.value));
    const depth = task.saved.length + 1;
    const limit = run.limits.callDepth;
    if (depth >= limit) throw quotaError("call_depth_exceeded", limit, depth, 1);
    run.allocate(frame.bytes);
    task.saved.push({ pc: task.pc, sp: task.sp, fp: task.fp, floor: task.floor, frame: task.frame });
    task.enter(frame, task.sp);
    task.next = frame.entry;
    for (const [i, { slot }] of bindings.entries()) task.register(slot, values[i] as Value);
  };
};

const returnStep: StepMaker = ({ operand }) => {
  const value = operand("value");
  return (run, task) => {
    if (value !== null) return leave(run, task, evaluate(run, task, value));
    leave(run, task, task.sp > task.floor ? task.pop() : null);
  };
};

const fail: StepMaker = ({ instr, operand }) => {
  const operandOfDetails = operand("details");
  const reason = String(instr.reason);
  return (run, task) => {
    const details = operandOfDetails === null ? {} : toJson(evaluate(run, task, operandOfDetails));
    if (!isJsonObject(details)) throw vmError("type_mismatch");
    throw new Trap("program_error", reason, 422, details, true);
  };
};

const respondMaker: StepMaker = ({ instr, operand }) => {
  const body = operand("body");
  const status = typeof instr.status === "number" ? instr.status : 200;
  return (run, task) => respond(run, task, status, body === null ? {} : evaluateJson(run, task, body));
};

const sleep: StepMaker = ({ operand }) => {
  const duration = operand("ms") ?? NULL_OPERAND;
  return (run, task) => {
    const ms = Math.max(0, roundHalfEven(needNumber(evaluate(run, task, duration))));
    const { sleepMs, sleepTotalMs } = run.limits;
    if (ms > sleepMs) throw quotaError("sleep_too_long", sleepMs, 0, ms);
    if (run.sleptMs + ms > sleepTotalMs)
      throw quotaError("sleep_total_exceeded", sleepTotalMs, run.sleptMs, ms);
    run.sleptMs += ms;
    task.waiting = { kind: "sleep", id: run.requestId(), task: task.id, ms };
    run.requests.push(task.waiting);
    task.state = "blocked";
  };
};

const spawn: StepMaker = ({ bindings, callee, as }) => {
  const frame = needed(callee);
  return (run, task) => {
    const copied = tally(run);
    const values = bindings.map((b) => copyValue(evaluate(run, task, b.value), copied));
    run.work(copied.bytes);
    // A task above the limit is refused before any memory is charged.
    const child = run.spawn(task, frame);
    run.allocate(copied.bytes + TASK_BYTES + frame.bytes);
    for (const [i, binding] of bindings.entries()) child.register(binding.slot, values[i] as Value);
    task.register(as, new TaskHandle(child.id));
  };
};

const NO_CLAIMS = { code: "no_claims_no_response", reason: "no_claims_no_response" };

function joinedJson(
  target: Task,
  result: TaskResult,
): { readonly head: Json; readonly inner: Json | undefined } {
  if (result.kind === "failed") {
    const { code, reason, status } = result.error;
    return { head: { ok: false, status, error: { code, reason } }, inner: undefined };
  }
  if (result.kind === "halted") return { head: { ok: true }, inner: toJson(result.value) };
  if (target.claims === null) return { head: { ok: false, status: 412, error: NO_CLAIMS }, inner: undefined };
  return { head: { ok: true, status: result.status }, inner: result.body };
}

/** Pushes the result of a finished task; its claims are taken over at the first JOIN (vm.md 9.2). */
export function pushJoined(run: Run, task: Task, target: Task): void {
  const result = target.result;
  if (result === null) throw vmError("join_timeout");
  const { head, inner } = joinedJson(target, result);
  const copied = tally(run);
  const value = inner === undefined ? null : fromJson(inner, copied);
  run.work(copied.bytes);
  const object = fromJson(head, copied) as VmObject;
  if (inner !== undefined) {
    const key = result.kind === "responded" ? "body" : "value";
    copied.bytes += memberBytes(key);
    object.set(key, value);
  }
  run.allocate(copied.bytes);
  if (result.kind === "responded" && !target.claimsTaken) {
    target.claimsTaken = true;
    for (const claim of target.claims?.values() ?? []) {
      putClaim(run, task, { ...claim, id: `t${target.id}/${claim.id}` }, false);
    }
  }
  task.push(object);
}

/** The result of a JOIN whose time ran out. */
export function pushJoinTimeout(run: Run, task: Task): void {
  const into = tally(run);
  const value = fromJson({ ok: false, error: { code: "vm_error", reason: "join_timeout" } }, into);
  run.allocate(into.bytes);
  task.push(value);
}

const join: StepMaker = ({ operand }) => {
  const handle = operand("task") ?? NULL_OPERAND;
  const seconds = operand("timeout_s");
  const millis = operand("timeout_ms");
  return (run, task) => {
    const value = evaluate(run, task, handle);
    const limit = seconds ?? millis;
    const raw = limit === null ? null : needNumber(evaluate(run, task, limit));
    if (!(value instanceof TaskHandle)) throw vmError("type_mismatch");
    const target = run.tasks[value.task];
    if (target === undefined) throw vmError("type_mismatch");
    if (target.state === "ended") return pushJoined(run, task, target);
    task.joining = target;
    target.joiners ??= [];
    target.joiners.push(task);
    task.state = "blocked";
    if (raw === null) return;
    const ms = Math.max(0, roundHalfEven(seconds === null ? raw : raw * 1000));
    task.waiting = { kind: "join_timeout", id: run.requestId(), task: task.id, ms };
    run.requests.push(task.waiting);
  };
};

const NOTHING_CLAIMED: readonly ProgramClaim[] = [];

const callCapability: StepMaker = ({ call }) => {
  const { signature, keys, items } = needed(call);
  return (run, task) => {
    const values = items.map((item) => toJson(evaluate(run, task, item)));
    const given = keys === null ? values : Object.fromEntries(keys.map((key, i) => [key, values[i] as Json]));
    run.work(canonicalSize(given));
    const limit = run.limits.ioCalls;
    if (run.ioCalls >= limit) throw quotaError("io_calls_exceeded", limit, run.ioCalls, 1);
    run.ioCalls++;
    const args = signature.normalise(given);
    if (signature.class === "effect") run.output(canonicalSize(args));
    const capability = signature.id;
    task.waiting = {
      kind: "call",
      id: run.requestId(),
      task: task.id,
      capability,
      class: signature.class,
      args,
      claims: task.claims === null ? NOTHING_CLAIMED : [...task.claims.values()],
    };
    run.requests.push(task.waiting);
    task.state = "blocked";
  };
};

export const controlSteps: Readonly<Record<string, Step>> = {
  END: endOfUnit,
  ENDFUNC: (run, task) => leave(run, task, null),
  HALT: (_run, task) => end(task, { kind: "halted", value: null }),
  ELAPSED: (run, task) => task.push(run.elapsedMs(task.id)),
};

export const controlMakers: Readonly<Record<string, StepMaker>> = {
  CALLF: callFunction,
  RET: returnStep,
  FAIL: fail,
  RESPOND: respondMaker,
  SLEEP_MS: sleep,
  SPAWN: spawn,
  JOIN: join,
  CALL: callCapability,
  CAP: callCapability,
  EVIDENCE: claimMaker,
  CLAIM: claimMaker,
};
