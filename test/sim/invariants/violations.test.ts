import { beforeAll, describe, expect, it } from "vitest";
import { toHex, utf8 } from "../../../firmware/core/bytes.ts";
import { decodeCbor, encodeCbor } from "../../../firmware/core/cbor.ts";
import type { JsonObject } from "../../../firmware/core/json.ts";
import type { LedgerEntry } from "../../../firmware/ledger/types.ts";
import { put } from "../../../firmware/ports/store.ts";
import {
  ALL_INVARIANTS,
  checkInvariants,
  type LineMove,
  type ObservedDevice,
} from "../../../sim/harness/invariants/index.ts";
import type { InvariantId, Violation } from "../../../sim/harness/violations.ts";
import { changed, type ObservedHouse, observedHouse, tampered } from "./observed-house.ts";
import * as t from "./tampering.ts";

const FAN = 17;
const PUMP = 27;

interface Case {
  readonly id: InvariantId;
  /** The fault that would have left this. */
  readonly fault: string;
  readonly finds: RegExp;
  readonly change: (house: ObservedHouse) => Promise<t.Change> | t.Change;
}

const fault = (id: InvariantId, name: string, finds: RegExp, change: Case["change"]): Case => ({
  id,
  fault: name,
  finds,
  change,
});

const lineOf = (output: string): number => (output === "fan" ? FAN : PUMP);
const startOf = (device: ObservedDevice, life = 0): number => device.lives[life]?.startedUs ?? 0;
const byTime = (moves: readonly LineMove[]): LineMove[] => [...moves].sort((a, b) => a.atUs - b.atUs);

/** The line is at 1 in a span, whatever it really did there. */
function heldAt1(
  device: ObservedDevice,
  line: number,
  fromUs: number,
  toUs: number,
): Partial<ObservedDevice> {
  const boot = device.lives.findLast((life) => life.fromUs <= fromUs)?.number ?? 0;
  const rest = device.moves.filter((move) => move.line !== line || move.atUs < fromUs || move.atUs > toUs);
  const held: LineMove[] = [
    { atUs: fromUs, line, level: 1, boot },
    { atUs: toUs, line, level: 0, boot },
  ];
  return { moves: byTime([...rest, ...held]) };
}

/** True µs of the first record of a kind about an output. */
async function timeOf(device: ObservedDevice, kind: string, output: string): Promise<number> {
  const facts = await t.facts(device);
  for (const { runId } of facts.runs) {
    for (const { body } of await facts.evidenceOf(runId)) {
      if (body.kind !== kind || (body.payload as JsonObject).output !== output) continue;
      return facts.timeline.ofMono(body.bootId, body.monoMs) ?? 0;
    }
  }
  throw new Error(`No ${kind} of ${output}.`);
}

