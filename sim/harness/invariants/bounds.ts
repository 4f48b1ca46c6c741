/** I12: what is stored, queued and published stays inside its limits, however long a device runs (sync.md 8, ledger.md 1, 11). */
import type { JsonObject } from "../../../firmware/core/json.ts";
import { PACKS } from "../../../firmware/evidence/index.ts";
import type { DeviceFacts } from "./facts.ts";
import { type Invariant, type InvariantContext, isFrom } from "./invariant.ts";
import { listAt, objectAt } from "./policy-view.ts";

const MIB = 1024 * 1024;
/** Largest sizes that any moment may show, by the name under which the harness measures them. */
const PEAKS: Readonly<Record<string, number>> = {
  outbox: 50_000,
  /** Evidence, ledger and logs of policy.md 4 with their defaults, the outbox, and room for the store's own frame. */
  rowBytes: 768 * MIB,
  storeBytes: 768 * MIB,
  fileBytes: 16 * MIB,
  /** Runs that wait (vm.md 9). */
  queue: 256,
  /** Commands that wait to be looked at (trust.md 7). */
  inbound: 256,
};
/** Rows of a sublevel, whatever happens. */
const ROWS: readonly (readonly [sub: string, max: number])[] = [
  ["runopen", 16],
  ["commands", 4096],
  ["outbox", 50_000],
  ["outbox_dead", 256],
  ["outbox_gaps", 3],
];
const OUTBOX_BYTES = 64 * MIB;
const ENTRY_BYTES = 65_535;
const DATA_BYTES = 8192;
const REFS = 64;
const CHECKPOINT_ENTRIES = 256;
const CHECKPOINT_MS = 60_000;
const TOPIC_BYTES = 256;
const MESSAGE_BYTES = 256 * 1024;
/** Retained messages that one device keeps at the broker: its status, its update, its checkpoint and program topics. */
const RETAINED = 64;
/** Rows of evidence that are looked at. */
const NEWEST_ROWS = 1000;
/** Rows of evidence per record in a run's list. */
const EVIDENCE_PER_CALL = 3;
const EVIDENCE_BASE = 64;

type Say = (what: string, details: JsonObject) => void;

async function rowsOf({ store }: DeviceFacts, sub: string, most: number): Promise<number> {
  let rows = 0;
  for await (const _row of store.range(sub, { limit: most + 1 })) rows++;
  return rows;
}

async function checkRows(facts: DeviceFacts, say: Say): Promise<void> {
  for (const [sub, max] of ROWS) {
    const rows = await rowsOf(facts, sub, max);
    if (rows > max) say("A sublevel of the store has more rows than it may.", { sub, rows, max });
  }
  await checkEvidence(facts, say);
  const bytes = facts.outbox.reduce((sum, { body }) => sum + body.length, 0);
  const stated = objectAt(facts.factory.document, "retention").outboxBytes;
  const max = typeof stated === "number" ? Math.min(stated, OUTBOX_BYTES) : OUTBOX_BYTES;
  if (bytes > max) say("The outbox holds more bytes than it may.", { bytes, max });
}

/** Runs and their evidence are one batch: what no record names can never be found again and never goes away. */
async function checkEvidence({ store, runsById }: DeviceFacts, say: Say): Promise<void> {
  for await (const [runId] of store.range(PACKS, { reverse: true, limit: NEWEST_ROWS })) {
    if (runsById.has(runId)) continue;
    say("The store keeps evidence that no settled run names.", { runId });
    return;
  }
}

function checkPeaks({ device }: DeviceFacts, say: Say): void {
  for (const [name, max] of Object.entries(PEAKS)) {
    const peak = device.peaks.get(name);
    if (peak !== undefined && peak > max) say("A size went beyond its limit.", { name, peak, max });
  }
}

/** Runs of one program do not overlap, and all programs together are bounded: so are the notes of open ones. */
function checkRuns({ runs }: DeviceFacts, say: Say): void {
  for (const { runId, evidence, limits } of runs) {
    // The folded records of the end come on top (evidence.md 16): at most two per capability.
    const max = EVIDENCE_PER_CALL * limits.ioCalls + EVIDENCE_BASE + 64;
    if (evidence.length > max)
      say("A run left more evidence than it may.", { runId, evidence: evidence.length, max });
  }
}

