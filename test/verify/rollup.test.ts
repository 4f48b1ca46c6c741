/** Runs that only a rollup covers, from the ledger of a device to what others can check of them. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundlePage, openBundle } from "../../firmware/composition/state-bundle.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { deviceIdOf } from "../../firmware/core/key-record.ts";
import { ContentStore, RunEvidence, SourceRegistry } from "../../firmware/evidence/index.ts";
import { formatVkey, Ledger } from "../../firmware/ledger/index.ts";
import { del } from "../../firmware/ports/store.ts";
import { type FullRunRecord, RunStore } from "../../firmware/runs/index.ts";
import { sharedSettlement } from "../../firmware/runs/settlement.ts";
import { effectiveLimits, inputHash, outputHash, programHash, VM_VERSION } from "../../firmware/vm/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { type Report, verify } from "../../verify/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { format, parse } from "./tampered.ts";

const SCRIPT = fileURLToPath(new URL("verify.py", import.meta.url));
const signer = keyPairFromSeed(new Uint8Array(32).fill(6));
const device = deviceIdOf(signer.publicKeyHex);
const RUNS = 7;
const POLICY = "c".repeat(64);
const PROGRAM = {
  format: "imu.program/1",
  name: "look",
  version: "1.0.0",
  isa: 1,
  code: [{ op: "HALT" }],
} as const;

const idOf = (n: number): string => `r018bcfe56800${String(n).padStart(8, "0")}`;

function recordOf(evidence: RunEvidence, n: number): FullRunRecord {
  const limits = effectiveLimits({ tier: "medium" });
  // Journals of more than 16 KiB stand outside the record.
  const journal =
    n === 3 ? Array.from({ length: 600 }, (_, turn) => ({ t: "wake", turn, task: 0 }) as const) : [];
  const inputs = { journal, limits, payload: null, trigger: { kind: "interval", dueAt: n } };
  const outcome = { status: 200, body: null, claims: [], effects: [], error: null };
  const none = { memBytes: 0, memKb: 0, ioCalls: 0, sleptMs: 0, claims: 0, outputBytes: 0, ioReadBytes: 0 };
  const metrics = { ...none, tasks: 1, cpuSteps: n, wallMs: 3, ioWriteBytes: 0, netOutBytes: 0 };
  return {
    v: 1,
    runId: evidence.runId,
    program: { name: "look", version: "1.0.0", programHash: programHash(PROGRAM) },
    subject: "program:look",
    tier: "medium",
    policyHash: POLICY,
    ...inputs,
    startedAt: 1_700_000_000_000 + n,
    wallMs: 3,
    outcome,
    release: { ok: true, status: 200, reason: null },
    vmVersion: VM_VERSION,
    inputHash: inputHash(inputs),
    outputHash: outputHash(outcome),
    metrics: { ...metrics, refusals: 0, phiChargedMilli: 0 },
    evidence: evidence.list.map(({ id }) => id),
    safeStates: [],
    state: "halted",
  };
}

async function aDevice() {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const content = new ContentStore({ store, wallMs: () => clock.wallMs() });
  const ledger = await Ledger.open({
    store,
    clock,
    fleet: "plant",
    device,
    headKey: new Uint8Array(32),
    signer,
    simulated: false,
    groupCommitMs: 0,
  });
  const runs = new RunStore(store, content);
  await ledger.commit(
    { events: [], ops: [runs.stageDocument(programHash(PROGRAM), PROGRAM)] },
    { urgent: true },
  );
  for (let n = 0; n < RUNS; n++) {
    const evidence = new RunEvidence({
      runId: idOf(n),
      subject: "program:look",
      deviceId: device,
      policyHash: POLICY,
      clock,
      sources: new SourceRegistry({ simulated: false }),
      sealer: { kid: "k", key: new Uint8Array(32) },
      maxPerRun: 64,
    });
    for (let i = 0; i < 3; i++)
      evidence.record({ kind: "gpio_read", source: "gpio://gpiochip0/4", payload: { value: 1, n, i } });
    const record = recordOf(evidence, n);
    const facts = { record, evidence: record.evidence, events: [], ops: evidence.ops() };
    await ledger.commit(sharedSettlement(facts, runs.stageShared(record)), { urgent: true });
  }
  await ledger.checkpoint();
  return { store, content, vkey: formatVkey(ledger.logKeys[0] as (typeof ledger.logKeys)[0]) };
}

type Made = Awaited<ReturnType<typeof aDevice>>;

async function exported({ store, content }: Made, params: JsonObject): Promise<string> {
  let page = await openBundle(store, content, params);
  let text = "";
  for (;;) {
    text += (page.lines as readonly string[]).join("");
    if (page.cursor === null) return text;
    page = await bundlePage(store, content, page.cursor as JsonObject);
  }
}

const judged = (text: string): Promise<Report> =>
  verify(utf8(text), { keys: [signer.publicKeyHex], nowSec: 2_000_000_000 });

type Line = ReturnType<typeof parse>[number];

/** A bundle with one of its lines changed, and everything else as it should be. */
const changed = (text: string, change: (lines: Line[]) => readonly Line[]): string =>
  format(change(parse(text)));

let made: Made;
let dir: string;
let one: string;
let all: string;

beforeAll(async () => {
  made = await aDevice();
  dir = await mkdtemp(join(tmpdir(), "imu-rollup-"));
  one = await exported(made, { run: idOf(2) });
  all = await exported(made, { content: true });
});

