/**
 * I5: no command is executed twice, and none that its signer, audience, time or rights forbid. Judged from the signed
 * messages that the broker carried, the ledger, the run records and the receipts that came back.
 */
import { fromBase64, fromUtf8 } from "../../../firmware/core/bytes.ts";
import { canonicalize } from "../../../firmware/core/canonical-json.ts";
import { pae } from "../../../firmware/core/dsse.ts";
import { verifyEd25519 } from "../../../firmware/core/ed25519.ts";
import { sha256Hex } from "../../../firmware/core/hash.ts";
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import type { Receipt } from "../../../firmware/fleet/index.ts";
import type { DeviceFacts, StoredEntry } from "./facts.ts";
import { LOCAL_COMMAND, parseObject } from "./facts.ts";
import type { Invariant, InvariantContext, ObservedOperator } from "./invariant.ts";
import { listAt } from "./policy-view.ts";

const COMMAND_TYPE = "application/vnd.imu.command+json";
const LIFETIME_MS = 600_000;
const EMERGENCY_LIFETIME_MS = 3_600_000;
const SKEW_MS = 30_000;
/** Between the judgement of a command and the time stamp of its entry: a commit on a slow disk. */
const COMMIT_MS = 2000;
/** Two signers (trust.md 7.2). */
const TWO_SIGNERS = new Set(["device.wipe", "policy.factory_reset"]);
/** Permission of the signer's subject where it is not the command's own name. */
const PERMISSIONS: Readonly<Record<string, string>> = {
  "program.run": "run.start",
  "status.get": "status.read",
  "ledger.head": "ledger.read",
  "emergency.stop": "outputs.safe",
  "ota.status": "ota.read",
};

/** The scope that a command needs (trust.md 7.2). */
export function scopeOf(name: string): string {
  if (name.startsWith("emergency.") || TWO_SIGNERS.has(name)) return "emergency";
  if (/^(policy|canary|grace)\./.test(name)) return "deploy";
  return /^(consent|permission|homeostasis|subject)\./.test(name) ? "respond" : "command";
}

interface CarriedCommand {
  readonly command: JsonObject;
  readonly payloadHash: string;
  /** Operators whose signature is good. */
  readonly signers: readonly ObservedOperator[];
}

/** Reads a signed command as the broker carried it; null for anything else. */
export function readCarried(
  payload: Uint8Array,
  operators: readonly ObservedOperator[],
): CarriedCommand | null {
  try {
    const envelope = parseObject(payload);
    if (envelope.payloadType !== COMMAND_TYPE) return null;
    const bytes = fromBase64(String(envelope.payload));
    const message = pae(COMMAND_TYPE, bytes);
    const signatures = listAt(envelope, "signatures").filter(isJsonObject);
    const signers = operators.filter(({ key }) =>
      signatures.some(
        ({ keyid, sig }) =>
          keyid === key.keyId && verifyEd25519(key.pair.publicKeyHex, message, fromBase64(String(sig))),
      ),
    );
    return { command: parseObject(bytes), payloadHash: sha256Hex(bytes), signers };
  } catch {
    return null; // An adversary's bytes: whatever does not read as a command cannot be one.
  }
}

const reaches = (audience: unknown, deviceId: string): boolean => {
  if (audience === "*") return true;
  if (!isJsonObject(audience)) return false;
  // Groups are the roster's; the fleets of the simulator that use them name every device.
  return listAt(audience, "devices").includes(deviceId) || listAt(audience, "groups").length > 0;
};

class CommandCheck {
  readonly #context: InvariantContext;
  readonly #facts: DeviceFacts;
  readonly #carried: ReadonlyMap<string, readonly CarriedCommand[]>;

  constructor(
    context: InvariantContext,
    facts: DeviceFacts,
    carried: ReadonlyMap<string, readonly CarriedCommand[]>,
  ) {
    this.#context = context;
    this.#facts = facts;
    this.#carried = carried;
  }

