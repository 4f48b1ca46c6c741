/** Every kind of single change to what a device has stored is found by its own checks, and named. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromUtf8, toHex, utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize, jcs } from "../../firmware/core/canonical-json.ts";
import { decodeCbor, encodeCbor } from "../../firmware/core/cbor.ts";
import { hashJson, hmacSha256Hex, sha256, sha256Hex } from "../../firmware/core/hash.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { RunPacker } from "../../firmware/evidence/index.ts";
import type { Evidence, EvidenceBody } from "../../firmware/evidence/types.ts";
import { encodeStored, unframe } from "../../firmware/ledger/entry.ts";
import { signCheckpoint } from "../../firmware/ledger/index.ts";
import { del, put, type StoreOp } from "../../firmware/ports/store.ts";
import { strangerKey } from "../verify/tampered.ts";
import { type Row, StoredDevice, type Sub } from "./stored-device.ts";

const SIZE = 10;
const keyOf = (index: number): string => String(index).padStart(12, "0");

let stored: StoredDevice;

beforeAll(async () => {
  stored = await StoredDevice.create();
});
afterAll(() => stored[Symbol.asyncDispose]());

function row(sub: Sub, key: string): Row {
  const found = stored.rows.find((one) => one.sub === sub && one.key === key);
  if (!found) throw new Error(`There is no row ${sub}!${key}.`);
  return found;
}

const entryOf = (index: number): JsonObject => {
  const { entry } = decodeCbor(row("lg", keyOf(index)).value) as { readonly entry: Uint8Array };
  return JSON.parse(fromUtf8(entry)) as JsonObject;
};

const stage = (index: number, entry: Json): StoreOp => {
  const bytes = utf8(canonicalize(entry));
  return put("lg", keyOf(index), encodeStored(bytes, sha256(bytes)));
};

/** Entry `index` with other hashes beside it than those of the subtrees that it completes. */
function withNodes(index: number, change: (nodes: Uint8Array[]) => Uint8Array[]): StoreOp {
  const parts = unframe(row("lg", keyOf(index)).value);
  if (parts === null) throw new Error(`Entry ${index} is not framed.`);
  const nodes = Array.from({ length: parts.nodes.length / 32 }, (_, i) =>
    parts.nodes.slice(i * 32, i * 32 + 32),
  );
  return put("lg", keyOf(index), encodeStored(parts.bytes, parts.hash, change(nodes)));
}

/** The row of entry `from` under index `to`. */
const moved = (from: number, to: number): StoreOp => put("lg", keyOf(to), row("lg", keyOf(from)).value);

/** Everything from `from` on written anew, as a forger without the device's keys can. */
function rewritten(from: number): StoreOp[] {
  const ops: StoreOp[] = [];
  let previous = hashJson(entryOf(from - 1));
  for (let index = from; index < SIZE; index++) {
    const entry = { ...entryOf(index), prev_hash: previous, ts: Number(entryOf(index).ts) + 1 };
    ops.push(stage(index, entry));
    previous = hashJson(entry);
  }
  return ops;
}

interface Case {
  readonly name: string;
  readonly ops: () => readonly StoreOp[];
  /** What is found, among whatever follows from it. */
  readonly found: string;
}

