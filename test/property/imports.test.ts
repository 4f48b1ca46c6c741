/** What is carried from device to device as files and offers: runs, evidence, ledgers, notes, proofs, releases. */

import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import type { Device } from "../../firmware/composition/device.ts";
import { exportRun, importRun, readRunExport } from "../../firmware/composition/state-export.ts";
import { replayRun } from "../../firmware/composition/state-replay.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { keyIdOf } from "../../firmware/core/key-record.ts";
import { parseJson } from "../../firmware/core/parse-json.ts";
import { ContentStore, importRunEvidence } from "../../firmware/evidence/index.ts";
import {
  addCheckpoint,
  CompactRange,
  checkImport,
  exportLines,
  formatProof,
  formatVkey,
  formatWitnessRequest,
  type LedgerEntry,
  leafHash,
  parseCheckpoint,
  parseNote,
  parseProof,
  parseVkey,
  parseWitnessRequest,
  type VerifierKey,
  verifierKey,
  verifyCheckpoint,
  verifyNote,
} from "../../firmware/ledger/index.ts";
import { buildRelease, readBundle, verifyStatement } from "../../ota/index.ts";
import { Assembly } from "../../ota/transport/assembly.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { keyRecord } from "../fleet/device.ts";
import { silentLog } from "../fleet/support.ts";
import { bench, FaultStore, fill, signer } from "../ledger/fixture.ts";
import { smallestPolicy } from "../policy/smallest-policy.ts";
import { TemporaryFolder } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder } from "../system/device-folder.ts";
import { expectCleanPrototypes, HOSTILE_VALUES, mutated, mutatedBytes, typed, within } from "./mutations.ts";

afterEach(expectCleanPrototypes);

describe("an exported run", () => {
  let folder: TemporaryFolder;
  let document: JsonObject = {};
  let view: Device["parts"]["loader"]["view"];

  beforeAll(async () => {
    folder = await TemporaryFolder.create();
    const { configPath } = await deviceFolder(folder.path);
    const device = await openDevice(await loadConfig(new NodeFiles(), configPath), silentLog);
    await device.start();
    const { runs, state, loader } = device.parts;
    const { runId } = await runs.start({ program: "climate", trigger: { type: "command" }, payload: {} });
    for (let i = 0; i < 100 && !(await state.store.get("run", runId)); i++) await state.clock.sleep(10);
    document = JSON.parse(canonicalize(await exportRun(state.store, state.content, runId)));
    view = loader.view;
    await device.stop("test");
  });

  afterAll(async () => {
    await folder[Symbol.asyncDispose]();
  });

  it("is read and stored as it is", async () => {
    const run = readRunExport(document);
    if (!run.ok) throw new Error(run.code);
    const store = new MemoryStore();
    const content = new ContentStore({ store, wallMs: () => 0, onCorrupt: () => undefined });
    expect(await importRun(store, content, run, null)).toEqual({ isNew: true });
    expect(replayRun(run, view)).toMatchObject({ verdict: "equal" });
  });

  it("with anything changed is refused with a code, or replays to a value: never a fault", () => {
    let accepted = 0;
    fc.assert(
      fc.property(mutated(document), (changed) => {
        const run = within(1000, () => readRunExport(changed));
        if (run.ok) {
          accepted++;
          replayRun(run, view);
        } else expect(run.code).toMatch(/^[a-z][a-z0-9_]*$/);
      }),
      { numRuns: 500 },
    );
    expect(accepted).toBeLessThan(500);
  });

  it("whose evidence alone has anything changed is refused unless it is the same evidence", () => {
    const { evidence } = document;
    if (evidence === undefined || !isJsonObject(evidence)) throw new Error("no evidence");
    fc.assert(
      fc.property(mutated(evidence), (changed) => {
        const read = within(1000, () => importRunEvidence(changed));
        if (!read.ok) return;
        const ids = (value: Json | undefined): string =>
          JSON.stringify(
            Array.isArray(value) ? value.map((item: Json) => (isJsonObject(item) ? item.id : null)) : null,
          );
        const original: Json | undefined = evidence.evidence;
        expect(ids(original).startsWith(JSON.stringify(read.evidence.map(({ id }) => id)).slice(0, -1))).toBe(
          true,
        );
      }),
      { numRuns: 400 },
    );
  });
});

