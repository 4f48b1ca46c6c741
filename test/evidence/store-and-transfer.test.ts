import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import type { Json } from "../../firmware/core/json.ts";
import {
  ContentStore,
  collectGarbage,
  decodeEvidence,
  encodeEvidence,
  exportRunEvidence,
  importRunEvidence,
  readEvidence,
  sealsOf,
} from "../../firmware/evidence/index.ts";
import { put } from "../../firmware/ports/store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { reading, SEALER, startRun } from "./support.ts";

const contentStore = (store: MemoryStore, onCorrupt: (sha256: string) => void = () => undefined) =>
  new ContentStore({ store, wallMs: () => 1, maxBlobBytes: 16, onCorrupt });

describe("the content store", () => {
  it("sets a corrupt blob aside, raises one alert and never serves it", async () => {
    await using store = new MemoryStore();
    const alerts: string[] = [];
    const cas = contentStore(store, (sha256) => alerts.push(sha256));
    const sha256 = await cas.put(utf8("hello"));
    await store.batch([put("cas", sha256, utf8("hellO"))], { sync: true });
    await expect(cas.get(sha256)).rejects.toMatchObject({ code: "integrity_error", details: { sha256 } });
    await expect(cas.get(sha256)).rejects.toMatchObject({ code: "not_found" });
    expect(alerts).toEqual([sha256]);
    expect(await store.get("casbad", sha256)).toEqual(utf8("hellO"));
  });

  it("refuses a blob that is too large before anything is written", async () => {
    await using store = new MemoryStore();
    const cas = contentStore(store);
    await expect(cas.put(new Uint8Array(17))).rejects.toMatchObject({ code: "too_large" });
    const rows: string[] = [];
    for await (const [key] of store.range("cas")) rows.push(key);
    expect(rows).toEqual([]);
  });

  it.each(["", "A", "a b", "../é", "x".repeat(129)])("refuses the link name %j", async (name) => {
    await using store = new MemoryStore();
    const cas = contentStore(store);
    const sha256 = await cas.put(utf8("hello"));
    await expect(cas.link(name, sha256)).rejects.toMatchObject({ code: "malformed" });
  });
});

describe("stored envelopes", () => {
  it("come back equal and are refused in any other shape", () => {
    const evidence = startRun().run.record(reading(21.5));
    expect(decodeEvidence(encodeEvidence(evidence))).toEqual(evidence);
    const damaged: unknown[] = [
      null,
      { ...evidence, id: "x" },
      { ...evidence, seal: null },
      { ...evidence, body: { ...evidence.body, trust: 1.5 } },
      { ...evidence, body: { ...evidence.body, ttlMs: -1 } },
      { ...evidence, body: { ...evidence.body, extra: 1 } },
      { ...evidence, body: { ...evidence.body, parents: ["nope"] } },
    ];
    expect(damaged.map(readEvidence)).toEqual(damaged.map(() => null));
    expect(decodeEvidence(encodeCbor([1, 2]))).toBeNull();
  });
});

async function exported() {
  const { run } = startRun();
  run.record(reading(21.5));
  run.record({ kind: "serial_read", source: "serial://ttys0", blob: utf8("raw") });
  const store = new MemoryStore();
  await store.batch(run.ops(), { sync: true });
  const content = new ContentStore({ store, wallMs: () => 0, seals: sealsOf(SEALER) });
  const document = await exportRunEvidence(content, "run-1");
  return { run, document: JSON.parse(JSON.stringify(document)) as Record<string, never> };
}

describe("a run's evidence in another state directory", () => {
  it("arrives complete", async () => {
    const { run, document } = await exported();
    const result = importRunEvidence(document);
    if (!result.ok) throw new Error(result.reason);
    await using store = new MemoryStore();
    await store.batch(result.ops, { sync: true });
    const cas = new ContentStore({ store, wallMs: () => 0 });
    expect(await cas.evidenceOfRun("run-1")).toEqual(run.list);
    expect(await cas.get(run.list[1]?.body.sha256 ?? "")).toEqual(utf8("raw"));
  });

  const change = (path: readonly (string | number)[], value: Json) => (document: unknown) => {
    let at = document as Record<string | number, unknown>;
    for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
    at[path.at(-1) ?? ""] = value;
  };

  it.each([
    ["an edited payload", change(["evidence", 0, "body", "payload", "value"], 99), "digest_mismatch"],
    ["a raised trust", change(["evidence", 0, "body", "trust"], 1), "id_mismatch"],
    ["another run's name", change(["runId"], "run-2"), "malformed"],
    ["a missing blob", change(["blobs"], {}), "missing_object"],
    ["an entry of another shape", change(["evidence", 1], { id: 1 }), "malformed"],
  ])("is refused with %s", async (_, damage, reason) => {
    const { document } = await exported();
    damage(document);
    expect(importRunEvidence(document)).toMatchObject({ ok: false, reason });
  });

  it("is refused with a changed blob", async () => {
    const { run, document } = await exported();
    change(["blobs", run.list[1]?.body.sha256 ?? ""], "AAAA")(document);
    expect(importRunEvidence(document)).toMatchObject({ reason: "digest_mismatch" });
  });
});

describe("collection", () => {
  it("removes expired evidence that nobody retains and only blobs that nothing names", async () => {
    await using store = new MemoryStore();
    const cas = new ContentStore({ store, wallMs: () => 0 });
    const clock = new ManualClock();
    const leave = async (runId: string, text: string) => {
      const { run } = startRun({ runId, clock });
      const one = run.record({ kind: "serial_read", source: "serial://ttys0", blob: utf8(text) });
      await store.batch(run.ops(), { sync: true });
      return one;
    };
    const kept = await leave("run-1", "kept");
    await leave("run-2", "gone");
    const [linked, named, loose] = [
      await cas.put(utf8("a")),
      await cas.put(utf8("b")),
      await cas.put(utf8("cc")),
    ];
    await cas.link("latest", linked);
    const retains = ({ runId }: { readonly runId: string | null }) => runId === "run-1";
    const references = (sha256: string) => sha256 === named;

    const early = await collectGarbage({
      store,
      nowMs: clock.wallMs() + 600_000,
      retains,
      references: () => true,
    });
    expect(early).toMatchObject({ envelopes: 0, objects: 0, bytes: 0 });

    const nowMs = clock.wallMs() + 600_001;
    expect(await collectGarbage({ store, nowMs, retains, references })).toMatchObject({
      envelopes: 1,
      objects: 2,
      bytes: 6,
    });
    expect((await cas.evidenceOfRun("run-1")).map(({ id }) => id)).toEqual([kept.id]);
    expect(await cas.evidenceOfRun("run-2")).toEqual([]);
    for (const sha256 of [kept.body.sha256, linked, named]) expect(await cas.get(sha256)).toBeDefined();
    await expect(cas.get(loose)).rejects.toMatchObject({ code: "not_found" });
  });

  it("judges nothing to be garbage while an envelope cannot be read", async () => {
    await using store = new MemoryStore();
    await store.batch([put("ev", "x", encodeCbor(1))], { sync: true });
    const sha256 = await new ContentStore({ store, wallMs: () => 0 }).put(utf8("a"));
    const options = { store, nowMs: 0, retains: () => false, references: () => false };
    await expect(collectGarbage(options)).rejects.toMatchObject({ code: "store_corrupt" });
    expect(await store.get("cas", sha256)).toBeDefined();
  });
});