const effects: readonly Case[] = [
  fault("I1", "the guard was not asked", /no run had its guard's consent/, async (house) => {
    const { runId } = await t.runWithEffect(house.first, "pump");
    const isOf = (body: { readonly kind: string; readonly runId: string | null }): boolean =>
      body.kind === "guard_decision" && body.runId === runId;
    return t.withRows(house, house.first, {
      ev: t.editEvidence((body) => (isOf(body) ? { kind: "phi_decision" } : undefined)),
    });
  }),
  fault("I1", "evidence of another run", /no valid evidence|required kind/, async (house) => {
    const { runId } = await t.runWithEffect(house.first, "pump");
    return t.withRows(house, house.first, {
      ev: t.editEvidence((body) =>
        body.runId === runId && body.kind === "sensor_reading" ? { runId: "r-other" } : undefined,
      ),
    });
  }),
  fault("I1", "the guard named evidence of another run", /not of its own run/, async (house) => {
    const { runId } = await t.runWithEffect(house.first, "pump");
    return t.withRows(house, house.first, {
      ev: t.editEvidence((body) =>
        body.runId === runId && body.kind === "guard_decision"
          ? { payload: { ...(body.payload as JsonObject), valid: ["ab".repeat(32)] } }
          : undefined,
      ),
    });
  }),
  fault("I1", "evidence that was too old", /no valid evidence|required kind/, async (house) => {
    const { runId } = await t.runWithEffect(house.first, "pump");
    return t.reissued(house, house.first, (body) =>
      body.runId === runId && body.kind === "sensor_reading" ? { monoMs: body.monoMs - 5002 } : undefined,
    );
  }),
  fault("I1", "a kind that does not count", /no valid evidence|required kind/, async (house) => {
    const { runId } = await t.runWithEffect(house.first, "pump");
    return t.reissued(house, house.first, (body) =>
      body.runId === runId && body.kind === "sensor_reading" ? { kind: "sensor_error" } : undefined,
    );
  }),
  fault("I1", "trust below what is demanded", /no valid evidence|required kind/, async (house) => {
    const { runId } = await t.runWithEffect(house.first, "pump");
    return t.reissued(house, house.first, (body) =>
      body.runId === runId && body.kind === "sensor_reading" ? { trust: 0.69 } : undefined,
    );
  }),
  fault("I1", "readings that nobody made", /no valid evidence|required kind/, (house) =>
    t.withDeviceChange(house, house.first, { reads: [] }),
  ),
  fault("I1", "a line moved by nobody", /no run had its guard's consent/, (house) => {
    const atUs = startOf(house.first) + 1_234_567;
    return t.withDeviceChange(house, house.first, {
      moves: byTime([...house.first.moves, { atUs, line: FAN, level: 1, boot: 1 }]),
    });
  }),
  fault("I1", "a line that is no output", /no policy names/, (house) =>
    t.withDeviceChange(house, house.first, {
      moves: [...house.first.moves, { atUs: startOf(house.first) + 1, line: 5, level: 1, boot: 1 }],
    }),
  ),
  fault("I1", "a program drove an output it does not list", /does not list|guard's consent/, (house) =>
    t.withRows(house, house.first, {
      progdoc: (_key, row) => {
        const document = JSON.parse(new TextDecoder().decode(row)) as JsonObject;
        return t.json({ ...document, outputs: [] });
      },
    }),
  ),
  fault("I1", "a publication of no run", /no settled run published/, (house) => {
    const { observations, first } = house;
    const topic = `imu/v1/village/${first.deviceId}/telemetry/air`;
    const message = { atUs: 1, from: first.name, topic, payload: t.json({ made: "up" }), retain: false };
    return { messages: [...observations.messages, message] };
  }),
];