describe("a ledger's own forms", () => {
  let docs: readonly Json[] = [];
  let note = "";
  let origin = "";
  let logKeys: readonly VerifierKey[] = [];

  beforeAll(async () => {
    const ledger = await bench(new FaultStore()).open();
    await fill(ledger, 9);
    note = await ledger.checkpoint();
    ({ origin, logKeys } = ledger);
    const entries: LedgerEntry[] = [];
    for await (const { entry } of ledger.reader.entries()) entries.push(entry);
    const range = entries
      .slice(0, 5)
      .reduce((tree, entry) => tree.append(leafHash(utf8(canonicalize(entry)))), CompactRange.EMPTY);
    async function* part() {
      yield* entries.slice(5);
    }
    const header = { origin, from: 5, to: 9, prevHash: entries[5]?.prev_hash ?? "", range };
    const lines: Json[] = [];
    for await (const line of exportLines(header, part(), note)) lines.push(JSON.parse(line));
    docs = lines;
  });

  const judge = (lines: readonly Json[]) =>
    checkImport({
      header: lines[0] ?? null,
      entries: lines.slice(1, -1),
      trailer: lines.at(-1) ?? null,
      knowsOrigin: (name) => name === origin,
      verify: (text) => verifyCheckpoint(typeof text === "string" ? text : "", { logKeys, nowSec: 0 }),
    });

  it("an export with anything changed is refused with a code", () => {
    expect(judge(docs)).toMatchObject({ ok: true });
    fc.assert(
      fc.property(mutated(docs as Json), (changed) => {
        const lines: readonly Json[] = Array.isArray(changed) ? changed : [changed];
        const verdict = within(1000, () => judge(lines));
        if (verdict.ok) expect(canonicalize(lines.slice(1, -1))).toBe(canonicalize(docs.slice(1, -1)));
      }),
      { numRuns: 600 },
    );
  });

  it("a note with anything changed is read or refused with a typed error, and believed only if it says the same", () => {
    const { text } = parseNote(note);
    fc.assert(
      fc.property(mutatedBytes(utf8(note)), (bytes) => {
        const read = within(500, () => typed(() => parseNote(bytes)));
        if (!(read instanceof CodedError)) typed(() => parseCheckpoint(read.text));
        const believed = typed(() => verifyNote(bytes, logKeys));
        if (!(believed instanceof CodedError)) expect(believed).toBe(text);
        typed(() => verifyCheckpoint(bytes, { logKeys, nowSec: 0 }));
      }),
      { numRuns: 500 },
    );
  });

  it("verifier keys, proofs and requests to witnesses are read or refused with a typed error", () => {
    const vkey = formatVkey(verifierKey("log", 1, signer.publicKeyHex));
    const hash = new Uint8Array(32).fill(5);
    const proof = utf8(formatProof({ index: 3, hashes: [hash, hash], note }));
    const request = utf8(formatWitnessRequest({ old: 4, proof: [hash, hash], note }));
    const context = { keysOf: () => logKeys, clockSynced: true, nowSec: 5, name: "w", signer };
    const known = { size: 4, root: hash, note };
    fc.assert(
      fc.property(mutatedBytes(utf8(vkey)), mutatedBytes(proof), mutatedBytes(request), (a, b, c) => {
        typed(() => parseVkey(new TextDecoder().decode(a)));
        typed(() => parseProof(b));
        const read = typed(() => parseWitnessRequest(c));
        if (read instanceof CodedError) return;
        const answer = within(500, () => addCheckpoint(read, known, context));
        expect(answer.status).not.toBe(200);
      }),
      { numRuns: 400 },
    );
  });
});

describe("a release", () => {
  const deployer = keyPairFromSeed(new Uint8Array(32).fill(4));
  const record = keyRecord(deployer, ["deploy"]);
  const source = {
    fleet: "plant",
    audience: "*" as const,
    releaseId: "r-1",
    version: 1,
    policy: smallestPolicy as JsonObject,
    programs: [{ format: "imu.program/1", name: "pump" }],
    issuedAt: 1_700_000_000_000,
    expiresAt: 1_800_000_000_000,
  };
  const built = buildRelease(source, [{ keyId: keyIdOf(deployer.publicKeyHex), pair: deployer }]);
  const context = {
    keys: new Map([[record.keyId, record]]),
    k: 1,
    now: 1_700_000_000_001,
    fleet: "plant",
    device: "imu-0011223344556677",
    groups: [],
  };
  const json = (bytes: Uint8Array): Json => parseJson(bytes, { maxBytes: 1e6, maxDepth: 32 });

  it("is believed as it was signed", () => {
    expect(verifyStatement(built.statementBytes, context)).toMatchObject({ ok: true });
    expect(readBundle(built.bundle)).toMatchObject({ ok: true });
  });

  it("whose offer has anything changed is refused with a code, or says exactly the same", () => {
    const offer = fc.oneof(
      mutatedBytes(built.statementBytes),
      mutated(json(built.statementBytes)).map((value) => utf8(JSON.stringify(value))),
      fc.constantFrom(...HOSTILE_VALUES).map((value) => utf8(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(offer, (bytes) => {
        const verdict = within(500, () => verifyStatement(bytes, context));
        if (verdict.ok) expect(verdict.statement).toEqual(built.statement);
      }),
      { numRuns: 600 },
    );
  });

  it("whose bundle has anything changed is refused with a code or read whole", () => {
    const bundle = fc.oneof(
      mutatedBytes(built.bundle),
      mutated(json(built.bundle)).map((value) => utf8(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(bundle, (bytes) => {
        const read = within(1000, () => readBundle(bytes));
        if (!read.ok) expect(read.code).toMatch(/^[a-z][a-z0-9_]*$/);
      }),
      { numRuns: 500 },
    );
  });

  it("in chunks holds only chunks of the right length, in any order, from whoever sends them", () => {
    const target = { sha256: built.releaseHash, length: built.bundle.length };
    const chunk = fc.tuple(fc.integer({ min: -2, max: 4 }), fc.uint8Array({ maxLength: 64 }));
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => {
        const assembly = new Assembly(target);
        for (const [index, bytes] of chunks) expect(assembly.add(index, bytes)).toBe(false);
        expect(assembly.received).toBe(0);
        expect(assembly.add(0, built.bundle)).toBe(true);
        expect(assembly.finish()).toMatchObject({ ok: true });
      }),
    );
  });
});