const LEDGER: readonly Case[] = [
  {
    name: "an entry edited",
    ops: () => {
      const bytes = utf8(canonicalize({ ...entryOf(2), ts: 1 }));
      return [put("lg", keyOf(2), encodeStored(bytes, sha256(jcs(entryOf(2)))))];
    },
    found: "ledger:hash_mismatch@2",
  },
  {
    name: "an entry edited, its hash computed anew",
    ops: () => [stage(2, { ...entryOf(2), ts: 1 })],
    found: "ledger:chain_break@3",
  },
  {
    name: "the first entry given another past",
    ops: () => [stage(0, { ...entryOf(0), prev_hash: "1".repeat(64) })],
    found: "ledger:genesis_mismatch@0",
  },
  { name: "an entry deleted", ops: () => [del("lg", keyOf(4))], found: "ledger:missing_entry@4" },
  {
    name: "an entry deleted, those after it moved up",
    ops: () => [
      ...Array.from({ length: SIZE - 5 }, (_, i) => moved(5 + i, 4 + i)),
      del("lg", keyOf(SIZE - 1)),
    ],
    found: "ledger:chain_break@4",
  },
  {
    name: "an entry inserted, those after it moved on",
    ops: () => [
      ...Array.from({ length: SIZE - 4 }, (_, i) => moved(4 + i, 5 + i)),
      stage(4, { ...entryOf(4), prev_hash: hashJson(entryOf(3)) }),
    ],
    found: "ledger:chain_break@5",
  },
  { name: "two entries exchanged", ops: () => [moved(4, 5), moved(5, 4)], found: "ledger:chain_break@4" },
  {
    name: "the last entry cut off",
    ops: () => [del("lg", keyOf(SIZE - 1))],
    found: "ledger:truncated@9",
  },
  {
    name: "an entry added behind the head",
    ops: () => {
      const entry = { ...entryOf(9), prev_hash: hashJson(entryOf(9)) };
      return [stage(SIZE, entry)];
    },
    found: "ledger:unanchored_tail@10",
  },
  {
    name: "the end written anew, and its chain with it",
    ops: () => rewritten(7),
    found: "ledger:root_mismatch@5",
  },
  {
    name: "a hash inside the tree edited",
    ops: () => [withNodes(5, ([_first, ...rest]) => [new Uint8Array(32), ...rest])],
    found: "ledger:node_mismatch@5",
  },
  {
    name: "a hash inside the tree deleted",
    ops: () => [withNodes(7, (nodes) => nodes.slice(0, -1))],
    found: "ledger:node_mismatch@7",
  },
  {
    name: "all hashes beside an entry deleted",
    ops: () => [withNodes(1, () => [])],
    found: "ledger:node_mismatch@1",
  },
  {
    name: "a hash beside an entry that completes nothing",
    ops: () => [withNodes(4, () => [new Uint8Array(32)])],
    found: "ledger:node_mismatch@4",
  },
  {
    name: "the head edited",
    ops: () => [
      put("lghead", "0", encodeCbor({ ...(decodeCbor(row("lghead", "0").value) as object), size: 9 })),
    ],
    found: "warning:head_unverified",
  },
  { name: "the head deleted", ops: () => [del("lghead", "0")], found: "warning:head_unverified" },
  {
    name: "the head sealed with another key",
    ops: () => {
      const { mac: _, ...body } = decodeCbor(row("lghead", "0").value) as JsonObject;
      const mac = hmacSha256Hex(new Uint8Array(32).fill(1), utf8("imu.ledger.head.v1\n"), jcs(body));
      return [put("lghead", "0", encodeCbor({ ...body, mac }))];
    },
    found: "warning:head_unverified",
  },
  {
    name: "the record of the last signature edited",
    ops: () => {
      const body = decodeCbor(row("lgsigned", "0").value) as JsonObject;
      return [put("lgsigned", "0", encodeCbor({ ...body, size: 3 }))];
    },
    found: "warning:signed_unverified",
  },
  {
    name: "a checkpoint of another tree",
    ops: () => {
      const note = fromUtf8(row("lgcp", keyOf(SIZE)).value).replace(`\n${SIZE}\n`, "\n9\n");
      return [put("lgcp", keyOf(9), utf8(note))];
    },
    found: "warning:checkpoint_bad_signature",
  },
  {
    name: "a checkpoint signed by a stranger",
    ops: () => {
      const note = fromUtf8(row("lgcp", keyOf(SIZE)).value);
      const [origin = ""] = note.split("\n");
      const forged = signCheckpoint({ origin, size: SIZE, root: sha256(utf8("other")) }, strangerKey);
      return [put("lgcp", keyOf(SIZE), utf8(forged))];
    },
    found: "warning:checkpoint_bad_signature",
  },
  {
    name: "a checkpoint stored under another size",
    ops: () => [put("lgcp", keyOf(9), row("lgcp", keyOf(SIZE)).value)],
    found: "warning:checkpoint_bad_signature",
  },
];

