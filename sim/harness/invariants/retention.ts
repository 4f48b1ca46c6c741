/**
 * I18: what retention takes away leaves everything else provable (ledger.md 8, 11): the anchor is the tree that was there,
 * nothing goes that was not recorded, covered and witnessed before, entries of kept kinds stay, and of the runs that share
 * an entry none loses those that prove it.
 */
import { toHex, utf8 } from "../../../firmware/core/bytes.ts";
import { jcs } from "../../../firmware/core/canonical-json.ts";
import { decodeCbor } from "../../../firmware/core/cbor.ts";
import { hmacSha256Hex } from "../../../firmware/core/hash.ts";
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import { ledgerSub } from "./epochs.ts";
import type { DeviceFacts } from "./facts.ts";
import type { Invariant } from "./invariant.ts";
import { isKeptKind } from "./kept-kinds.ts";
import { rollupOf } from "./rollups.ts";
import { storedEdge } from "./stored-tree.ts";

/** Entries go by whole tiles. */
const TILE = 256;
/** Witnesses that must have signed what is pruned, in a fleet that has as many (ledger.md 6). */
const QUORUM = 2;
/** Days that no jump of a clock in a scenario is taken for. */
const CERTAIN_DAYS = 30;
const WITNESS = /^— \S+\/witness \S+$/;

type Say = (what: string, details: JsonObject) => void;

async function readAnchor({ store, epoch }: DeviceFacts): Promise<JsonObject | null> {
  const row = await store.get(ledgerSub("lganchor", epoch), "0");
  const value = row === undefined ? null : decodeCbor(row);
  return isJsonObject(value) ? value : null;
}

/** The anchor is sealed, lies between two tiles, and stands for the leaves that were there. */
async function checkAnchor(facts: DeviceFacts, anchor: JsonObject, say: Say): Promise<void> {
  const { device, epoch } = facts;
  const { mac, ...body } = anchor;
  const index = Number(body.index);
  if (
    device.headKey !== null &&
    mac !== hmacSha256Hex(device.headKey, utf8("imu.ledger.anchor.v1\n"), jcs(body))
  )
    say("The anchor of a pruned log is sealed with another key.", { index });
  if (index % TILE !== 0) say("A log is pruned inside of a tile.", { index });
  const edge = await storedEdge(facts, epoch, index);
  const range = Array.isArray(body.range) ? body.range.map(String) : [];
  if (edge === null) say("What an anchor stands for cannot be computed any more.", { index });
  else if (edge.map(toHex).join() !== range.join())
    say("An anchor stands for another tree than the one that was pruned.", { index });
}

/** Every pruning was written down and covered by a checkpoint before it began. */
function checkPrunings({ device }: DeviceFacts, say: Say): void {
  for (const { epoch, index, recordedAt, covered } of device.ledger?.prunings ?? []) {
    const where = { epoch, index };
    if (recordedAt === null) say("A log was pruned and nothing records it.", where);
    else if (covered <= recordedAt)
      say("A log was pruned before a checkpoint covered the record of it.", {
        ...where,
        recordedAt,
        covered,
      });
    if (covered < index) say("Entries were pruned that no checkpoint covers.", { ...where, covered });
  }
}

/** How many other devices must have signed what goes. */
function quorumOf({ device }: DeviceFacts, others: number): number {
  const stated = isJsonObject(device.config.ledger ?? null)
    ? (device.config.ledger as JsonObject).quorum
    : null;
  return typeof stated === "number" ? stated : Math.min(QUORUM, others);
}

/** @param others devices of the fleet that could have signed. */
function checkWitnessed(facts: DeviceFacts, index: number, others: number, say: Say): void {
  const { ledger } = facts.device;
  if (ledger === undefined || ledger.isPrunedUnwitnessed) return;
  const quorum = quorumOf(facts, others);
  const isCovered = ledger.notes.some(
    ({ epoch, size, text }) =>
      epoch === facts.epoch &&
      size >= index &&
      new Set(text.split("\n").flatMap((line) => (WITNESS.test(line) ? [line.split(" ")[1]] : []))).size >=
        quorum,
  );
  if (!isCovered) say("Entries were pruned that too few others have signed for.", { index, quorum });
}