const ledger: readonly Case[] = [
  fault("I2", "an entry was edited", /chain of the ledger is broken/, (house) =>
    t.withRows(house, house.first, {
      lg: t.editEntries(({ event }) =>
        event.kind === "boot" ? { data: { ...event.data, version: "x" } } : undefined,
      ),
    }),
  ),
  fault("I2", "an entry is missing", /chain of the ledger is broken/, (house) =>
    t.withRows(house, house.first, { lg: (key, row) => (Number(key) === 7 ? null : row) }),
  ),
  fault("I2", "a sequence number was used again", /chain of the ledger is broken/, async (house) => {
    const { entries } = await t.facts(house.first);
    const row = t.entryRow(entries[3]?.entry);
    return t.withRows(house, house.first, { lg: (key, old) => (Number(key) === 4 ? row : old) });
  }),
  fault("I2", "prev_hash of the entry before the last", /chain of the ledger is broken/, (house) =>
    t.withRows(house, house.first, {
      lg: (key, row) => {
        if (Number(key) !== 9) return row;
        const { entry } = decodeCbor(row) as { readonly entry: Uint8Array };
        const parsed = JSON.parse(new TextDecoder().decode(entry)) as LedgerEntry;
        return t.entryRow({ ...parsed, prev_hash: "0".repeat(64) });
      },
    }),
  ),
  fault("I2", "a hash of the tree is another one", /chain of the ledger is broken/, (house) =>
    t.withRows(house, house.first, {
      // The last byte is one of the hashes beside the entry.
      lg: (key, row) => (Number(key) === 3 ? row.map((b, i) => (i === row.length - 1 ? b ^ 1 : b)) : row),
    }),
  ),
  fault("I2", "the last entries are gone", /shorter than what the device told/, async (house) => {
    const { entries } = await t.facts(house.first);
    const kept = entries.length / 8;
    return t.withRows(house, house.first, { lg: (key, row) => (Number(key) < kept ? row : null) });
  }),
  fault("I2", "the head went back", /head is not the end/, (house) =>
    t.withRows(house, house.first, {
      lghead: (_key, row) => {
        const head = decodeCbor(row) as JsonObject;
        return encodeCbor({ ...head, size: Number(head.size) - 1 });
      },
    }),
  ),
  fault("I2", "the head is sealed with another key", /sealed with another key/, (house) =>
    t.withDeviceChange(house, house.first, { headKey: new Uint8Array(32) }),
  ),
  fault("I2", "a checkpoint of entries that do not exist", /do not exist/, async (house) => {
    const { entries } = await t.facts(house.first);
    return t.withRows(house, house.first, {
      lg: (key, row) => (Number(key) < entries.length / 8 ? row : null),
    });
  }),
  fault("I2", "a checkpoint that the device did not sign", /not a note signed/, (house) =>
    t.withRows(house, house.first, {
      lgcp: (_key, row) => {
        const copy = row.slice();
        copy[copy.length - 9] = copy[copy.length - 9] === 65 ? 66 : 65;
        return copy;
      },
    }),
  ),
  fault("I2", "an effect `before` without intent", /no intent/, (house) =>
    t.withRows(house, house.first, {
      lg: t.editEntries(({ event }) =>
        event.kind === "effect_intent" ? { data: { ...event.data, output: "fan" } } : undefined,
      ),
    }),
  ),
  fault("I2", "an intent without outcome", /without an outcome/, (house) =>
    t.withRows(house, house.first, {
      lg: t.editEntries(({ event }) => (event.kind === "effect_done" ? { kind: "alert" } : undefined)),
    }),
  ),
  fault("I2", "a life without its boot entry", /no `boot` entry/, (house) =>
    t.withRows(house, house.first, {
      lg: t.editEntries(({ event }) => (event.kind === "boot" ? { kind: "alert" } : undefined)),
    }),
  ),
];

const replays: readonly Case[] = [
  fault("I3", "steps were not charged", /does not come out the same/, (house) =>
    t.withRows(house, house.first, {
      run: t.editRuns(({ metrics }) => ({ metrics: { ...metrics, cpuSteps: metrics.cpuSteps - 1 } })),
    }),
  ),
  fault("I3", "bytes were not charged", /does not come out the same/, (house) =>
    t.withRows(house, house.first, {
      run: t.editRuns(({ metrics }) => ({ metrics: { ...metrics, memBytes: metrics.memBytes + 8 } })),
    }),
  ),
  fault("I3", "another result was recorded", /does not come out the same/, (house) =>
    t.withRows(house, house.first, { run: t.editRuns(() => ({ outputHash: "0".repeat(64) })) }),
  ),
];

