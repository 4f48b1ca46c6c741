/** I10: nothing that was acknowledged is lost; what is dropped is counted. */
import { fromUtf8, toHex } from "../../../firmware/core/bytes.ts";
import { sha256 } from "../../../firmware/core/hash.ts";
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import { publicationKey, topicOf } from "./effects.ts";
import type { DeviceFacts, OutboxRow } from "./facts.ts";
import { type Invariant, type InvariantContext, isFrom } from "./invariant.ts";
import { Edge } from "./ledger-chain.ts";
import { checkRollups } from "./rollups.ts";
import { outputOfArgs } from "./run-view.ts";

/** The longest pause between two attempts to send, with one attempt and some room (sync.md 8). */
const DRAIN_US = 330_000_000;
/** A message that never met a broken link: a few leases of 10 s that a bad link let pass, and the pauses between them. */
const RETRIES_MS = 90_000;
/** So many messages in so long a time are no repetitions: their pauses grow. */
const BUSY_MESSAGES = 15;
const BUSY_US = 30_000_000;

type Say = (what: string, details: JsonObject) => void;

/** MTH over the evidence ids of a run (ledger.md 4). */
function evidenceRoot(ids: readonly string[]): string {
  const edge = new Edge();
  for (const id of ids) edge.append(sha256(Uint8Array.of(0), Uint8Array.from(Buffer.from(id, "hex"))));
  return toHex(edge.root());
}

/** A run's record and its ledger entry are one batch: neither is there without the other, and they agree. */
async function checkSettlements(facts: DeviceFacts, say: Say): Promise<void> {
  const { entries, runsById, sample } = facts;
  const looked = new Set(sample);
  const told = new Map<string, number>();
  for (const { index, entry } of entries) {
    const { kind, data, runId } = entry.event;
    if (kind !== "run" || runId === undefined) continue;
    if (told.has(runId))
      say("A run has two entries in the ledger.", { runId, index, other: told.get(runId) ?? null });
    told.set(runId, index);
    const run = runsById.get(runId);
    if (run === undefined) {
      say("A settled run's record is gone.", { runId, index });
      continue;
    }
    const status = run.release.ok ? run.outcome.status : run.release.status;
    const pairs: readonly (readonly [string, unknown, unknown])[] = [
      ["programHash", data.programHash, run.program.programHash],
      ["inputHash", data.inputHash, run.inputHash],
      ["outputHash", data.outputHash, run.outputHash],
      ["status", data.status, status],
      ["steps", data.steps, run.metrics.cpuSteps],
      ["evidenceCount", data.evidenceCount, run.evidence.length],
      ["evidenceRoot", data.evidenceRoot, looked.has(run) ? evidenceRoot(run.evidence) : data.evidenceRoot],
    ];
    const wrong = pairs.find(([, a, b]) => a !== b);
    if (wrong !== undefined)
      say("A run's record is not what its entry says.", { runId, index, member: wrong[0] });
  }
  await checkRollups(facts, new Set(told.keys()), say);
}

async function checkEvidence(facts: DeviceFacts, say: Say): Promise<void> {
  for (const { runId, evidence } of facts.sample) {
    const found = (await facts.evidenceOf(runId)).map(({ id }) => id);
    if (found.join() !== evidence.join())
      say("The evidence of a settled run is not all there.", {
        runId,
        recorded: evidence.length,
        found: found.length,
      });
  }
}

/** A receipt that an operator holds names an entry of this command, and the answer is still known. */
function checkReceipts({ operators }: InvariantContext, facts: DeviceFacts, say: Say): void {
  const { device, entries } = facts;
  const first = entries[0]?.index ?? 0;
  for (const { receipts } of operators) {
    for (const { device: from, receipt, atUs } of receipts) {
      if (from !== device.deviceId || receipt.ledger === null || receipt.ledger.seq < first) continue;
      const entry = entries[receipt.ledger.seq - first];
      const where = { commandId: receipt.commandId, index: receipt.ledger.seq, atUs };
      if (entry === undefined || entry.hash !== receipt.ledger.hash) {
        say("A receipt that was delivered names an entry that is gone.", where);
        continue;
      }
      const { kind, data } = entry.entry.event;
      if (
        kind !== "command" ||
        data.commandId !== receipt.commandId ||
        data.requestHash !== receipt.commandHash
      )
        say("A receipt names an entry of something else.", { ...where, kind });
    }
  }
}

interface Counted {
  readonly made: ReadonlyMap<string, readonly string[]>;
  readonly reached: ReadonlyMap<string, number>;
  readonly waiting: ReadonlyMap<string, number>;
}

const count = (keys: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
};

const rowKey = ({ topic, body }: OutboxRow): string => `${topic}\n${fromUtf8(body)}`;

/** Publications of settled runs with QoS 1, by topic and body. */
function publications(facts: DeviceFacts): ReadonlyMap<string, readonly string[]> {
  const made = new Map<string, string[]>();
  for (const run of facts.runs) {
    for (const { args, outcome } of run.outcome.effects) {
      const output = outputOfArgs(facts, run, args);
      if (outcome !== "ok" || output === null || !isJsonObject(args) || args.qos === 0) continue;
      if (!output.uri.startsWith("mqtt://")) continue;
      const key = publicationKey(topicOf(output.uri), args);
      made.set(key, [...(made.get(key) ?? []), run.runId]);
    }
  }
  return made;
}

