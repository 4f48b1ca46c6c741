/**
 * No byte of a stored row of the ledger, of evidence or of a run can change unnoticed. What is exempt is listed here, by
 * name: members of a run's record that say how it went by the clock and what it cost, and that nothing is decided by.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { isJsonObject, type Json } from "../../firmware/core/json.ts";
import { changedPaths } from "../../firmware/ledger/index.ts";
import { put } from "../../firmware/ports/store.ts";
import { type Row, StoredDevice, type Sub } from "./stored-device.ts";

const CHECKED: readonly Sub[] = [
  "lg",
  "lgcp",
  "lghead",
  "lgsigned",
  "evpack",
  "evbase",
  "cas",
  "run",
  "runbase",
  "progdoc",
];

/** JSON pointers, or beginnings of them, into the record of a run. */
const EXEMPT = [
  "/startedAt",
  "/wallMs",
  "/metrics/",
  "/release/",
  "/tier",
  "/state",
  "/safeStates",
  "/sim",
  "/rollup",
];

/** Places of one row that are tried; a longer row is gone through in steps. */
const MOST_PLACES = 200;

let stored: StoredDevice;

beforeAll(async () => {
  stored = await StoredDevice.create();
});
afterAll(() => stored[Symbol.asyncDispose]());

function decoded(runId: string, bytes: Uint8Array): Json | undefined {
  try {
    const value = stored.recordOf(runId, bytes);
    canonicalize(value);
    return value;
  } catch {
    return undefined;
  }
}

/** Whether the flip changed nothing that is said, or only what is exempt. */
function isExempt({ sub, key, value }: Row, flipped: Uint8Array): boolean {
  if (sub !== "run") return false;
  const [before, after] = [decoded(key, value), decoded(key, flipped)];
  if (before === undefined || after === undefined || !isJsonObject(before)) return false;
  return changedPaths(before, after).changedPaths.every((path) =>
    EXEMPT.some((exempt) => path.startsWith(exempt)),
  );
}

async function unnoticed(row: Row, at: number, mask: number): Promise<string | null> {
  const flipped = row.value.slice();
  flipped[at] = (flipped[at] ?? 0) ^ mask;
  const found = await stored.findings([put(row.sub, row.key, flipped)]);
  if (found.length > 0 || isExempt(row, flipped)) return null;
  return `${row.sub}!${row.key} byte ${at} of ${row.value.length}, mask ${mask}`;
}

test("any byte of any row, with any mask", { timeout: 120_000 }, async () => {
  const rows = stored.rows.filter(({ sub }) => CHECKED.includes(sub));
  expect(new Set(rows.map(({ sub }) => sub))).toEqual(new Set(CHECKED));
  await fc.assert(
    fc.asyncProperty(
      // Sublevels alike, though most rows are evidence.
      fc.constantFrom(...CHECKED),
      fc.nat(),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (sub, which, place, mask) => {
        const own = rows.filter((row) => row.sub === sub);
        const row = own[which % own.length];
        if (row === undefined) return;
        expect(await unnoticed(row, place % row.value.length, mask)).toBeNull();
      },
    ),
    { numRuns: 600 },
  );
});

test("bytes all over the head, the last signature, a checkpoint, an entry and the run's record", {
  timeout: 120_000,
}, async () => {
  const chosen = (
    ["lghead", "lgsigned", "lgcp", "lg", "evpack", "evbase", "run", "runbase"] as const
  ).flatMap((sub) => stored.of(sub).at(-1) ?? []);
  const found: string[] = [];
  for (const row of chosen) {
    const step = Math.ceil(row.value.length / MOST_PLACES);
    for (let at = 0; at < row.value.length; at += step) {
      const missed = await unnoticed(row, at, 1 << (at % 8));
      if (missed !== null) found.push(missed);
    }
  }
  expect(found).toEqual([]);
});
