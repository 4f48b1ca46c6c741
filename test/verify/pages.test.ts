/** Exports that do not fit one page, payloads outside their records, and what retention has taken. */
import { beforeAll, describe, expect, test } from "vitest";
import { bundlePage, ledgerPage, openBundle } from "../../firmware/composition/state-bundle.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { deviceIdOf } from "../../firmware/core/key-record.ts";
import { LEDGER_LIMITS } from "../../firmware/core/limits.ts";
import { ContentStore, RunEvidence, SourceRegistry } from "../../firmware/evidence/index.ts";
import { Ledger } from "../../firmware/ledger/index.ts";
import { del, type Store } from "../../firmware/ports/store.ts";
import { type FullRunRecord, RunStore } from "../../firmware/runs/index.ts";
import { settlement } from "../../firmware/runs/settlement.ts";
import { effectiveLimits, inputHash, outputHash, programHash, VM_VERSION } from "../../firmware/vm/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { type Report, verify } from "../../verify/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { format, parse } from "./tampered.ts";

const signer = keyPairFromSeed(new Uint8Array(32).fill(5));
const device = deviceIdOf(signer.publicKeyHex);
const RUN_ID = "r018bcfe5680001020304";
const SECOND_ID = "r018bcfe5680001020305";
const BLOBS = 30;

const PROGRAM = {
  format: "imu.program/1",
  name: "look",
  version: "1.0.0",
  isa: 1,
  code: [{ op: "HALT" }],
} as const;

function recordOf(evidence: RunEvidence): FullRunRecord {
  const limits = effectiveLimits({ tier: "medium" });
  const inputs = { journal: [], limits, payload: null, trigger: { kind: "boot" } };
  const outcome = { status: 200, body: null, claims: [], effects: [], error: null };
  const counts = {
    memBytes: 0,
    memKb: 0,
    ioCalls: 0,
    sleptMs: 0,
    tasks: 1,
    claims: 0,
    outputBytes: 0,
    ioReadBytes: 0,
  };
  return {
    v: 1,
    runId: evidence.runId,
    program: { name: "look", version: "1.0.0", programHash: programHash(PROGRAM) },
    subject: "program:look",
    tier: "medium",
    policyHash: "c".repeat(64),
    ...inputs,
    startedAt: 1_700_000_000_000,
    wallMs: 3,
    outcome,
    release: { ok: true, status: 200, reason: null },
    vmVersion: VM_VERSION,
    inputHash: inputHash(inputs),
    outputHash: outputHash(outcome),
    metrics: {
      ...counts,
      cpuSteps: 1,
      wallMs: 3,
      ioWriteBytes: 0,
      netOutBytes: 0,
      refusals: 0,
      phiChargedMilli: 0,
    },
    evidence: evidence.list.map(({ id }) => id),
    safeStates: [],
    state: "halted",
  };
}

/** A log with entries of several KiB, and a run in it whose readings are blobs of 100 KiB. */
async function aDevice(): Promise<{ readonly store: Store; readonly content: ContentStore }> {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const content = new ContentStore({ store, wallMs: () => clock.wallMs() });
  const options = {
    store,
    clock,
    fleet: "plant",
    device,
    headKey: new Uint8Array(32),
    signer,
    simulated: false,
  };
  const ledger = await Ledger.open({ ...options, groupCommitMs: 0 });
  const large = (n: number) => ({
    kind: "config_change",
    actor: "daemon",
    severity: "info" as const,
    data: { name: `p${n}`, old: "x".repeat(7000), new: "y\u00e9\u2028\n" },
  });
  const fill = (from: number) => ({
    events: Array.from({ length: 100 }, (_, n) => large(from + n)),
    ops: [],
  });
  await ledger.commit(fill(0), { urgent: true });
  const runs = new RunStore(store, content);
  const settle = async (runId: string, blobs: number): Promise<void> => {
    const evidence = new RunEvidence({
      runId,
      subject: "program:look",
      deviceId: device,
      policyHash: "c".repeat(64),
      clock,
      sources: new SourceRegistry({ simulated: false }),
      sealer: { kid: "k", key: new Uint8Array(32) },
      maxPerRun: 64,
    });
    for (let n = 0; n < blobs; n++) {
      evidence.record({
        kind: "serial_read",
        source: "serial://ttyS0",
        blob: new Uint8Array(100_000).fill(n),
      });
    }
    const record = recordOf(evidence);
    const facts = { record, evidence: record.evidence, events: [], ops: evidence.ops() };
    const ops = [...runs.stage(record).ops, runs.stageDocument(record.program.programHash, PROGRAM)];
    await ledger.commit(settlement(facts, ops), { urgent: true });
  };
  await settle(RUN_ID, BLOBS);
  await settle(SECOND_ID, 1);
  await ledger.commit(fill(100), { urgent: true });
  await ledger.checkpoint();
  return { store, content };
}

