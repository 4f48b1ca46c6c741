/**
 * Single changes to an export, beside those of test/verify: what a forger who knows the formats would try. The verifier is
 * the one that shares no code with the daemon.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { hashJson } from "../../firmware/core/hash.ts";
import type { Json } from "../../firmware/core/json.ts";
import { cosign, parseCheckpoint, parseNote, signCheckpoint } from "../../firmware/ledger/index.ts";
import { type Code, type Report, verify } from "../../verify/index.ts";
import { COSIGNED_AT, type Exported, exportedDevice } from "../verify/exported-device.ts";
import { format, type Line, parse, strangerKey } from "../verify/tampered.ts";

const NOW_SEC = 4_000_000_000;

let device: Exported;
let bundle: string;

beforeAll(async () => {
  device = await exportedDevice();
  bundle = await device.run("export", "--content");
});
afterAll(() => device[Symbol.asyncDispose]());

interface Given {
  readonly keys?: readonly string[];
  readonly witnesses?: readonly string[];
  readonly known?: string;
}

const judged = (text: string, given: Given = {}): Promise<Report> =>
  verify(utf8(text), { keys: [device.log], witnesses: device.witnesses, nowSec: NOW_SEC, ...given });

const of = (lines: readonly Line[], t: string, n = 0): Line => {
  const found = lines.filter((line) => line.t === t)[n];
  if (found === undefined) throw new Error(`The bundle has no line ${t} ${n}.`);
  return found;
};

function changed(change: (lines: Line[]) => void): string {
  const lines = parse(bundle);
  change(lines);
  return format(lines);
}

/** A reading with other content, its digest and id computed anew as far as its forger can. */
const reading = (change: Record<string, Json>, isRehashed: boolean): string =>
  changed((lines) => {
    const line = of(lines, "evidence", 2);
    const body = Object.assign(line.body as Record<string, Json>, change);
    if (change.payload !== undefined && isRehashed) body.sha256 = hashJson(change.payload);
    if (isRehashed) line.id = hashJson(body);
  });

const CHANGES: readonly (readonly [string, Record<string, Json>, Code])[] = [
  ["the time of capture moved", { ts: 1 }, "evidence_id_mismatch"],
  ["another source", { source: "sim://i2c/1/0x77/temperature" }, "evidence_id_mismatch"],
  ["another unit", { payload: { quality: "ok", raw: 390, unit: "Cel", value: 38 } }, "evidence_id_mismatch"],
  ["another value", { payload: { quality: "ok", raw: 390, unit: "%", value: 99 } }, "evidence_id_mismatch"],
  ["another kind", { kind: "gpio_read" }, "evidence_id_mismatch"],
];

describe("evidence in a bundle", () => {
  test.each(CHANGES)("%s", async (_, change, code) => {
    expect(await judged(reading(change, false))).toMatchObject({ verdict: "refuted", code });
  });

  test.each(CHANGES)("%s, the record's hashes computed anew", async (_, change) => {
    expect(await judged(reading(change, true))).toMatchObject({
      verdict: "refuted",
      code: "evidence_not_included",
    });
  });
});

describe("signatures", () => {
  const resigned = (signers: readonly ("device" | "stranger")[]): Promise<string> =>
    device.signer().then((pair) =>
      changed((lines) => {
        const line = of(lines, "checkpoint");
        const { text } = parseNote(String(line.note));
        const notes = signers.map((who) =>
          signCheckpoint(parseCheckpoint(text), who === "device" ? pair : strangerKey),
        );
        line.note = notes.reduce((all, note) => all + note.slice(text.length + 1));
      }),
    );

  test("signed again by a stranger", async () => {
    expect(await judged(await resigned(["stranger"]))).toMatchObject({ code: "wrong_key" });
  });

  test("signed again by the device, without the witnesses", async () => {
    expect(await judged(await resigned(["device"]))).toMatchObject({ code: "not_witnessed" });
  });

  test("a stranger's signature beside the device's own changes nothing: it counts for nobody", async () => {
    const text = await resigned(["device", "stranger"]);

    expect(await judged(text, { witnesses: [] })).toMatchObject({ verdict: "verified", witnessedBy: [] });
  });

  test("a stranger's cosignature in the name of a witness", async () => {
    const text = changed((lines) => {
      const line = of(lines, "checkpoint");
      const note = String(line.note);
      const name = /\n\u2014 (\S+\/witness) /.exec(note)?.[1] ?? "";
      const cut = note.replace(/\n\u2014 \S+\/witness \S+\n$/, "\n");
      line.note = cut + cosign(cut, name, COSIGNED_AT, strangerKey);
    });

    expect(await judged(text)).toMatchObject({ verdict: "unproven", code: "not_witnessed" });
  });

  test("a cosignature from the future", async () => {
    expect(
      await verify(utf8(bundle), {
        keys: [device.log],
        witnesses: device.witnesses,
        nowSec: COSIGNED_AT - 3600,
      }),
    ).toMatchObject({ code: "not_witnessed" });
  });
});

describe("another time, another device", () => {
  test("an older state of the log than the one that is known", async () => {
    expect(await judged(device.oldNote, { witnesses: [], known: device.note })).toMatchObject({
      verdict: "refuted",
      code: "rolled_back",
    });
  });

  test("the bundle of another device, with its name written over", async () => {
    await using other = await exportedDevice();
    const [origin = ""] = device.log.split("+");
    const [foreign = ""] = other.log.split("+");
    const text = await other.run("export", "--content");

    expect(await judged(text, { witnesses: [] })).toMatchObject({ code: "wrong_origin" });
    expect(await judged(text.replaceAll(foreign, origin), { witnesses: [] })).toMatchObject({
      code: "wrong_key",
    });
  });
});