const STRANGER = new Uint8Array(32).fill(1);

/** The run's evidence stored anew. The seal is over the ids that the records are given. */
function repacked(list: readonly Evidence[], key: Uint8Array): readonly StoreOp[] {
  const { runId } = stored.device;
  const kid = list[0]?.seal.kid ?? "";
  return new RunPacker().stage(runId, list, { kid, key }).ops;
}

/**
 * A record with another body; whether its forger also gives it the id of that body is up to the case. What all records of
 * a run have in common changes in all of them.
 */
function altered(change: Partial<EvidenceBody>, anew: "nothing" | "id"): readonly StoreOp[] {
  const isCommon = change.policyHash !== undefined;
  const { payload } = change;
  const digest = payload === undefined ? {} : { sha256: sha256Hex(jcs(payload)) };
  const list = stored.evidence.map((one, seq): Evidence => {
    if (seq !== 2 && !isCommon) return one;
    const body = { ...one.body, ...change, ...digest } as EvidenceBody;
    return { ...one, body, id: anew === "nothing" ? one.id : hashJson(body as unknown as Json) };
  });
  return repacked(list, anew === "nothing" ? (stored.keys.sealer?.key ?? STRANGER) : STRANGER);
}

const CHANGES: readonly (readonly [string, Partial<EvidenceBody>, string])[] = [
  ["trust raised", { trust: 1 }, "evidence:id_mismatch"],
  ["freshness extended", { ttlMs: 86_400_000 }, "evidence:id_mismatch"],
  ["the time of capture moved", { ts: 1, monoMs: 1 }, "evidence:id_mismatch"],
  ["another source", { source: "sim://i2c/1/0x77/temperature" }, "evidence:id_mismatch"],
  ["another unit", { payload: { quality: "ok", raw: 390, unit: "Cel", value: 38 } }, "evidence:id_mismatch"],
  ["another value", { payload: { quality: "ok", raw: 391, unit: "%", value: 99 } }, "evidence:id_mismatch"],
  ["another policy", { policyHash: "0".repeat(64) }, "evidence:id_mismatch"],
];

const EVIDENCE: readonly Case[] = [
  ...CHANGES.map(([name, change, found]): Case => ({ name, ops: () => altered(change, "nothing"), found })),
  ...CHANGES.map(
    ([name, change]): Case => ({
      name: `${name}, with an id of its own, sealed with another key`,
      ops: () => altered(change, "id"),
      found: "evidence:bad_seal",
    }),
  ),
  ...CHANGES.map(
    ([name, change]): Case => ({
      name: `${name}, with an id of its own that the run's record does not name`,
      ops: () => altered(change, "id"),
      found: "run:evidence_mismatch",
    }),
  ),
  {
    name: "all evidence of a run deleted",
    ops: () => [del("evpack", stored.device.runId)],
    found: "evidence:not_found",
  },
  {
    name: "what it is the difference to deleted",
    ops: () => stored.of("evbase").map(({ key }) => del("evbase", key)),
    found: "evidence:store_corrupt",
  },
  {
    name: "what it is the difference to edited",
    ops: () =>
      stored.of("evbase").map(({ key, value }) =>
        put(
          "evbase",
          key,
          value.map((byte, at) => (at === 9 ? byte ^ 1 : byte)),
        ),
      ),
    found: "evidence:store_corrupt",
  },
  {
    name: "a record taken out of its run",
    ops: () => repacked(stored.evidence.toSpliced(3, 1), STRANGER),
    found: "evidence:bad_seal",
  },
  {
    name: "two records exchanged",
    ops: () => {
      const [a, b] = stored.evidence.slice(2, 4);
      return repacked([...stored.evidence].toSpliced(2, 2, b as Evidence, a as Evidence), STRANGER);
    },
    found: "evidence:store_corrupt",
  },
  {
    name: "a blob edited",
    ops: () => stored.of("cas").map(({ key }) => put("cas", key, utf8("other"))),
    found: "content:integrity_error",
  },
];

type Fields = Record<string, Json>;

const set = (object: Json | undefined, change: Fields): void => void Object.assign(object as Fields, change);