const safeStates: readonly Case[] = [
  fault("I4", "outputs were not driven at the start", /before an output had been driven safe/, (house) =>
    t.withDeviceChange(house, house.first, {
      moves: house.first.moves.filter(({ atUs }) => atUs > startOf(house.first)),
    }),
  ),
  fault("I4", "nor after the power cut", /before an output had been driven safe/, (house) => {
    const { first } = house;
    const fromUs = first.lives[1]?.fromUs ?? 0;
    return t.withDeviceChange(house, first, {
      moves: first.moves.filter(({ atUs }) => atUs < fromUs || atUs > startOf(first, 1)),
    });
  }),
  fault("I4", "the safe value was driven wrong", /before the board was locked/, (house) =>
    t.withDeviceChange(house, house.first, {
      moves: house.first.moves.map((move) =>
        move.atUs <= startOf(house.first) && move.level !== null ? { ...move, level: 1 } : move,
      ),
    }),
  ),
  fault("I4", "an output was on when the daemon ended", /not safe when the daemon ended/, (house) => {
    const { second } = house;
    const endUs = second.lives.at(-1)?.untilUs ?? 0;
    const boot = second.lives.at(-1)?.number ?? 0;
    const rest = second.moves.filter(({ line, atUs }) => line !== FAN || atUs < endUs - 1_000_000);
    return t.withDeviceChange(house, second, {
      moves: byTime([...rest, { atUs: endUs - 1, line: FAN, level: 1, boot }]),
    });
  }),
  fault("I4", "an output stayed on after a refusal", /after a refused effect/, async (house) => {
    const atUs = await timeOf(house.second, "fallback_used", "pump");
    return t.withDeviceChange(
      house,
      house.second,
      heldAt1(house.second, PUMP, atUs - 100_000, atUs + 900_000),
    );
  }),
  fault("I4", "a command to be safe left one on", /one was not/, async (house) => {
    const { observations, second } = house;
    const sent = observations.sent.find(({ name }) => name === "outputs.safe");
    const receipt = observations.operators[0]?.receipts.find(
      ({ receipt: { commandId } }) => commandId === sent?.id,
    );
    const facts = await t.facts(second);
    const life = second.lives[0];
    const atUs = life && receipt ? (facts.timeline.ofWall(life, receipt.receipt.at) ?? 0) : 0;
    return t.withDeviceChange(
      house,
      second,
      heldAt1(second, lineOf("fan"), atUs - 2_000_000, atUs + 2_000_000),
    );
  }),
  fault("I4", "a failed run names no safe states", /does not name an output/, (house) =>
    t.withRows(house, house.first, {
      run: t.editRuns(({ program }) =>
        program.name === "irrigation" ? { state: "failed", safeStates: [] } : undefined,
      ),
    }),
  ),
];

const commands: readonly Case[] = [
  fault("I5", "a command was accepted twice", /accepted twice/, async (house) => {
    const { entries } = await t.facts(house.first);
    const accepted = entries.find(({ entry: { event } }) => event.data.code === "accepted");
    return t.withRows(house, house.first, {
      lg: (key, row) => (Number(key) === 5 ? t.entryRow(accepted?.entry) : row),
    });
  }),
  fault("I5", "a command ran twice", /more than one run/, (house) =>
    t.withRows(house, house.first, {
      run: (key, row) => {
        const run = decodeCbor(row) as JsonObject;
        const isCommanded = typeof (run.trigger as JsonObject).commandId === "string";
        const again: readonly [string, Uint8Array] = [`${key}x`, encodeCbor({ ...run, runId: `${key}x` })];
        return isCommanded ? [[key, row], again] : row;
      },
    }),
  ),
  fault("I5", "a command was answered in two ways", /two ways/, (house) => ({
    operators: house.observations.operators.map(({ key, receipts }) => ({
      key,
      receipts: receipts.flatMap((one) =>
        one.receipt.outcome === "done"
          ? [one, { ...one, receipt: { ...one.receipt, at: one.receipt.at + 1 } }]
          : [one],
      ),
    })),
  })),
  fault("I5", "a forged command was accepted", /without a good signature/, (house) =>
    t.otherCommand(house, {}, "stranger"),
  ),
  fault("I5", "a command for another device", /for another device/, (house) =>
    t.otherCommand(house, { audience: { devices: ["imu-0000000000000000"] } }),
  ),
  fault("I5", "a command of another fleet", /of another fleet/, (house) =>
    t.otherCommand(house, { fleet: "town" }),
  ),
  fault("I5", "an expired command", /after it had expired/, (house) =>
    t.otherCommand(house, { issuedAt: 1_699_999_990_000, expiresAt: 1_700_000_001_000 }),
  ),
  fault("I5", "a command from the future", /before it was issued/, (house) =>
    t.otherCommand(house, { issuedAt: 1_700_000_900_000, expiresAt: 1_700_000_910_000 }),
  ),
  fault("I5", "a command that lives too long", /lives too long/, (house) =>
    t.otherCommand(house, { issuedAt: 1_700_000_000_000, expiresAt: 1_700_000_600_001 }),
  ),
  fault("I5", "a signer without the scope", /lacks the scope/, (house) =>
    t.otherCommand(house, { name: "policy.stage" }),
  ),
  fault("I5", "a signer without the permission", /lacks the permission/, async (house) => {
    const subjects = Object.entries(house.first.policy.subjects as JsonObject).map(([id, value]) => [
      id,
      id.startsWith("operator:") ? { ...(value as JsonObject), roles: ["viewer"] } : value,
    ]);
    const policy = { ...house.first.policy, subjects: Object.fromEntries(subjects) };
    // Without the stored releases this is the only policy.
    return t.withDevice(house, changed(await tampered(house.first, { policy: () => null }), { policy }));
  }),
  fault("I5", "an accepted command was forgotten", /is not remembered/, (house) =>
    t.withRows(house, house.first, { commands: () => null }),
  ),
];

