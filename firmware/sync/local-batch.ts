/** Builds the next batch of this device from local writes, and refuses what the roster would void (sync.md 3, 4.1). */
import { jcs } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { type Batch, type Delta, judgeContent, MAX_DELTA_BYTES, MAX_DELTAS, mayWrite } from "./batch.ts";
import { type CrdtState, emptyState, mergeState } from "./crdt/types.ts";
import { deviceOfReplica } from "./hlc.ts";
import { changeDelta, type LocalWrite } from "./local-change.ts";
import type { Replica } from "./replica.ts";
import { type DocumentRule, documentRule, type Roster } from "./roster.ts";

export interface LocalOrigin {
  readonly fleet: string;
  readonly replicaId: string;
  readonly stamp: () => string;
}

function ruleFor(roster: Roster, doc: string): DocumentRule {
  const found = documentRule(roster, doc);
  if (found) return found.rule;
  throw new CodedError("writer_denied", `The roster declares no document ${doc}.`, {
    status: 403,
    details: { doc },
  });
}

/** The live entries of a state, by key. */
function entriesOf(state: CrdtState): readonly string[] {
  switch (state.type) {
    case "lwwmap":
      return Object.entries(state.d).flatMap(([key, entry]) => (entry.del ? [] : [key]));
    case "orset":
    case "ormap":
      return Object.keys(state.d.entries);
    case "eventset":
      return Object.keys(state.d);
    default:
      return [];
  }
}

function requireRoom(rule: DocumentRule, doc: string, before: CrdtState, after: CrdtState): void {
  const entries = entriesOf(after).length;
  const bytes = jcs(after.d).length;
  if (entries <= rule.maxEntries && bytes <= rule.maxBytes) return;
  if (entries <= entriesOf(before).length && bytes <= jcs(before.d).length) return;
  throw new CodedError("doc_full", `Document ${doc} is full; delete entries first.`, {
    status: 429,
    details: { doc, entries, bytes },
  });
}

/**
 * One batch out of several writes; writes to one document become one delta.
 * @throws CodedError `writer_denied` (403), `delta_invalid` (422), `doc_full` (429), `message_too_large` (422).
 */
export function buildLocalBatch(replica: Replica, origin: LocalOrigin, writes: readonly LocalWrite[]): Batch {
  const roster = replica.roster;
  const device = deviceOfReplica(origin.replicaId) ?? "";
  const deltas = new Map<string, CrdtState>();
  const states = new Map<string, CrdtState>();
  for (const { doc, change } of writes) {
    const rule = ruleFor(roster, doc);
    const before = states.get(doc) ?? replica.document(doc) ?? emptyState(rule.type);
    const delta = changeDelta(before, change, origin.replicaId, origin.stamp());
    const after = mergeState(before, delta);
    requireRoom(rule, doc, before, after);
    states.set(doc, after);
    deltas.set(doc, mergeState(deltas.get(doc) ?? emptyState(rule.type), delta));
  }
  const rows = [...deltas].map(([doc, { type, d }]): Delta => ({ doc, type, d: d as Json }));
  for (const row of rows) if (!mayWrite(roster, row, device)) throw denied(row.doc);
  if (rows.length > MAX_DELTAS || jcs(rows).length > MAX_DELTA_BYTES) {
    throw new CodedError("message_too_large", "The writes do not fit into one batch.", { status: 422 });
  }
  const head = replica.head(origin.replicaId);
  const batch: Batch = {
    v: 1,
    fleet: origin.fleet,
    origin: origin.replicaId,
    seq: head.seq + 1,
    prev: head.hash,
    hlc: origin.stamp(),
    roster: roster.version,
    deltas: rows,
  };
  const content = judgeContent(batch, roster);
  if (content.ok) return batch;
  throw new CodedError(content.fault, "Other replicas would not count this write.", { status: 422 });
}

const denied = (doc: string): CodedError =>
  new CodedError("writer_denied", `This device may not write ${doc}.`, { status: 403, details: { doc } });
