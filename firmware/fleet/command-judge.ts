/** The checks on a command, in their order (trust.md 7, rows 1 and 4 to 16). Pure: everything it needs is handed in. */
import { type CheckedSignature, countSigners, thresholdRefusal } from "../core/dsse-verify.ts";
import { type Refusal, refusal } from "../core/errors.ts";
import type { KeyRecord, Scope } from "../core/key-record.ts";
import { type KeyState, keyProblem } from "../core/key-use.ts";
import { COMMAND_LIMITS } from "../core/limits.ts";
import { type Command, MAX_COMMAND_BYTES } from "./command-format.ts";

export type CommandKey = KeyState & Pick<KeyRecord, "publicKey" | "scopes" | "audience">;

export interface SeenCommand {
  readonly id: string;
  readonly hash: string;
}

export interface JudgeInput {
  readonly command: Omit<Command, "schema">;
  readonly hash: string;
  readonly sizeBytes: number;
  readonly signatures: readonly CheckedSignature[];
  readonly keys: ReadonlyMap<string, CommandKey>;
  readonly device: {
    readonly id: string;
    readonly fleet: string;
    readonly groups: readonly string[];
    readonly nowMs: number;
    readonly clockTrusted: boolean;
    /** Current challenge of the retained status. */
    readonly challenge: string | null;
    readonly timeFloorMs: number;
  };
  /** Row of the command table, null for a name that is not in it. */
  readonly rule: { readonly scope: Scope; readonly quorum: number } | null;
  readonly seenById: SeenCommand | null;
  /** Id under which this key used the nonce before, null if it did not. */
  readonly seenNonce: (keyId: string, nonce: string) => string | null;
  /** Commands of the key within the last minute, this one included. */
  readonly countLastMinute: (keyId: string) => number;
  readonly argsProblem: () => string | null;
}

export type Judgement =
  | { readonly ok: true; readonly action: "execute" | "stored_receipt"; readonly signers: readonly string[] }
  /** `row`: of trust.md 7. Up to 7 the sender is unknown and gets no details. */
  | (Refusal & { readonly row: number; readonly signers: readonly string[] });

function reaches(audience: readonly string[] | "*", id: string, groups: readonly string[]): boolean {
  return (
    audience === "*" ||
    audience.some((name) => name === id || groups.some((group) => name === `group:${group}`))
  );
}

function commandReaches(command: JudgeInput["command"], device: JudgeInput["device"]): boolean {
  const { audience } = command;
  if (audience === "*") return true;
  return (
    (audience.devices ?? []).includes(device.id) ||
    (audience.groups ?? []).some((group) => device.groups.includes(group))
  );
}

type Row = readonly [row: number, problem: Refusal | null];

function freshness({ command, device }: JudgeInput): Row {
  if (!device.clockTrusted) {
    if (command.challenge === undefined) return [9, refusal("clock_untrusted", 503)];
    const current = device.challenge !== null && command.challenge === device.challenge;
    return [9, current ? null : refusal("challenge_mismatch", 403)];
  }
  const lifetime = command.expiresAt - command.issuedAt;
  const longest = command.name.startsWith("emergency.")
    ? COMMAND_LIMITS.emergencyLifetimeMs
    : COMMAND_LIMITS.lifetimeMs;
  if (lifetime <= 0 || lifetime > longest) {
    return [10, refusal("lifetime_too_long", 422, { lifetimeMs: lifetime, maxMs: longest })];
  }
  if (command.issuedAt > device.nowMs + COMMAND_LIMITS.skewMs) return [11, refusal("not_yet_valid", 412)];
  return [11, device.nowMs > command.expiresAt ? refusal("expired", 412) : null];
}

/** @returns what to do, or the first failed row. */
export function judgeCommand(input: JudgeInput): Judgement {
  const { command, device, keys, rule } = input;
  const need = rule?.quorum ?? 1;
  const signatureTime = device.clockTrusted ? device.nowMs : device.timeFloorMs;
  const count = countSigners(input.signatures, keys, (key) =>
    keyProblem(key, { purpose: "now", now: signatureTime }),
  );
  const signers = count.signers.map(({ keyId }) => keyId);
  const fail = (row: number, problem: Refusal): Judgement => ({ ...problem, row, signers });

  if (input.sizeBytes > MAX_COMMAND_BYTES) return fail(1, refusal("message_too_large", 400));
  if (input.signatures.length === 0) return fail(4, refusal("missing_signature", 403));
  const short = need < 1 ? refusal("quorum_misconfigured", 500) : thresholdRefusal(count, need);
  if (short) return fail(short.code === "unknown_key" ? 5 : short.code.startsWith("key_") ? 6 : 7, short);

  if (command.fleet !== device.fleet) return fail(8, refusal("wrong_fleet", 403));
  const reaching = count.signers.filter(({ key }) => reaches(key.audience, device.id, device.groups));
  if (!commandReaches(command, device) || reaching.length < need) {
    return fail(8, refusal("wrong_audience", 403));
  }
  const [row, stale] = freshness(input);
  if (stale) return fail(row, stale);
  if (input.seenById) {
    if (input.seenById.hash !== input.hash) return fail(12, refusal("replay_conflict", 409));
    return { ok: true, action: "stored_receipt", signers };
  }
  for (const keyId of signers) {
    const other = input.seenNonce(keyId, command.nonce);
    if (other !== null && other !== command.id) return fail(13, refusal("replayed", 409));
  }
  if (!rule) return fail(14, refusal("unknown_command", 404, { name: command.name.slice(0, 64) }));
  const entitled = reaching.filter(({ key }) => key.scopes.includes(rule.scope));
  if (entitled.length < need) {
    const has = [...new Set(reaching.flatMap(({ key }) => key.scopes))].sort();
    return fail(14, refusal("scope_missing", 403, { required: rule.scope, has }));
  }
  if (signers.some((keyId) => input.countLastMinute(keyId) > COMMAND_LIMITS.perMinute)) {
    return fail(15, refusal("rate_limited", 429));
  }
  const problem = input.argsProblem();
  if (problem !== null) return fail(16, refusal("args_invalid", 422, { problem }));
  return { ok: true, action: "execute", signers };
}
