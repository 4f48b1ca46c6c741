import { describe, expect, it } from "vitest";
import { recordApplied } from "../../firmware/composition/applied.ts";
import type { DeviceState } from "../../firmware/composition/state.ts";
import { jcs } from "../../firmware/core/canonical-json.ts";
import { sha256Hex } from "../../firmware/core/hash.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { ContentStore } from "../../firmware/evidence/index.ts";
import { del } from "../../firmware/ports/store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { bench } from "../ledger/fixture.ts";

const first: JsonObject = { board: "sim", ota: { quorum: 1 } };
const second: JsonObject = { board: "sim", ota: { quorum: 2 }, sensors: [] };
const digest = (value: JsonObject): string => sha256Hex(jcs(value));

async function aState() {
  const { store, open } = bench(new MemoryStore());
  const ledger = await open();
  const content = new ContentStore({ store, wallMs: () => 0 });
  const state = { store, ledger, content } as Pick<
    DeviceState,
    "store" | "ledger" | "content"
  > as DeviceState;
  const entries = async () => (await ledger.reader.tail(10)).map(({ entry }) => entry.event);
  return { state, store, content, entries };
}

describe("what a start puts in force", () => {
  it("is recorded when it differs from the start before, with both sides and the paths", async () => {
    const { state, content, entries } = await aState();

    expect(await recordApplied(state, "imud.yaml", first)).toBe(true);
    expect(await recordApplied(state, "imud.yaml", first)).toBe(false);
    expect(await entries()).toEqual([]);
    expect(await recordApplied(state, "imud.yaml", second)).toBe(true);

    const [entry, ...more] = await entries();
    expect(more).toEqual([]);
    expect(entry).toMatchObject({
      kind: "config_change",
      data: {
        name: "imud.yaml",
        before: digest(first),
        after: digest(second),
        changedPaths: ["/ota/quorum", "/sensors"],
      },
      refs: [digest(first), digest(second)],
    });
    expect(await content.get(digest(first))).toEqual(jcs(first));
  });

  it("has nothing to be compared with if the last snapshot is gone: it is the new start", async () => {
    const { state, store, entries } = await aState();
    await recordApplied(state, "imud.yaml", first);
    await store.batch([del("cas", digest(first))], { sync: true });

    expect(await recordApplied(state, "imud.yaml", second)).toBe(true);
    expect(await entries()).toEqual([]);
    expect(await recordApplied(state, "imud.yaml", first)).toBe(true);
    expect(await entries()).toHaveLength(1);
  });
});