afterAll(() => rm(dir, { recursive: true, force: true }));

async function python(text: string): Promise<string> {
  const path = join(dir, "file.bundle");
  await writeFile(path, text);
  const { stdout, stderr } = spawnSync("python3", [SCRIPT, path, made.vkey], { encoding: "utf8" });
  return `${stdout}${stderr}`.trim();
}

describe("a run that only a rollup covers", () => {
  test("is exported with its record and proven", async () => {
    const report = await judged(one);
    const [entry, record] = parse(one).slice(2);
    expect(report).toMatchObject({ verdict: "verified", findings: [] });
    expect(report.counts).toMatchObject({ entry: 1, run: 1, evidence: 3, document: 4 });
    expect(entry).toMatchObject({ entry: { event: { kind: "run_rollup", data: { count: RUNS } } } });
    expect(record).toMatchObject({ t: "record", seq: 2, record: { runId: idOf(2) } });
    expect(await python(one)).toBe("verified");
  });

  test("is exported with all that share its entry, page by page", async () => {
    expect(await judged(all)).toMatchObject({ verdict: "verified", counts: { entry: 1, run: RUNS } });
    expect(parse(all).filter(({ t }) => t === "record")).toHaveLength(RUNS);
    expect(await python(all)).toBe("verified");
  });

  test("whose journal stands outside its record is proven with it", async () => {
    const text = await exported(made, { run: idOf(3) });
    const record = parse(text).find(({ t }) => t === "record") as { readonly record: JsonObject };
    expect(record.record.journal).toHaveProperty("sha256");
    expect(await judged(text)).toMatchObject({ verdict: "verified" });
  });

  test("without content its entry alone is proven", async () => {
    const text = await exported(made, {});
    expect(await judged(text)).toMatchObject({ verdict: "verified", counts: { entry: 1 } });
    expect(await python(text)).toBe("verified");
  });
});

const withRecord = (lines: Line[], member: string, value: Json): readonly Line[] =>
  lines.map((line) =>
    line.t === "record" && line.seq === 2
      ? { ...line, record: { ...(line.record as JsonObject), [member]: value } }
      : line,
  );

describe("a file that was changed", () => {
  test.each<readonly [name: string, code: string, change: (lines: Line[]) => readonly Line[]]>([
    ["the steps of a record", "record_not_included", (lines) => withRecord(lines, "wallMs", 4)],
    ["the id of a record", "record_not_included", (lines) => withRecord(lines, "runId", idOf(1))],
    [
      "the place of a record",
      "record_not_included",
      (lines) => lines.map((line) => (line.t === "record" ? { ...line, seq: 3 } : line)),
    ],
    [
      "a record of another policy",
      "run_mismatch",
      (lines) => withRecord(lines, "policyHash", "d".repeat(64)),
    ],
    [
      "the outcome",
      "output_hash_mismatch",
      (lines) => lines.map((line) => (line.of === "outcome" ? { ...line, value: { status: 201 } } : line)),
    ],
    [
      "evidence is missing",
      "evidence_missing",
      (lines) => lines.filter(({ t, seq }) => t !== "evidence" || seq !== 1),
    ],
    ["a document is missing", "document_missing", (lines) => lines.filter(({ of }) => of !== "input")],
    ["the record is missing", "out_of_order", (lines) => lines.filter(({ t }) => t !== "record")],
    [
      "record, documents and evidence are missing",
      "run_missing",
      (lines) => lines.filter(({ t }) => !["record", "document", "evidence"].includes(String(t))),
    ],
  ])("%s: %s", async (_, code, change) => {
    const report = await judged(changed(one, change));
    expect(report.verdict).not.toBe("verified");
    expect(report.findings.map((finding) => finding.code)).toContain(code);
  });

  test("misses a run of the range", async () => {
    let isOut = false;
    const text = changed(all, (lines) =>
      lines.filter(({ t, seq }) => {
        if (t === "record") isOut = seq === 5;
        return !isOut || t === "end";
      }),
    );
    const codes = (await judged(text)).findings.map(({ code }) => code);
    expect(codes).toContain("run_missing");
    expect(await python(text)).toBe("run_missing");
  });

  test("is found out by the other verifier too", async () => {
    expect(await python(changed(one, (lines) => withRecord(lines, "wallMs", 4)))).toBe("record_not_included");
  });
});

describe("what retention has taken", () => {
  test("a record of the rollup: none of its runs can be proven, and the file says so", async () => {
    const { store, ...rest } = await aDevice();
    await store.batch([del("run", idOf(0))], { sync: true });
    const report = await judged(await exported({ store, ...rest }, { run: idOf(2) }));
    expect(report.verdict).toBe("unproven");
    expect(report.findings.map(({ code }) => code)).toEqual(["run_withheld"]);
    expect(report.counts).toMatchObject({ entry: 1 });
  });

  test("evidence of one run: its record is proven, the run is withheld", async () => {
    const { store, ...rest } = await aDevice();
    await store.batch([del("evpack", idOf(2))], { sync: true });
    const report = await judged(await exported({ store, ...rest }, { content: true }));
    expect(report.findings.map(({ code }) => code)).toEqual(["run_withheld"]);
    expect(report.counts).toMatchObject({ run: RUNS - 1 });
  });
});