const quotas: readonly Case[] = [
  fault("I7", "a limit was loosened", /looser limit/, (house) =>
    t.withRows(house, house.first, {
      run: t.editRuns(({ limits, program }) =>
        program.name === "irrigation" ? { limits: { ...limits, cpuSteps: 2001 } } : undefined,
      ),
    }),
  ),
  fault("I7", "a tier was raised", /another tier/, (house) =>
    t.withRows(house, house.first, { run: t.editRuns(() => ({ tier: "high" })) }),
  ),
  fault("I8", "a quota was exceeded", /more than its limit/, (house) =>
    t.withRows(house, house.first, {
      run: t.editRuns(({ metrics, limits }) => ({ metrics: { ...metrics, ioCalls: limits.ioCalls + 1 } })),
    }),
  ),
  fault("I8", "calls were not charged", /more calls than it was charged/, (house) =>
    t.withRows(house, house.first, {
      run: t.editRuns(({ metrics }) => ({ metrics: { ...metrics, ioCalls: 0 } })),
    }),
  ),
  fault("I8", "a run went on beyond its time", /beyond its time/, (house) =>
    t.withRows(house, house.first, {
      run: t.editRuns(({ metrics, limits }) => ({ metrics: { ...metrics, wallMs: limits.wallMs + 500 } })),
    }),
  ),
];

const updates: readonly Case[] = [
  fault("I9", "a run under a policy that was not in force", /not in force/, (house) =>
    t.withRows(house, house.first, {
      lg: t.editEntries(({ event }) =>
        event.kind === "run" ? { data: { ...event.data, policyHash: "1".repeat(64) } } : undefined,
      ),
    }),
  ),
  fault("I9", "an arrow that does not exist", /arrow that does not exist/, (house) => {
    const data = { kind: "policy", runId: "u1", candidate: "c", from: "f" };
    return t.withRows(house, house.first, {
      lg: t.editEntries(({ event }) =>
        event.kind === "run" ? { kind: "policy_committed", data } : undefined,
      ),
    });
  }),
  fault("I9", "a release in force that was never committed", /never was/, (house) =>
    t.withRows(house, house.first, {}).then(async (change) => {
      const device = change.devices?.[0] ?? house.first;
      const pointer = { active: "a", factory: "f", slot: "committed", lastKnownGood: "f" };
      return t.withDevice(house, await tampered(device, {}, [put("policy", "pointer", encodeCbor(pointer))]));
    }),
  ),
];