type Page = (params: JsonObject) => Promise<JsonObject>;

async function allPages(
  first: Page,
  next: Page,
  params: JsonObject,
): Promise<{ readonly text: string; readonly pages: number }> {
  let page = await first(params);
  let text = "";
  let pages = 0;
  for (;;) {
    const lines = (page.lines as readonly string[]).join("");
    // One line beyond the bound at most, and no line here has more than 200 kB.
    expect(lines.length).toBeLessThan(LEDGER_LIMITS.exportPageBytes + 200_000);
    text += lines;
    pages++;
    if (page.cursor === null) return { text, pages };
    page = await next(page.cursor as JsonObject);
  }
}

const judged = (text: string): Promise<Report> =>
  verify(utf8(text), { keys: [signer.publicKeyHex], nowSec: 2_000_000_000 });

describe("an export of many pages", () => {
  let made: Awaited<ReturnType<typeof aDevice>>;
  let bundle: Awaited<ReturnType<typeof allPages>>;

  const exported = ({ store, content }: typeof made, params: JsonObject) =>
    allPages(
      (given) => openBundle(store, content, given),
      (given) => bundlePage(store, content, given),
      params,
    );

  beforeAll(async () => {
    made = await aDevice();
    bundle = await exported(made, { content: true });
  });

  test("comes to the same as one, with every payload", async () => {
    const report = await judged(bundle.text);

    expect(bundle.pages).toBeGreaterThan(4);
    expect(report.findings).toEqual([]);
    expect(report.counts).toMatchObject({ entry: 202, run: 2, evidence: BLOBS + 1, document: 5 });
    expect(report.notes).toEqual(
      [RUN_ID, SECOND_ID].map((id) => `run ${id}: its policy is not part of the file`),
    );
  });

  test("shows a program once for all its runs, and both miss it if it is gone", async () => {
    const lines = parse(bundle.text);
    const programs = lines.filter(({ of }) => of === "program");
    const report = await judged(format(lines.filter((line) => !programs.includes(line))));

    expect(programs).toHaveLength(1);
    expect(report.findings.filter(({ code }) => code === "document_missing")).toHaveLength(2);
  });

  test("of one run finds its entry by the time in its id, and by looking at all if clocks jumped", async () => {
    expect(await judged((await exported(made, { run: RUN_ID })).text)).toMatchObject({ verdict: "verified" });
    await expect(exported(made, { run: "r0f8bcfe5680001020304" })).rejects.toMatchObject({
      code: "not_found",
    });
  });

  test("of the ledger in the form of the specification", async () => {
    const page = (params: JsonObject) => ledgerPage(made.store, params);
    const whole = await allPages(page, page, {});
    const part = await allPages(page, page, { from: 37 });

    expect(whole.pages).toBeGreaterThan(1);
    for (const { text } of [whole, part])
      expect(await judged(text)).toMatchObject({ verdict: "verified", findings: [] });
  });

  test("with a payload changed, or taken away", async () => {
    const change = (blob: string | undefined): string =>
      format(
        parse(bundle.text).map(({ blob: was, ...line }) => {
          const kept = line.t === "evidence" && line.seq === 7 ? blob : was;
          return kept === undefined ? line : { ...line, blob: kept };
        }),
      );

    expect(await judged(change("AAAA"))).toMatchObject({ verdict: "refuted", code: "digest_mismatch" });
    expect(await judged(change(undefined))).toMatchObject({ verdict: "unproven", code: "payload_missing" });
  });

  test("says that a run is there no more, and proves its entry all the same", async () => {
    const gone = await aDevice();
    await gone.store.batch([del("run", RUN_ID)], { sync: true });
    const report = await judged((await exported(gone, { content: true })).text);

    expect(report).toMatchObject({ verdict: "unproven", code: "run_withheld", findingCount: 1 });
    expect(report.counts).toMatchObject({ entry: 202, run: 1 });
  });
});
