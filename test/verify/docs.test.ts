/** docs/verification.md: its codes are the verifier's, its numbers those of the example, and the example is proven. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import { fromBase64, fromHex, sha256, sha256Hex, toHex, utf8 } from "../../verify/bytes.ts";
import { UNPROVEN } from "../../verify/codes.ts";
import { CODES, type Code, LIMITS, verify } from "../../verify/index.ts";
import { type Json, jcs } from "../../verify/json.ts";
import { leafHash, nodeHash } from "../../verify/merkle.ts";

const example = (name: string): Promise<string> =>
  readFile(join(PACKAGE_ROOT, "docs/verification", name), "utf8");

let text: string;
let bundle: string;
let lines: readonly Record<string, Json>[];

beforeAll(async () => {
  text = await readFile(join(PACKAGE_ROOT, "docs/verification.md"), "utf8");
  bundle = await example("run.bundle");
  lines = bundle
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, Json>);
});

test("the codes are those of the verifier, in its words", () => {
  const rows = Object.entries(CODES).map(
    ([code, meaning]) =>
      `| \`${code}\` | ${UNPROVEN.has(code as Code) ? "unproven" : "refuted"} | ${meaning} |`,
  );

  expect(/<!-- codes -->\n([\s\S]*?)\n<!-- end -->/.exec(text)?.[1]).toBe(
    ["| code | | meaning |", "|---|---|---|", ...rows].join("\n"),
  );
});

test("the limits are those of the verifier", () => {
  const MIB = 1024 * 1024;
  const { lineBytes, depth, proofHashes, fileBytes, lines: count, noteBytes, noteSignatures } = LIMITS;

  expect(text).toContain(
    `${lineBytes / MIB} MiB a line, ${depth} levels, ${proofHashes} hashes a proof, ${fileBytes / MIB / 1024} GiB and ${count / 1e6} million lines a file`,
  );
  expect(text).toContain(`At most ${noteBytes} bytes and ${noteSignatures} signature lines`);
});

test("the example is proven by its keys, its witnesses and the checkpoint from before", async () => {
  const keys = [(await example("log.vkey")).trim()];
  const witnesses = (await example("witnesses.vkeys")).trim().split("\n");
  const known = await example("known-checkpoint.txt");

  for (const file of [bundle, await example("checkpoint.txt")]) {
    const options = { keys, witnesses, nowSec: 2_000_000_000, ...(file === bundle ? { known } : {}) };
    expect(await verify(utf8(file), options)).toMatchObject({ verdict: "verified", notes: [] });
  }
  expect(await verify(utf8(bundle), { keys: [await example("device.pub")], nowSec: 0 })).toMatchObject({
    verdict: "verified",
  });
});

const bytes = (value: Json | undefined): Uint8Array => fromBase64(String(value)) ?? new Uint8Array();

/** Every number on the way from a leaf to its root, as the page prints it. */
function path(leaf: Uint8Array, index: number, size: number, proof: Json | undefined): readonly string[] {
  let [fn, sn, r] = [index, size - 1, leaf];
  const shown = [`leaf         ${toHex(leaf)}`];
  for (const [i, text] of (proof as readonly Json[]).entries()) {
    const p = bytes(text);
    const isLeft = fn % 2 === 1 || fn === sn;
    r = isLeft ? nodeHash(p, r) : nodeHash(r, p);
    shown.push(`p${i + 1}, ${isLeft ? "left " : "right"}    ${toHex(p)}`, `  node       ${toHex(r)}`);
    while (isLeft && fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  return shown;
}

describe("the numbers of the page", () => {
  const found = (t: string, n = 0) => lines.filter((line) => line.t === t)[n] ?? {};

  test("keys and checkpoint", async () => {
    const vkey = (await example("log.vkey")).trim();
    const [name = "", keyId = ""] = vkey.split("+");
    const typed = bytes(vkey.slice(name.length + keyId.length + 2));
    const note = await example("checkpoint.txt");
    const signed = utf8(`${note.slice(0, note.lastIndexOf("\n\n"))}\n`);

    expect(note).toBe(found("checkpoint").note);
    for (const shown of [
      vkey,
      `01 ${toHex(typed.subarray(1))}`,
      `SHA-256(name ‖ 0a ‖ type ‖ key) = ${toHex(sha256(utf8(`${name}\n`), typed))}`,
      ...note.split("\n").slice(0, 3),
      `${signed.length} bytes here`,
      `\`${sha256Hex(signed)}\``,
    ]) {
      expect(text).toContain(shown);
    }
    for (const line of note.split("\n").slice(5, 7)) {
      expect(text).toContain(toHex(bytes(line.split(" ")[2]).subarray(4, 12)));
    }
  });

  test("an entry and its way to the root", () => {
    const { entry = null, index, proof } = found("entry");
    const data = jcs(entry);

    expect(text).toContain(`${data.length} bytes`);
    expect(text).toContain(`H(JCS)       ${sha256Hex(data)}`);
    expect(text).toContain(path(leafHash(data), Number(index), 10, proof).join("\n"));
  });

  test("a record and its way to the run's root", () => {
    const { body = null, id, seq, proof } = found("evidence", 2);
    const { payload = null, sha256: digest } = body as Record<string, Json>;
    const entry = found("entry").entry as { readonly event: { readonly data: Record<string, Json> } };
    const { evidenceRoot, evidenceCount } = entry.event.data;
    const leaf = leafHash(fromHex(String(id)) ?? new Uint8Array());

    expect(text).toContain(
      `payload      ${new TextDecoder().decode(jcs(payload))}\nsha256       ${digest}\nid           ${id}`,
    );
    expect(text).toContain(`of ${jcs(body).length} bytes`);
    expect(text).toContain(path(leaf, Number(seq), Number(evidenceCount), proof).join("\n"));
    expect(text).toContain(`${evidenceRoot}   evidenceRoot`);
  });
});