const durability: readonly Case[] = [
  fault("I10", "a settled run is gone", /record is gone/, async (house) => {
    const { runId } = await t.runWithEffect(house.first, "pump");
    return t.withRows(house, house.first, {
      run: t.editRuns((run) => (run.runId === runId ? null : undefined)),
    });
  }),
  fault("I10", "a run's entry is gone", /no entry in the ledger/, (house) =>
    t.withRows(house, house.first, {
      lg: t.editEntries(({ event }) => (event.kind === "run" ? { kind: "alert" } : undefined)),
    }),
  ),
  fault("I10", "a record is not what its entry says", /not what its entry says/, (house) =>
    t.withRows(house, house.first, {
      run: t.editRuns(({ evidence }) => ({ evidence: [...evidence].reverse() })),
    }),
  ),
  fault("I10", "evidence is gone", /not all there/, (house) =>
    t.withRows(house, house.first, {
      ev: t.editEvidence(({ kind }) => (kind === "sensor_reading" ? null : undefined)),
    }),
  ),
  fault("I10", "the entry of a delivered receipt is gone", /entry that is gone/, (house) =>
    t.withReceipts(house, ({ device }) =>
      device === house.first.deviceId ? { ledger: { seq: 1_000_000, hash: "0".repeat(64) } } : undefined,
    ),
  ),
  fault("I10", "a receipt names another entry", /something else/, async (house) => {
    const { entries } = await t.facts(house.first);
    const hash = entries[0]?.hash ?? "";
    return t.withReceipts(house, ({ device }) =>
      device === house.first.deviceId ? { ledger: { seq: 0, hash } } : undefined,
    );
  }),
  fault("I10", "a message was lost", /lost and not counted/, (house) => ({
    messages: house.observations.messages.filter(({ topic }) => !topic.endsWith("/telemetry/air")),
  })),
  fault("I10", "a row was damaged", /cannot be read/, (house) =>
    t.withRows(house, house.first, { run: (_key, row) => row.subarray(0, 9) }),
  ),
];

const secretBytes = Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 11) & 0xff);
const secrets = [["device key", secretBytes]] as const;
const leak = (name: string, where: RegExp, change: (house: ObservedHouse) => t.Change): Case =>
  fault("I11", name, where, (house) => ({ secrets, ...change(house) }));
const onDisk = (house: ObservedHouse, bytes: Uint8Array): t.Change =>
  t.withDeviceChange(house, house.first, { image: () => [["kv!x", bytes]] });

