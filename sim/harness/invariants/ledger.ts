/** I2: the ledger verifies from genesis, says what others were told, and has the entry of every effect `before`. */
import { compareBytes, utf8 } from "../../../firmware/core/bytes.ts";
import { jcs } from "../../../firmware/core/canonical-json.ts";
import { decodeCbor } from "../../../firmware/core/cbor.ts";
import { hmacSha256Hex } from "../../../firmware/core/hash.ts";
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import { entryClaims, publishedNotes, storedNotes } from "./checkpoint-claims.ts";
import { ledgerSub } from "./epochs.ts";
import type { DeviceFacts } from "./facts.ts";
import type { Invariant, InvariantContext } from "./invariant.ts";
import { type Recomputed, recompute } from "./ledger-chain.ts";

type Say = (what: string, details: JsonObject) => void;

async function checkHead(facts: DeviceFacts, { size, lastHash }: Recomputed, say: Say): Promise<void> {
  const { store, epoch, device, entries } = facts;
  const row = await store.get(ledgerSub("lghead", epoch), "0");
  const head = row === undefined ? null : decodeCbor(row);
  if (!isJsonObject(head)) {
    if (entries.length > 0) say("The ledger has entries and no head.", { size });
    return;
  }
  const { mac, ...body } = head;
  if (body.size !== size || body.lastHash !== lastHash)
    say("The ledger's head is not the end of its log.", {
      head: { size: body.size ?? null, lastHash: body.lastHash ?? null },
      log: { size, lastHash },
    });
  if (device.headKey === null) return;
  if (mac !== hmacSha256Hex(device.headKey, utf8("imu.ledger.head.v1\n"), jcs(body)))
    say("The ledger's head is sealed with another key.", { size });
}

async function checkNotes(context: InvariantContext, facts: DeviceFacts, say: Say): Promise<Recomputed> {
  const notes = await storedNotes(facts);
  const published = publishedNotes(context, facts).filter(({ origin }) =>
    origin.endsWith(`/${facts.device.deviceId}/${facts.epoch}`),
  );
  const sizes = new Set([...notes.map(({ size }) => size), ...published.map(({ size }) => size)]);
  const log = await recompute(facts, sizes);
  for (const { size, claim } of notes) {
    if (claim === null || !claim.isSigned || claim.size !== size) {
      say("A stored checkpoint is not a note signed by this device.", { size });
      continue;
    }
    const root = log.roots.get(size);
    if (root === undefined && log.fault === null && size > log.size)
      say("A checkpoint is signed for entries that do not exist.", { size, log: log.size });
    else if (root !== undefined && compareBytes(root, claim.root) !== 0)
      say("A checkpoint states a root that its entries do not have.", { size });
  }
  for (const claim of published) {
    const root = log.roots.get(claim.size);
    if (claim.size > log.size && facts.device.isDiskHonest)
      say("A checkpoint was published for entries that are gone.", { size: claim.size, atUs: claim.atUs });
    else if (root !== undefined && compareBytes(root, claim.root) !== 0)
      say("A published checkpoint contradicts the log.", { size: claim.size, atUs: claim.atUs });
  }
  return log;
}

/** What a receiver holds of the log must still be there: the log is never shorter than what was synced. */
function checkClaims(context: InvariantContext, facts: DeviceFacts, say: Say): void {
  const { device, entries, epoch } = facts;
  if (!device.isDiskHonest || epoch !== 0) return;
  const first = entries[0]?.index ?? 0;
  for (const { index, hash, atUs, by } of entryClaims(context, device)) {
    if (index < first) continue;
    const stored = entries[index - first];
    if (stored === undefined)
      say("The log is shorter than what the device told others.", {
        index,
        log: first + entries.length,
        atUs,
        by,
      });
    else if (stored.hash !== hash)
      say("An entry is another one than the device told others.", {
        index,
        atUs,
        by,
        runId: stored.entry.event.runId ?? null,
      });
  }
}

/** Entries between the first intent of a run and its own entry, at most: other runs write in between. */
const REACH_OF_RUN = 512;