/** Entries of kept kinds are in the log, or beside it under the hash that the tree has of them. */
async function checkKept(facts: DeviceFacts, anchorIndex: number, say: Say): Promise<void> {
  const { device, store, epoch } = facts;
  const kept = new Set<number>();
  for await (const [key, row] of store.range(ledgerSub("lgkeep", epoch))) {
    const { entry } = decodeCbor(row) as { readonly entry?: unknown };
    const kind = entry instanceof Uint8Array ? kindOf(entry) : null;
    if (kind === null) say("A kept entry cannot be read.", { index: Number(key) });
    else if (!isKeptKind(kind)) say("An entry is kept whose kind is not.", { index: Number(key), kind });
    kept.add(Number(key));
  }
  for (const entry of device.ledger?.kept ?? []) {
    if (entry.epoch !== epoch || entry.index >= anchorIndex || kept.has(entry.index)) continue;
    say("An entry that stays for ever was pruned.", { index: entry.index, kind: entry.kind });
  }
}

function kindOf(bytes: Uint8Array): string | null {
  try {
    const { event } = JSON.parse(new TextDecoder().decode(bytes)) as { readonly event?: { kind?: unknown } };
    return typeof event?.kind === "string" ? event.kind : null;
  } catch {
    return null; // Not JSON: a finding of its own.
  }
}

/** Leaf hashes stay until their days are over, and those above them for ever. */
async function checkLeaves(
  { device, store, epoch }: DeviceFacts,
  anchorIndex: number,
  say: Say,
): Promise<void> {
  const { leafDays = null } = isJsonObject(device.config.ledger ?? null)
    ? (device.config.ledger as JsonObject)
    : {};
  if ((typeof leafDays === "number" && leafDays < CERTAIN_DAYS) || device.lives.length === 0) return;
  const keys = Array.from({ length: anchorIndex }, (_, i) => String(i).padStart(12, "0"));
  const leaves = await store.getMany(
    ledgerSub("lgn", epoch),
    keys.map((key) => `00!${key}`),
  );
  // A body that is on its way out has its hash still with it.
  const bodies = await store.getMany(ledgerSub("lg", epoch), keys);
  const gone = keys.findIndex((_, i) => leaves[i] === undefined && bodies[i] === undefined);
  if (gone >= 0) say("The leaf hash of a pruned entry is gone before its time.", { index: gone });
}

/** All runs that share an entry stay, or none: a root over them proves none of them if one is missing. */
function checkShares({ entries, runs }: DeviceFacts, say: Say): void {
  const left = new Map<string, number>();
  for (const run of runs) {
    const first = rollupOf(run);
    if (first !== null) left.set(first, (left.get(first) ?? 0) + 1);
  }
  for (const { index, entry } of entries) {
    const { kind, data } = entry.event;
    const records = kind === "run_rollup" ? (left.get(String(data.firstRunId)) ?? 0) : 0;
    if (records > 0 && records < Number(data.count))
      say("Runs are kept whose rollup proves them no more, because others of it are gone.", {
        index,
        firstRunId: String(data.firstRunId),
        count: Number(data.count),
        records,
      });
  }
}

export const retentionInvariant: Invariant = {
  id: "I18",
  async check(context) {
    for (const facts of context.facts) {
      const { device } = facts;
      if (!device.isDiskHonest) continue;
      const actor = device.deviceId;
      const say: Say = (what, details) => context.report({ id: "I18", what, actor, details });
      checkShares(facts, say);
      checkPrunings(facts, say);
      const anchor = await readAnchor(facts);
      const index = Number(anchor?.index ?? 0);
      await checkKept(facts, index, say);
      if (anchor === null) continue;
      await checkAnchor(facts, anchor, say);
      checkWitnessed(facts, index, (context.fleetSize ?? context.devices.length) - 1, say);
      await checkLeaves(facts, index, say);
    }
  },
};