  all(): void {
    const accepted = new Map<string, StoredEntry[]>();
    for (const stored of this.#facts.entries) {
      const { kind, data } = stored.entry.event;
      if (kind !== "command" || data.code !== "accepted") continue;
      const id = String(data.commandId);
      accepted.set(id, [...(accepted.get(id) ?? []), stored]);
    }
    for (const [id, entries] of accepted) {
      if (entries.length > 1)
        this.#say("A command was accepted twice.", {
          commandId: id,
          entries: entries.map(({ index }) => index),
        });
      for (const stored of entries) this.#accepted(id, stored);
    }
    this.#runs(accepted);
    this.#receipts(accepted);
    this.#records(accepted);
  }

  #say(what: string, details: JsonObject): void {
    this.#context.report({ id: "I5", what, actor: this.#facts.device.deviceId, details });
  }

  /** An accepted command was signed, for this device, in time, by somebody who may. */
  #accepted(id: string, { index, entry }: StoredEntry): void {
    const carried = this.#carried.get(id) ?? [];
    const where = { commandId: id, index, op: String(entry.event.data.op) };
    const [first] = carried;
    if (first === undefined) {
      this.#say("A command was accepted that nobody has sent.", where);
      return;
    }
    const problems = carried.map((one) => this.#problemOf(one, entry.event.data, entry.ts));
    if (problems.includes(null)) return;
    this.#say(`A command was accepted ${problems[0] ?? ""}.`, where);
  }

  /** Why this message does not justify the acceptance; null if it does. */
  #problemOf({ command, payloadHash, signers }: CarriedCommand, data: JsonObject, ts: number): string | null {
    const { deviceId } = this.#facts.device;
    const name = String(command.name);
    if (data.requestHash !== payloadHash) return "under the hash of another message";
    const need = TWO_SIGNERS.has(name) ? 2 : 1;
    if (signers.length < need) return "without a good signature of an operator";
    if (command.fleet !== this.#context.fleet) return "that is of another fleet";
    if (!reaches(command.audience, deviceId)) return "that is for another device";
    const scope = scopeOf(name);
    if (signers.filter(({ key }) => key.scopes.some((one) => one === scope)).length < need)
      return "whose signer lacks the scope";
    const permission = PERMISSIONS[name] ?? name;
    const permits = [...this.#facts.policies.values()].some((policy) =>
      signers.every(({ key }) => policy.permits(key.keyId, permission)),
    );
    if (!permits) return "whose signer lacks the permission";
    return command.challenge === undefined ? timeProblem(command, ts) : null;
  }

  /** One command, one run: across lives, duplicates and refusals. */
  #runs(accepted: ReadonlyMap<string, readonly StoredEntry[]>): void {
    const runs = new Map<string, string[]>();
    const note = (trigger: unknown, runId: string): void => {
      const id = isJsonObject(trigger) ? trigger.commandId : undefined;
      if (typeof id === "string" && id !== LOCAL_COMMAND) runs.set(id, [...(runs.get(id) ?? []), runId]);
    };
    for (const { trigger, runId } of this.#facts.runs) note(trigger, runId);
    for (const { entry } of this.#facts.entries) {
      const { kind, data, runId } = entry.event;
      if (kind === "guard_refused" && data.effect === "run" && runId !== undefined) note(data.trigger, runId);
    }
    const isWhole = (this.#facts.entries[0]?.index ?? 0) === 0;
    for (const [commandId, ids] of runs) {
      if (new Set(ids).size > 1) this.#say("A command started more than one run.", { commandId, runs: ids });
      if (!accepted.has(commandId) && isWhole && this.#facts.device.isDiskHonest)
        this.#say("A run names a command that was never accepted.", { commandId, runs: ids });
    }
  }

  /** One final answer per command; refusals of later deliveries stand beside it. */
  #receipts(accepted: ReadonlyMap<string, readonly StoredEntry[]>): void {
    const final = new Map<string, Map<string, Receipt>>();
    const { device, entries } = this.#facts;
    const first = entries[0]?.index ?? 0;
    const known = new Set<string>();
    for (const { receipts } of this.#context.operators) {
      for (const { device: from, receipt } of receipts) {
        if (from !== device.deviceId) continue;
        known.add(receipt.commandId);
        if (receipt.outcome === "refused" && !this.#isResultOf(receipt, accepted)) continue;
        const answers = final.get(receipt.commandId) ?? new Map<string, Receipt>();
        answers.set(canonicalize(receipt), receipt);
        final.set(receipt.commandId, answers);
      }
    }
    for (const [commandId, answers] of final) {
      const outcomes = [...answers.values()].map(({ outcome }) => outcome);
      if (answers.size > 1) this.#say("A command was answered in two ways.", { commandId, outcomes });
      const isPruned = [...answers.values()].some(({ ledger }) => ledger !== null && ledger.seq < first);
      if (!accepted.has(commandId) && !isPruned && device.isDiskHonest)
        this.#say("A command was answered as done and never accepted.", { commandId, outcomes });
    }
  }

  /** A handler may refuse what was accepted: that answer names the entry of the acceptance. */
  #isResultOf(
    { commandId, ledger }: Receipt,
    accepted: ReadonlyMap<string, readonly StoredEntry[]>,
  ): boolean {
    return accepted.get(commandId)?.some(({ index }) => index === ledger?.seq) === true;
  }

  /** What an earlier life had begun has its answer once the next one has started: `interrupted` (trust.md 7.1). */
  #interrupted(accepted: ReadonlyMap<string, readonly StoredEntry[]>): void {
    const { device, commands, entries } = this.#facts;
    const lastBoot = entries.findLast(({ entry }) => entry.event.kind === "boot")?.index ?? 0;
    if (device.lives.at(-1)?.startedUs === null) return;
    for (const [commandId, { state }] of commands) {
      const index = accepted.get(commandId)?.at(0)?.index;
      if (state !== "accepted" || index === undefined || index > lastBoot) continue;
      this.#say("A command that was interrupted has no answer after the next start.", { commandId, index });
    }
  }

  /** The replay records hold what was accepted, until it can no longer come again (trust.md 7.1). */
  #records(accepted: ReadonlyMap<string, readonly StoredEntry[]>): void {
    const { device, commands, entries } = this.#facts;
    const wallMs = this.#facts.timeline.wallAt(this.#context.nowUs);
    if (!device.isDiskHonest) return;
    for (const [commandId, [first]] of accepted) {
      const expiresAt = Number(this.#carried.get(commandId)?.[0]?.command.expiresAt);
      if (wallMs === null || first === undefined || !(wallMs < expiresAt)) continue;
      const row = commands.get(commandId);
      if (row === undefined)
        this.#say("An accepted command that can still come again is not remembered.", {
          commandId,
          index: first.index,
        });
      else if (row.hash !== first.entry.event.data.requestHash)
        this.#say("An accepted command is remembered under another hash.", { commandId, index: first.index });
    }
    this.#interrupted(accepted);
    for (const [commandId, { state }] of commands) {
      if (accepted.has(commandId) || (entries[0]?.index ?? 0) > 0) continue;
      this.#say("A command is remembered that no entry accepts.", { commandId, state: state ?? null });
    }
  }
}

