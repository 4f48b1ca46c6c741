/** What a device exports is proven by its public key; every single change is found and named. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { sha256 } from "../../firmware/core/hash.ts";
import { formatVkey, signCheckpoint, TYPE_ED25519, verifierKey } from "../../firmware/ledger/index.ts";
import { type Report, reportText, verify } from "../../verify/index.ts";
import { type Exported, exportedDevice } from "./exported-device.ts";
import { format, type Line, parse, strangerKey, TAMPERS } from "./tampered.ts";

const NOW_SEC = 4_000_000_000;

let device: Exported;
let range: string;
let run: string;

beforeAll(async () => {
  device = await exportedDevice();
  range = await device.run("export", "--content");
  run = await device.run("export", "--run", device.runId, "--since", String(device.oldSize));
});
afterAll(() => device[Symbol.asyncDispose]());

interface Change {
  readonly keys?: readonly string[];
  readonly witnesses?: readonly string[];
  readonly known?: string;
}

const judged = (text: string, change: Change = {}): Promise<Report> =>
  verify(utf8(text), { keys: [device.log], witnesses: device.witnesses, nowSec: NOW_SEC, ...change });

describe("an untouched export", () => {
  test("of a range is proven item by item, with the keys that carry it", async () => {
    const report = await judged(range);

    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ verdict: "verified", code: null, size: 10, notes: [] });
    expect(report.counts).toMatchObject({ checkpoint: 2, entry: 10, run: 1, document: 4, evidence: 11 });
    expect(report.witnessedBy).toHaveLength(2);
    const [name, id] = device.log.split("+");
    expect(report.signedBy).toBe(`${name}+${id}`);
    expect(new Set(report.proven.map(({ by }) => by))).toEqual(new Set([`${name}+${id}`]));
  });

  test("of a run extends the checkpoint that was known", async () => {
    const report = await judged(run, { known: device.oldNote });

    expect(report).toMatchObject({ verdict: "verified", notes: [] });
    expect(report.proven.map(({ item }) => item)).toContain(`checkpoint ${device.oldSize}`);
  });

  test("needs no more than the device's PEM, or the digits of its key", async () => {
    const digits = Buffer.from(device.log.split("+").slice(2).join("+"), "base64")
      .subarray(1)
      .toString("hex");

    for (const key of [device.pem, digits]) {
      expect(await judged(range, { keys: [key], witnesses: [] })).toMatchObject({ verdict: "verified" });
    }
  });

  test("of the ledger alone, and a checkpoint by itself, are proven too", async () => {
    const ledger = await device.run("ledger", "export", "--from", "3");

    expect(await judged(ledger)).toMatchObject({ verdict: "verified", format: "imu-ledger-export" });
    expect(await judged(device.note)).toMatchObject({ verdict: "verified", format: "checkpoint" });
  });

  test("is said in text, without a character that steers a terminal", async () => {
    const text = reportText(await judged(range));

    expect(text).toContain("proven\tentry 3\trun\tby imu.invalid/greenhouse/");
    expect(text.endsWith("\nverified\n")).toBe(true);
  });
});

describe("a single change is found and named", () => {
  test.each(TAMPERS)("$name: $code", async ({ code, change }) => {
    const text = change(range);
    expect(text).not.toBe(range);

    const report = await judged(text);

    expect(report.verdict).not.toBe("verified");
    expect(report.findings.map((finding) => finding.code)).toContain(code);
    expect(report.code, JSON.stringify(report.findings)).toBe(code);
  });

  test("a fork: two signed trees of one size", async () => {
    const { ledger, close } = await device.openLedger();
    const pair = await device.signer();
    const other = signCheckpoint({ origin: ledger.origin, size: 10, root: sha256(utf8("other")) }, pair);
    await close();
    const lines = parse(range);
    lines.splice(2, 0, { t: "checkpoint", note: other, proof: [] });

    expect(await judged(format(lines))).toMatchObject({ verdict: "refuted", code: "fork" });
    expect(await judged(range, { known: other })).toMatchObject({ verdict: "refuted", code: "fork" });
  });

  test("a log that went back behind what is known", async () => {
    const lines = parse(range);
    const older = { t: "checkpoint", note: device.oldNote };
    const back = [
      { ...lines[0], to: 2 } as Line,
      older,
      ...lines.filter(({ t, index }) => t === "entry" && Number(index) < 2),
    ];
    const text = format([...back, { t: "end", lines: back.length }]);

    expect(await judged(text, { known: device.note, witnesses: [] })).toMatchObject({ code: "rolled_back" });
    expect(await judged(device.oldNote, { known: device.note, witnesses: [] })).toMatchObject({
      code: "rolled_back",
    });
  });

  test("a known checkpoint that nothing leads from", async () => {
    const lines = parse(run).filter((line, i) => i < 2 || line.t !== "checkpoint");
    const text = format(
      lines.map((line) => (line.t === "end" ? { ...line, lines: lines.length - 1 } : line)),
    );

    expect(await judged(text, { known: device.oldNote })).toMatchObject({
      verdict: "unproven",
      code: "consistency_missing",
    });
  });

  test("a run put in the place of another", async () => {
    const text = run.replace(`"run":"${device.runId}"`, '"run":"r01978000000001020304"');

    expect(await judged(text)).toMatchObject({ code: "run_mismatch" });
  });

  test("the file of another device, and the key of one", async () => {
    await using other = await exportedDevice();
    const name = device.log.split("+")[0] ?? "";
    const stranger = formatVkey(verifierKey(name, TYPE_ED25519, strangerKey.publicKeyHex));

    expect(await judged(range, { keys: [other.log] })).toMatchObject({
      verdict: "unproven",
      code: "wrong_origin",
    });
    expect(await judged(range, { keys: [other.pem] })).toMatchObject({ code: "wrong_origin" });
    expect(await judged(range, { keys: [stranger] })).toMatchObject({ code: "wrong_key" });
    expect(await judged(range, { keys: [] })).toMatchObject({ code: "no_key" });
    expect(await judged(range, { keys: ["x"] })).toMatchObject({ code: "bad_key" });
  });

  test.each([
    ["an entry edited", (lines: Line[]) => void Object.assign(lines[2] ?? {}, { ts: 1 }), "chain_break"],
    [
      "the last entry edited",
      (lines: Line[]) => void Object.assign(lines.at(-2) ?? {}, { ts: 1 }),
      "root_mismatch",
    ],
    ["an entry deleted", (lines: Line[]) => void lines.splice(3, 1), "chain_break"],
    [
      "the tree before it changed",
      (lines: Line[]) => void Object.assign(lines[0] ?? {}, { range: [] }),
      "malformed",
    ],
    ["the trailer cut off", (lines: Line[]) => void lines.pop(), "truncated"],
  ])("in an export of the ledger: %s", async (_, change, code) => {
    const lines = parse(await device.run("ledger", "export", "--from", "3"));
    change(lines);

    expect(await judged(format(lines))).toMatchObject({ verdict: "refuted", code });
  });
});
