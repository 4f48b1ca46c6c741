/** What only a running daemon can answer on its control socket: its state of this moment, and what changes it. */

import { createRunContext } from "../capabilities/index.ts";
import { fromBase64 } from "../core/bytes.ts";
import { CodedError, type Refusal } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import { RunEvidence } from "../evidence/index.ts";
import { newRunId, subjectIn, subjectOf } from "../runs/index.ts";
import { effectiveLimits } from "../vm/index.ts";
import { type DeviceParts, driveAllSafe, SHARED_DOCUMENT } from "./device-parts.ts";
import { recordExport } from "./fingerprints.ts";
import { isHeld, releaseHold } from "./rescue/rescue.ts";
import type { StateMethod } from "./state-methods.ts";
import { countParam } from "./state-params.ts";
import { runSummary, statusSummary } from "./summaries.ts";
import { recordRefusal, updateStatus } from "./updates.ts";

function text(params: JsonObject, name: string): string {
  const value = params[name];
  if (typeof value === "string" && value.length > 0) return value;
  throw new CodedError("args_invalid", `"${name}" is missing.`, { status: 422, details: { name } });
}

function shared(parts: DeviceParts) {
  if (parts.fleet.sync) return parts.fleet.sync;
  throw new CodedError("not_found", "This device shares nothing: its configuration names no rosterFile.", {
    status: 404,
  });
}

const plainJson = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

/** A refusal as the socket carries it. */
const refused = ({ code, status, details }: Refusal): CodedError =>
  new CodedError(code, `Refused: ${code}.`, { status, details });

/** What a capability call of a program would meet, without a trace (capabilities.md 5). */
async function plan(parts: DeviceParts, params: JsonObject): Promise<Json> {
  const { runs, state, capabilities } = parts;
  const name = text(params, "program");
  const program = runs.set.programs.get(name);
  const rights = subjectIn(runs.set.policy, subjectOf(name));
  if (!program || !rights)
    throw new CodedError("unknown_program", `There is no program ${name}.`, { status: 404 });
  const limits = effectiveLimits({
    tier: rights.tier,
    policy: runs.set.policy.limits,
    document: program.document.limits,
  });
  const runId = newRunId(state.clock, state.entropy);
  const subject = subjectOf(name);
  const { policy, sources } = runs.set;
  const evidence = new RunEvidence({
    runId,
    subject,
    deviceId: state.identity.deviceId,
    policyHash: policy.policyHash,
    clock: state.clock,
    sources,
    sealer: state.identity.seal,
    maxPerRun: 16,
  });
  const ctx = createRunContext({
    runId,
    subject,
    tier: rights.tier,
    program: { name, outputs: program.document.outputs ?? [], capabilities: program.verified.capabilities },
    policy,
    limits,
    evidence,
    countCall: () => true,
  });
  const planned = await capabilities.gate().plan(ctx, text(params, "capability"), params.args ?? {});
  return plainJson(planned);
}

/** An operator's order: more than retention would take, and, with `unwitnessed`, what no witness has signed. */
async function prune({ care }: DeviceParts, { maxDays, maxBytes, unwitnessed }: JsonObject): Promise<Json> {
  if (care === null) throw new CodedError("not_found", "The daemon has not started yet.", { status: 404 });
  const count = (name: string, value: Json | undefined): number | undefined => {
    if (value === undefined || (typeof value === "number" && Number.isSafeInteger(value) && value >= 0))
      return value;
    throw new CodedError("args_invalid", `"${name}" is not a count.`, { status: 422, details: { name } });
  };
  const days = count("maxDays", maxDays);
  const bytes = count("maxBytes", maxBytes);
  const round = await care.housekeeping.round({
    ...(days === undefined ? {} : { maxDays: days }),
    ...(bytes === undefined ? {} : { maxBytes: bytes }),
    ...(unwitnessed === true ? { quorum: 0 } : {}),
  });
  await care.guard.look();
  return plainJson(round);
}

/** Somebody has looked at a rescued database: programs run again from the next start on. */
async function acceptRescue({ state }: DeviceParts): Promise<Json> {
  if (!(await isHeld(state.store)))
    throw new CodedError("not_found", "No rescue keeps programs from running.", { status: 404 });
  const event = { kind: "safe_mode_exit", actor: "operator:local", severity: "warn" } as const;
  await state.ledger.commit(
    { events: [{ ...event, data: { reason: "rescue_accepted" } }], ops: [releaseHold()] },
    { urgent: true },
  );
  return { accepted: true, restart: true };
}

/** Live methods by name; the reading methods of `state-methods.ts` stand beside them. */
export function liveMethods(parts: DeviceParts): Readonly<Record<string, StateMethod>> {
  return {
    status: async () => statusSummary(parts),
    "run.start": async (params) => {
      const payload = isJsonObject(params.payload) ? params.payload : {};
      const trigger = { kind: "command", commandId: "local", name: "run.start" };
      return runSummary(await parts.runs.start({ program: text(params, "program"), trigger, payload }));
    },
    "ledger.checkpoint": async () => ({ note: await parts.state.ledger.checkpoint() }),
    "export.done": async (params) => {
      const [from, to] = [
        countParam(params, "from", LEDGER_LIMITS.index),
        countParam(params, "to", LEDGER_LIMITS.index),
      ];
      const size = countParam(params, "size", Number.MAX_SAFE_INTEGER);
      const sha256 = text(params, "sha256");
      await recordExport(parts, { from, to, sha256, size });
      return { recorded: true };
    },
    "ledger.prune": (params) => prune(parts, params),
    "rescue.accept": () => acceptRescue(parts),
    "outputs.safe": async () => (await driveAllSafe(parts, "operator")).map((record) => ({ ...record })),
    "shared.list": async () => Object.fromEntries(shared(parts).entries(SHARED_DOCUMENT)),
    "shared.get": async (params) => {
      const entry = shared(parts).entry(SHARED_DOCUMENT, text(params, "key"));
      if (!entry)
        throw new CodedError("not_found", `Nothing is shared under "${text(params, "key")}".`, {
          status: 404,
        });
      return { value: entry.value, writer: entry.replica };
    },
    "shared.put": async (params) => {
      await shared(parts).put(SHARED_DOCUMENT, text(params, "key"), params.value ?? null);
      return { stored: true };
    },
    plan: (params) => plan(parts, params),
    "ota.status": () => updateStatus(parts),
    "ota.history": async () => plainJson(await parts.updates.history()),
    "ota.explain": async (params) => plainJson(await parts.updates.explain(text(params, "runId"))),
    "ota.stage": async (params) => {
      const answer = await parts.updates.stage(
        fromBase64(text(params, "statement")),
        fromBase64(text(params, "bundle")),
      );
      if (!answer.ok) {
        await recordRefusal(parts, answer.code, answer.details);
        throw refused(answer);
      }
      return { runId: answer.runId };
    },
    "ota.abort": async () => {
      const answer = await parts.updates.abort();
      if (!answer.ok) throw refused(answer);
      return { state: answer.state };
    },
    "ota.retry": async (params) => {
      await parts.updates.retry(text(params, "hash"));
      return { retry: true };
    },
    "ota.rollback": async (params) => {
      const wish = typeof params.target === "string" ? params.target : "auto";
      const answer = await parts.updates.rollback(wish, "operator");
      if (!answer.ok) throw refused(answer);
      return { to: answer.to };
    },
  };
}