/** Runs whose intents cannot have been pruned: the ledger still reaches far enough back from their own entry. */
function wholeRuns({ entries, runs }: DeviceFacts): DeviceFacts["runs"] {
  const first = entries[0]?.index ?? 0;
  if (first === 0) return runs;
  const ends = new Map(
    entries.flatMap(({ index, entry: { event } }) =>
      event.kind === "run" && event.runId !== undefined ? [[event.runId, index] as const] : [],
    ),
  );
  return runs.filter(({ runId }) => (ends.get(runId) ?? 0) >= first + REACH_OF_RUN);
}

/** Every effect of durability `before` has its intent, and every intent its outcome (ledger.md 2). */
function checkIntents(facts: DeviceFacts, say: Say): void {
  const { entries, runsById, policies, device } = facts;
  const intents = new Map<string, number>();
  const open = new Map<string, { readonly index: number; readonly runId: string }>();
  const unknown = new Set<string>();
  for (const { index, entry } of entries) {
    const { kind, data, runId = "" } = entry.event;
    if (kind === "effect_intent") {
      const key = `${runId} ${String(data.output)}`;
      intents.set(key, (intents.get(key) ?? 0) + 1);
      open.set(String(data.effectId), { index, runId });
    } else if (kind === "effect_done") open.delete(String(data.effectId));
    else if (kind === "effect_outcome_unknown") {
      open.delete(String(data.effectId));
      unknown.add(runId);
    }
  }
  for (const { runId, policyHash, outcome } of wholeRuns(facts)) {
    const wanted = new Map<string, number>();
    for (const { args, outcome: end } of outcome.effects) {
      const name = isJsonObject(args) ? String(args.output) : "";
      const isBefore = policies.get(policyHash)?.output(name)?.isBefore === true;
      if (isBefore && end === "ok") wanted.set(name, (wanted.get(name) ?? 0) + 1);
    }
    for (const [output, effects] of wanted) {
      const got = intents.get(`${runId} ${output}`) ?? 0;
      if (got < effects)
        say("An effect of durability `before` has no intent in the ledger.", {
          runId,
          output,
          effects,
          intents: got,
        });
    }
  }
  const isOver = device.lives.at(-1)?.startedUs !== null;
  for (const [effectId, { index, runId }] of open) {
    if (runsById.has(runId))
      say("A settled run has an intent without an outcome.", { runId, effectId, index });
    else if (isOver && !unknown.has(runId) && isOfEarlierLife(entries, index))
      say("An intent of an earlier life has no outcome after the next boot.", { runId, effectId, index });
  }
}

const isOfEarlierLife = (entries: DeviceFacts["entries"], index: number): boolean =>
  entries.some(({ index: at, entry }) => at > index && entry.event.kind === "boot");

/** Times never run back except where the clock was corrected, and every life begins with its `boot` entry. */
function checkBoots({ entries, device, timeline }: DeviceFacts, say: Say): void {
  const told = new Set(
    entries
      .filter(({ entry }) => entry.event.kind === "boot")
      .map(({ entry }) => String(entry.event.data.bootId)),
  );
  const first = entries[0]?.index ?? 0;
  if (first > 0) return;
  for (const { number, bootId, startedUs } of device.lives) {
    if (startedUs === null || told.has(bootId) || !device.isDiskHonest) continue;
    say("A life that had started has no `boot` entry.", { life: number, bootId, atUs: startedUs });
  }
  for (const bootId of told)
    if (timeline.lifeOfBoot(bootId) === null) say("A `boot` entry names a life that nobody saw.", { bootId });
}

export const ledgerInvariant: Invariant = {
  id: "I2",
  async check(context) {
    for (const facts of context.facts) {
      const actor = facts.device.deviceId;
      const say: Say = (what, details) => context.report({ id: "I2", what, actor, details });
      const log = await checkNotes(context, facts, say);
      if (log.fault !== null)
        say("The chain of the ledger is broken.", { index: log.fault.index, why: log.fault.why });
      else await checkHead(facts, log, say);
      checkClaims(context, facts, say);
      checkIntents(facts, say);
      checkBoots(facts, say);
    }
  },
};
