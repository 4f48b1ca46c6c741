import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import type { Json } from "../../firmware/core/json.ts";
import {
  CompactRange,
  checkImport,
  exportLines,
  type LedgerEntry,
  leafHash,
  verifyCheckpoint,
} from "../../firmware/ledger/index.ts";
import { bench, FaultStore, fill } from "./fixture.ts";

async function exported() {
  const ledger = await bench(new FaultStore()).open();
  await fill(ledger, 9);
  const note = await ledger.checkpoint();
  const all: LedgerEntry[] = [];
  for await (const { entry } of ledger.reader.entries()) all.push(entry);
  const range = all
    .slice(0, 5)
    .reduce((tree, entry) => tree.append(leafHash(utf8(canonicalize(entry)))), CompactRange.EMPTY);
  const header = { origin: ledger.origin, from: 5, to: 9, prevHash: all[5]?.prev_hash ?? "", range };
  async function* part() {
    yield* all.slice(5);
  }
  const docs: Json[] = [];
  for await (const line of exportLines(header, part(), note)) {
    expect(line.endsWith("\n")).toBe(true);
    docs.push(JSON.parse(line));
  }
  const verify = (text: Json) => verifyCheckpoint(String(text), { logKeys: ledger.logKeys, nowSec: 0 });
  return { docs, origin: ledger.origin, verify };
}

describe("an export", () => {
  it("of a part of the log passes the import checks, and none of its lines can change", async () => {
    const { docs, origin, verify } = await exported();
    const check = (lines: readonly Json[]) =>
      checkImport({
        header: lines[0] ?? null,
        entries: lines.slice(1, -1),
        trailer: lines.at(-1) ?? null,
        knowsOrigin: (name) => name === origin,
        verify,
      });
    expect(check(docs)).toEqual({ ok: true, entries: 4 });
    const edited = (at: number, change: object): Json[] =>
      docs.map((doc, i) => (i === at ? ({ ...(doc as object), ...change } as Json) : doc));
    const answers = [
      [edited(0, { v: 2 }), "export_bad_header"],
      [edited(0, { range: [] }), "export_bad_header"],
      [edited(0, { origin: "imu.invalid/x/y/0" }), "unknown_origin"],
      [edited(5, { checkpoint: "garbage" }), "bad_note"],
      [docs.filter((_, i) => i !== 2), "incomplete"],
      [edited(2, { ts: 1 }), "chain_break"],
      [edited(2, { extra: 1 }), "bad_entry"],
      [edited(4, { ts: 1 }), "root_mismatch"],
    ] as const;
    for (const [lines, code] of answers) expect(check(lines)).toMatchObject({ ok: false, code });
  });
});