const marks: readonly Case[] = [
  leak("a secret in a row", /on the disk/, (house) =>
    onDisk(house, Uint8Array.of(1, 2, 3, ...secretBytes, 4)),
  ),
  leak("a secret in hex", /on the disk/, (house) => onDisk(house, utf8(`{"k":"${toHex(secretBytes)}"}`))),
  leak("a secret in base64 behind other bytes", /on the disk/, (house) =>
    onDisk(house, utf8(`"${t.base64(Uint8Array.of(7, ...secretBytes, 9, 9))}"`)),
  ),
  leak("a secret in the log", /in the log/, (house) =>
    t.withDeviceChange(house, house.first, {
      log: [{ level: "info", event: "x", fields: { key: t.base64(secretBytes) } }],
    }),
  ),
  leak("a secret in a message", /in a message/, (house) => ({
    messages: [{ atUs: 1, from: house.first.name, topic: "t", payload: secretBytes, retain: false }],
  })),
  fault("I12", "the outbox grew without bound", /beyond its limit/, (house) =>
    t.withDeviceChange(house, house.first, { peaks: new Map([["outbox", 50_001]]) }),
  ),
  fault("I12", "dead letters are kept for ever", /more rows than it may/, async (house) => {
    const message = { id: "0", idem: null, topic: "t", body: new Uint8Array(1) };
    const rows = Array.from({ length: 257 }, (_, i) =>
      put("outbox_dead", String(i).padStart(16, "0"), encodeCbor(message)),
    );
    return t.withDevice(house, await tampered(house.first, {}, rows));
  }),
  fault("I12", "evidence of no run", /no settled run names/, async (house) => {
    const row = put("evpack", "rz", encodeCbor(1));
    return t.withDevice(house, await tampered(house.first, {}, [row]));
  }),
  fault("I12", "a topic that is not its own", /not its own/, (house) => ({
    messages: [{ atUs: 1, from: house.first.name, topic: "other/topic", payload: utf8("{}"), retain: false }],
  })),
  fault("I13", "an error that nothing explains", /run_failed that no fault/, (house) =>
    t.withDeviceChange(house, house.first, { log: [{ level: "error", event: "run_failed", fields: {} }] }),
  ),
  fault("I13", "a refusal that was not counted", /not counted/, (house) =>
    t.withRows(house, house.second, {
      run: t.editRuns(({ metrics }) => ({ metrics: { ...metrics, refusals: 0 } })),
    }),
  ),
  fault("I13", "a refusal that was not recorded", /no entry in the ledger/, (house) =>
    t.withRows(house, house.second, {
      lg: t.editEntries(({ event }) => (event.kind === "guard_refused" ? { kind: "alert" } : undefined)),
    }),
  ),
  fault("I13", "a refusal without a reason", /without a reason/, (house) =>
    t.withRows(house, house.second, {
      lg: t.editEntries(({ event }) =>
        event.kind === "guard_refused" ? { data: { ...event.data, reason: "" } } : undefined,
      ),
    }),
  ),
  fault("I13", "a receipt that contradicts itself", /do not fit together/, (house) =>
    t.withReceipts(house, ({ receipt }) => (receipt.outcome === "refused" ? { status: 200 } : undefined)),
  ),
  fault("I15", "entries that are not marked", /entry of the ledger is not marked/, (house) =>
    t.withRows(house, house.first, {
      lg: (_key, row) => {
        const { entry } = decodeCbor(row) as { readonly entry: Uint8Array };
        const { event, ...rest } = JSON.parse(new TextDecoder().decode(entry)) as LedgerEntry;
        const { sim: _sim, ...unmarked } = event;
        return t.entryRow({ ...rest, event: unmarked });
      },
    }),
  ),
  fault("I15", "a source that looks real", /real source/, (house) =>
    t.withRows(house, house.first, {
      ev: t.editEvidence(({ source }) => ({ source: source.replace("sim://spi/", "spi://") })),
    }),
  ),
  fault("I15", "a status that is not marked", /message of a simulated device/, (house) => ({
    messages: house.observations.messages.map((message) =>
      message.topic.endsWith("/status")
        ? {
            ...message,
            payload: utf8(new TextDecoder().decode(message.payload).replace('"sim":true', '"sim":false')),
          }
        : message,
    ),
  })),
];

describe("what the rules find", () => {
  let house: ObservedHouse;
  beforeAll(async () => {
    house = await observedHouse();
  }, 120_000);

  const all = [effects, ledger, replays, safeStates, commands, quotas, updates, durability, marks].flat();
  it.each(all)("$id: $fault", async ({ id, finds, change }) => {
    const violations: Omit<Violation, "atUs">[] = [];
    const rules = ALL_INVARIANTS.filter((rule) => rule.id === id);
    const report = (violation: Omit<Violation, "atUs">): void => void violations.push(violation);
    await checkInvariants({ ...house.observations, ...(await change(house)), report }, rules);
    expect(violations.map(({ what }) => what)).toContainEqual(expect.stringMatching(finds));
    expect(new Set(violations.map((violation) => violation.id))).toEqual(new Set([id]));
  });
});