/** The stored record of the run with some members changed. */
function changedRun(change: (record: Fields) => void): readonly StoreOp[] {
  const { runId } = stored.device;
  const record = stored.recordOf(runId, row("run", runId).value) as Fields;
  change(record);
  return [put("run", runId, encodeCbor(record))];
}

/** As a careful forger would: the record agrees with itself again. */
function rehash(record: Fields): void {
  const { journal = null, limits = null, payload = null, trigger = null, outcome = null } = record;
  record.inputHash = hashJson({ journal, limits, payload, trigger });
  record.outputHash = hashJson(outcome);
}

const RUNS: readonly Case[] = [
  {
    name: "an outcome edited",
    ops: () => changedRun((record) => set(record.outcome, { status: 201 })),
    found: "run:output_hash_mismatch",
  },
  {
    name: "an outcome edited, the record's hashes computed anew",
    ops: () =>
      changedRun((record) => {
        set(record.outcome, { status: 201 });
        rehash(record);
      }),
    found: "run:replay_divergence",
  },
  {
    name: "a payload edited",
    ops: () => changedRun((record) => set(record, { payload: { other: 1 } })),
    found: "run:input_hash_mismatch",
  },
  {
    name: "a payload edited, the record's hashes computed anew",
    ops: () =>
      changedRun((record) => {
        set(record, { payload: { other: 1 } });
        rehash(record);
      }),
    found: "run:trace_mismatch",
  },
  {
    name: "a call of the journal deleted",
    ops: () =>
      changedRun((record) => {
        (record.journal as Json[]).pop();
        rehash(record);
      }),
    found: "run:replay_divergence",
  },
  {
    name: "another program's hash",
    ops: () => changedRun((record) => set(record.program, { programHash: "0".repeat(64) })),
    found: "run:not_found",
  },
  {
    name: "another name of the program",
    ops: () => changedRun((record) => set(record.program, { version: "1.0.1" })),
    found: "run:program_hash_mismatch",
  },
  {
    name: "another policy",
    ops: () => changedRun((record) => set(record, { policyHash: "0".repeat(64) })),
    found: "run:evidence_mismatch",
  },
  {
    name: "evidence left out",
    ops: () => changedRun((record) => void (record.evidence as Json[]).pop()),
    found: "run:evidence_mismatch",
  },
  {
    name: "the program edited",
    ops: () => stored.of("progdoc").map(({ key }) => put("progdoc", key, utf8('{"name":"irrigation"}'))),
    found: "run:integrity_error",
  },
  { name: "the record deleted", ops: () => [del("run", stored.device.runId)], found: "run:not_found" },
  {
    name: "the record deleted, in the hands of a verifier",
    ops: () => [del("run", stored.device.runId)],
    found: "bundle:run_withheld",
  },
];

test("nothing is found where nothing was changed", async () => {
  expect(await stored.findings([])).toEqual([]);
  expect(stored.of("lg")).toHaveLength(SIZE);
});

describe("a single change is found and named", () => {
  test.each(LEDGER)("ledger, $name: $found", async ({ ops, found }) => {
    expect(await stored.findings(ops())).toContain(found);
  });

  test.each(EVIDENCE)("evidence, $name: $found", async ({ ops, found }) => {
    expect(await stored.findings(ops())).toContain(found);
  });

  test.each(RUNS)("run, $name: $found", async ({ ops, found }) => {
    expect(await stored.findings(ops())).toContain(found);
  });
});

test("the whole store put back to an older copy is found by whoever has kept a checkpoint", async () => {
  const { device } = stored;
  const back = [
    ...Array.from({ length: SIZE - device.oldSize }, (_, i) => del("lg", keyOf(device.oldSize + i))),
    del("lgcp", keyOf(SIZE)),
  ];

  // The head of that time is sealed by the device itself: only its absence can be played here.
  const found = await stored.findings(back);

  expect(found).toContain(`ledger:truncated@${device.oldSize}`);
  expect(toHex(sha256(utf8(device.oldNote)))).not.toBe(toHex(sha256(utf8(device.note))));
});