/** Rows 10 and 11 of trust.md 7, by the calendar of the device. */
function timeProblem({ name, issuedAt, expiresAt }: JsonObject, ts: number): string | null {
  const lifetime = Number(expiresAt) - Number(issuedAt);
  const longest = String(name).startsWith("emergency.") ? EMERGENCY_LIFETIME_MS : LIFETIME_MS;
  if (!(lifetime > 0 && lifetime <= longest)) return "that lives too long";
  if (ts - COMMIT_MS > Number(expiresAt)) return "after it had expired";
  return Number(issuedAt) > ts + SKEW_MS ? "before it was issued" : null;
}

/** Commands by id, from every message on the devices' command topics. */
function carriedCommands({ messages, operators, sent, fleet }: InvariantContext, deviceId: string) {
  const topic = `imu/v1/${fleet}/${deviceId}/cmd`;
  const payloads = [
    ...messages.filter((message) => message.topic === topic).map(({ payload }) => payload),
    ...sent.filter(({ device }) => device === deviceId).map(({ message }) => message),
  ];
  const byId = new Map<string, CarriedCommand[]>();
  const seen = new Set<string>();
  for (const payload of payloads) {
    const text = fromUtf8Lenient(payload);
    if (text === null || seen.has(text)) continue;
    seen.add(text);
    const carried = readCarried(payload, operators);
    const id = carried && String(carried.command.id);
    if (carried && id !== null) byId.set(id, [...(byId.get(id) ?? []), carried]);
  }
  return byId;
}

function fromUtf8Lenient(bytes: Uint8Array): string | null {
  try {
    return fromUtf8(bytes);
  } catch {
    return null; // Not text: no command.
  }
}

export const commandInvariant: Invariant = {
  id: "I5",
  check(context) {
    for (const facts of context.facts)
      new CommandCheck(context, facts, carriedCommands(context, facts.device.deviceId)).all();
  },
};