function checkEntries({ entries }: DeviceFacts, say: Say): void {
  for (const { index, entry, bytes } of entries) {
    const { data, refs = [], kind } = entry.event;
    if (bytes.length > ENTRY_BYTES || refs.length > REFS)
      say("An entry of the ledger is larger than it may be.", {
        index,
        kind,
        bytes: bytes.length,
        refs: refs.length,
      });
    else if (bytes.length > DATA_BYTES && Buffer.byteLength(JSON.stringify(data)) > DATA_BYTES)
      say("The data of an entry is larger than it may be.", { index, kind });
  }
}

/** A log that grows is signed often enough: what nobody has a checkpoint of can be cut off unseen. */
async function checkCheckpoints(
  nowUs: number,
  { store, epoch, entries, device, timeline }: DeviceFacts,
  say: Say,
): Promise<void> {
  const life = device.lives.at(-1);
  if (epoch > 0 || life === undefined || life.untilUs !== null || life.startedUs === null) return;
  let covered = 0;
  for await (const [key] of store.range("lgcp", { reverse: true, limit: 1 })) covered = Number(key);
  const last = entries.at(-1);
  const open = last === undefined ? 0 : last.index + 1 - covered;
  // Checkpoints are made beside the commits: one more period may pass on a disk that stalls.
  if (open > 4 * CHECKPOINT_ENTRIES) say("Too many entries wait for a checkpoint.", { open, covered });
  const first = entries.find(({ index }) => index >= covered);
  const sinceUs = first === undefined ? null : timeline.ofWall(life, first.entry.ts);
  if (sinceUs === null || first === undefined) return;
  if (nowUs - sinceUs > 10 * CHECKPOINT_MS * 1000)
    say("An entry has long waited for a checkpoint.", { index: first.index, covered, atUs: sinceUs });
}

/** Topics are this device's own or those its policy names; their number and sizes are bounded. */
function checkMessages(context: InvariantContext, { device, policies }: DeviceFacts, say: Say): void {
  const own = `imu/v1/${context.fleet}/${device.deviceId}/`;
  const shared = [`imu/v1/${context.fleet}/gossip`, `imu/v1/${context.fleet}/reply/`];
  const named = [...policies.values()].flatMap(({ outputs }) =>
    outputs.flatMap(({ uri }) => (uri.startsWith("mqtt://") ? uri.slice(uri.indexOf("/", 7) + 1) : [])),
  );
  const retained = new Set<string>();
  for (const message of context.messages) {
    if (!isFrom(message, device)) continue;
    const { topic, payload, retain, atUs } = message;
    if (retain) retained.add(topic);
    const isKnown =
      topic.startsWith(own) ||
      shared.some((root) => topic.startsWith(root)) ||
      named.some((root) => topic === root || topic.startsWith(`${root}/`));
    if (!isKnown) say("A device published on a topic that is not its own.", { topic, atUs });
    if (Buffer.byteLength(topic) > TOPIC_BYTES || payload.length > MESSAGE_BYTES)
      say("A device published more than a message may hold.", { topic, bytes: payload.length, atUs });
  }
  if (retained.size > RETAINED)
    say("A device keeps too many retained topics.", { topics: retained.size, max: RETAINED });
}

/** More log lines than the device has done things: a loop that complains. */
function checkLog({ device, entries, runs }: DeviceFacts, say: Say): void {
  const max = 1000 + 20 * (entries.length + runs.length);
  if (device.log.length > max)
    say("The log is longer than anything explains.", { lines: device.log.length, max });
}

/** Every list that a program writes to is bounded by its own policy: here the number of programs counts. */
function checkPrograms({ device, documents }: DeviceFacts, say: Say): void {
  const installed = listAt({ programs: [...device.programs] }, "programs").length;
  const max = 64 + 8 * installed;
  if (documents.size > max)
    say("The store keeps more programs than were ever installed.", { documents: documents.size, max });
}

export const boundsInvariant: Invariant = {
  id: "I12",
  async check(context) {
    for (const facts of context.facts) {
      const actor = facts.device.deviceId;
      const say: Say = (what, details) => context.report({ id: "I12", what, actor, details });
      checkPeaks(facts, say);
      checkRuns(facts, say);
      checkEntries(facts, say);
      checkLog(facts, say);
      checkPrograms(facts, say);
      checkMessages(context, facts, say);
      await checkCheckpoints(context.nowUs, facts, say);
      await checkRows(facts, say);
    }
  },
};
