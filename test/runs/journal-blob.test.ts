import { expect, test } from "vitest";
import { ContentStore, MAX_BLOB_BYTES } from "../../firmware/evidence/index.ts";
import { readJournal, stageJournal } from "../../firmware/runs/journal-blob.ts";
import type { JournalEntry } from "../../firmware/vm/types.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";

const calls = (count: number): readonly JournalEntry[] =>
  Array.from({ length: count }, (_, turn) => ({
    t: "call",
    turn,
    task: 0,
    capability: "kv.get",
    args: { key: "nothing" },
    ok: true,
    result: { found: false, note: "é".repeat(40) },
    evidence: ["0".repeat(64)],
  }));

async function stored(count: number) {
  const store = new MemoryStore();
  const staged = stageJournal(calls(count));
  await store.batch(staged.ops, { sync: true });
  return { ...staged, store, content: new ContentStore({ store, wallMs: () => 0 }) };
}

test("a short journal stays inside its record", async () => {
  const { stored: journal, ops } = await stored(3);

  expect(journal).toEqual(calls(3));
  expect(ops).toEqual([]);
});

test.each([100, 3000, 10_000])("a journal of %i calls is read back from the content store", async (count) => {
  const { stored: journal, ops, content } = await stored(count);

  if (!("sha256" in journal)) throw new Error("the journal is inline");
  expect(await readJournal(content, journal)).toEqual(calls(count));
  for (const op of ops) expect(op.type === "put" ? op.value.length : 0).toBeLessThanOrEqual(MAX_BLOB_BYTES);
});

test("parts that were swapped are an integrity error", async () => {
  const { stored: journal, content } = await stored(10_000);

  if (!("sha256" in journal)) throw new Error("the journal is inline");
  const parts = [...(journal.parts ?? [])].reverse();
  expect(parts.length).toBeGreaterThan(1);
  await expect(readJournal(content, { ...journal, parts })).rejects.toMatchObject({
    code: "integrity_error",
  });
});