/** What a settled run published has reached the broker, or still waits, or is counted as lost. */
function checkPublications(context: InvariantContext, facts: DeviceFacts, say: Say): void {
  const { device, outbox, dead, entries, openGaps } = facts;
  const hasBroker =
    device.linkUpSinceUs !== null || context.messages.some((message) => isFrom(message, device));
  const own = context.messages.filter((message) => isFrom(message, device));
  const counted: Counted = {
    made: publications(facts),
    reached: count(own.map(({ topic, payload }) => `${topic}\n${textOf(payload)}`)),
    waiting: count([...outbox, ...dead].map(rowKey)),
  };
  const dropped = entries.reduce(
    (sum, { entry: { event } }) => (event.kind === "outbox_gap" ? sum + Number(event.data.count) : sum),
    openGaps,
  );
  let lost = 0;
  let example: JsonObject = {};
  for (const [key, runs] of counted.made) {
    const there = (counted.reached.get(key) ?? 0) + (counted.waiting.get(key) ?? 0);
    if (there >= runs.length) continue;
    lost += runs.length - there;
    example = { topic: key.slice(0, key.indexOf("\n")), runId: runs.at(-1) ?? "" };
  }
  if (lost > dropped)
    say("A message of a settled run is lost and not counted as dropped.", { ...example, lost, dropped });
  if (hasBroker) checkDrained(context, facts, say);
}

const textOf = (payload: Uint8Array): string =>
  Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString("utf8");

/** With the link up for longer than any pause, nothing old waits any more; what came since needs no long pause at all. */
function checkDrained(context: InvariantContext, facts: DeviceFacts, say: Say): void {
  const { nowUs, quietSinceUs } = context;
  const { device, outbox, timeline } = facts;
  const { linkUpSinceUs } = device;
  if (linkUpSinceUs === null || quietSinceUs === null) return;
  const sinceUs = Math.max(linkUpSinceUs, quietSinceUs);
  const [sinceMs, nowMs] = [timeline.wallAt(sinceUs), timeline.wallAt(nowUs)];
  if (sinceMs === null || nowMs === null || nowMs < sinceMs) return;
  // Order is kept per topic: behind an older message a new one waits as long as that one.
  const held = new Set(outbox.filter(({ id }) => madeAtMs(id) < sinceMs).map(({ topic }) => topic));
  const isLate = ({ id, topic }: OutboxRow): boolean =>
    held.has(topic) ? nowUs - sinceUs > DRAIN_US : nowMs - madeAtMs(id) > RETRIES_MS;
  const isFull = busyTopics(context, device);
  const old = outbox.filter(
    (row) => nowMs - madeAtMs(row.id) > RETRIES_MS && isLate(row) && !isFull.has(row.topic),
  );
  const [first] = old;
  if (first === undefined) return;
  const { topic, id } = first;
  say("A message waits in the outbox although the link has long been up.", {
    waiting: old.length,
    topic,
    id,
  });
}

/** Topics that are served without a pause: a program says more there than a slow link carries, which is no standstill. */
function busyTopics(
  { messages, nowUs }: InvariantContext,
  device: DeviceFacts["device"],
): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const message of messages) {
    if (message.atUs < nowUs - BUSY_US || !isFrom(message, device)) continue;
    counts.set(message.topic, (counts.get(message.topic) ?? 0) + 1);
  }
  return new Set([...counts].filter(([, count]) => count >= BUSY_MESSAGES).map(([topic]) => topic));
}

/** Wall ms of a UUIDv7. */
const madeAtMs = (id: string): number => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);

/** Rows that nobody can read any more were acknowledged once. */
function checkDamage({ damaged }: DeviceFacts, say: Say): void {
  const [first] = damaged;
  if (first !== undefined) say("A row on the disk cannot be read.", { ...first, rows: damaged.length });
}

/** Documents of everything that ran are kept, under their own hash, so that it can be replayed. */
function checkDocuments({ runs, documents }: DeviceFacts, say: Say): void {
  const missing = runs.find(({ program }) => !documents.has(program.programHash));
  if (missing !== undefined)
    say("The program of a recorded run is not stored.", {
      runId: missing.runId,
      programHash: missing.program.programHash,
    });
}

export const durabilityInvariant: Invariant = {
  id: "I10",
  async check(context) {
    for (const facts of context.facts) {
      const actor = facts.device.deviceId;
      // Losses that the scenario ordered from the disk are its own business.
      if (!facts.device.isDiskHonest || facts.epoch > 0) continue;
      const say: Say = (what, details) => context.report({ id: "I10", what, actor, details });
      checkDamage(facts, say);
      await checkSettlements(facts, say);
      checkDocuments(facts, say);
      await checkEvidence(facts, say);
      checkReceipts(context, facts, say);
      checkPublications(context, facts, say);
    }
  },
};
