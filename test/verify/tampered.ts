/** Every kind of single change to a bundle, with the name that a verifier must give it. */
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { hashJson } from "../../firmware/core/hash.ts";
import type { Json } from "../../firmware/core/json.ts";
import type { Code } from "../../verify/index.ts";

export type Line = Record<string, Json> & { readonly t?: string };
type Body = Record<string, Json>;

export const parse = (text: string): Line[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
export const format = (lines: readonly Line[]): string =>
  lines.map((line) => `${canonicalize(line)}\n`).join("");

export interface Tamper {
  readonly name: string;
  readonly code: Code;
  readonly change: (text: string) => string;
}

/** A change of parsed lines; the file stays canonical and keeps saying how many lines it has. */
const lines =
  (change: (lines: Line[]) => Line[] | undefined) =>
  (text: string): string => {
    const read = parse(text);
    const changed = (change(read) ?? read).filter(({ t }) => t !== "end");
    return format([...changed, { t: "end", lines: changed.length }]);
  };

const at = (all: readonly Line[], t: string, n = 0): Line => all.filter((line) => line.t === t)[n] ?? {};
/** Changes members of a line. */
const set = (line: Body, change: Body): undefined => void Object.assign(line, change);
const document = (all: readonly Line[], of: string): Line => all.find((line) => line.of === of) ?? {};
const member = (line: Line, ...path: string[]): Body =>
  path.reduce<Body>((body, name) => body[name] as Body, line);

/** The first base64 digit after the key id of the n-th signature line is another one. */
const breakSignature = (note: string, n: number): string => {
  const parts = note.split("\n\u2014 ");
  const part = parts[n + 1] ?? "";
  const place = part.indexOf(" ") + 20;
  parts[n + 1] = part.slice(0, place) + (part[place] === "A" ? "B" : "A") + part.slice(place + 1);
  return parts.join("\n\u2014 ");
};

const evidence = (name: string, code: Code, change: Body, isRehashed: boolean): Tamper => ({
  name: `${name}${isRehashed ? ", its id computed anew" : ""}`,
  code,
  change: lines((all) => {
    const line = at(all, "evidence", 2);
    const body = member(line, "body");
    set(body, change);
    if (isRehashed) line.id = hashJson(body);
    return undefined;
  }),
});

/** For a bundle of a range with content, which holds one run. */
export const TAMPERS: readonly Tamper[] = [
  {
    name: "an entry edited",
    code: "not_included",
    change: lines((all) => set(member(at(all, "entry", 1), "entry", "event"), { severity: "debug" })),
  },
  {
    name: "an entry deleted",
    code: "entry_missing",
    change: lines((all) => all.filter((l) => l !== at(all, "entry", 1))),
  },
  {
    name: "an entry deleted, the count left",
    code: "entry_missing",
    change: (text) => format(parse(text).filter((line) => line.index !== 1)),
  },
  {
    name: "two entries exchanged",
    code: "out_of_order",
    change: lines((all) => {
      const [a, b] = [all.indexOf(at(all, "entry", 0)), all.indexOf(at(all, "entry", 1))];
      [all[a], all[b]] = [all[b] ?? {}, all[a] ?? {}];
      return undefined;
    }),
  },
  {
    name: "two entries exchanged, their places left",
    code: "not_included",
    change: lines((all) => {
      const [a, b] = [at(all, "entry", 0), at(all, "entry", 1)];
      [a.entry, b.entry] = [b.entry ?? null, a.entry ?? null];
      return undefined;
    }),
  },
  {
    name: "an entry doubled",
    code: "out_of_order",
    change: lines((all) =>
      all.flatMap((line) => (line.t === "entry" && line.index === 1 ? [line, line] : [line])),
    ),
  },
  { name: "the last line cut off", code: "truncated", change: (text) => format(parse(text).slice(0, -1)) },
  { name: "the file cut within a line", code: "truncated", change: (text) => text.slice(0, -40) },
  { name: "the last entries cut off", code: "entry_missing", change: lines((all) => all.slice(0, -3)) },
  {
    name: "a line of no meaning added",
    code: "malformed",
    change: lines((all) => [...all.slice(0, -1), { t: "comment" }]),
  },
  { name: "white space added", code: "malformed", change: (text) => text.replace('{"lines"', '{ "lines"') },
  {
    name: "a member doubled",
    code: "malformed",
    change: (text) => text.replace(',"t":"entry"', ',"t":"entry","t":"entry"'),
  },
  {
    name: "the count of lines changed",
    code: "incomplete",
    change: (text) => text.replace(/"lines":(\d+)/, (_, count: string) => `"lines":${Number(count) + 1}`),
  },
  {
    name: "the proof of an entry changed",
    code: "not_included",
    change: lines((all) => set(at(all, "entry", 1), { proof: [] })),
  },
  {
    name: "another size in the checkpoint",
    code: "bad_signature",
    change: lines((all) => {
      const line = at(all, "checkpoint");
      line.note = String(line.note).replace(/\n(\d+)\n/, (_, size: string) => `\n${Number(size) + 1}\n`);
      return undefined;
    }),
  },
  {
    name: "the log's signature changed",
    code: "bad_signature",
    change: lines((all) =>
      set(at(all, "checkpoint"), { note: breakSignature(String(at(all, "checkpoint").note), 0) }),
    ),
  },
  {
    name: "a cosignature changed",
    code: "bad_cosignature",
    change: lines((all) =>
      set(at(all, "checkpoint"), { note: breakSignature(String(at(all, "checkpoint").note), 1) }),
    ),
  },
  {
    name: "a cosignature taken away",
    code: "not_witnessed",
    change: lines((all) => {
      const line = at(all, "checkpoint");
      line.note = String(line.note).replace(/\n[^\n]+\n$/, "\n");
      return undefined;
    }),
  },
  {
    name: "another origin in the header",
    code: "origin_mismatch",
    change: lines((all) => set(all[0] ?? {}, { origin: "imu.invalid/greenhouse/imu-0000000000000000/0" })),
  },
  {
    name: "another origin in the checkpoint",
    code: "wrong_origin",
    change: lines((all) => set(at(all, "checkpoint"), { note: `x${String(at(all, "checkpoint").note)}` })),
  },
  {
    name: "the proof between two checkpoints changed",
    code: "inconsistent",
    change: lines((all) => void (at(all, "checkpoint", 1).proof as Json[]).pop()),
  },
  ...[true, false].flatMap((isRehashed) => [
    evidence("trust raised", "trust_raised", { trust: 1 }, isRehashed),
    evidence("freshness extended", "freshness_extended", { ttlMs: 86_400_000 }, isRehashed),
  ]),
  evidence("a reading edited", "evidence_id_mismatch", { payload: { value: 1 } }, false),
  evidence("a reading edited", "evidence_not_included", { payload: { value: 1 } }, true),
  evidence("evidence of another device", "evidence_foreign", { deviceId: "imu-0000000000000000" }, true),
  evidence("evidence of another run", "evidence_swapped", { runId: "r0" }, true),
  {
    name: "two records exchanged",
    code: "evidence_swapped",
    change: lines((all) => {
      const [a, b] = [at(all, "evidence", 1), at(all, "evidence", 2)];
      for (const name of ["id", "body", "proof"]) [a[name], b[name]] = [b[name] ?? null, a[name] ?? null];
      return undefined;
    }),
  },
  {
    name: "the lines of two records exchanged",
    code: "out_of_order",
    change: lines((all) => {
      const [a, b] = [all.indexOf(at(all, "evidence", 1)), all.indexOf(at(all, "evidence", 2))];
      [all[a], all[b]] = [all[b] ?? {}, all[a] ?? {}];
      return undefined;
    }),
  },
  {
    name: "a record deleted",
    code: "evidence_missing",
    change: lines((all) => all.filter((line) => line !== at(all, "evidence", 3))),
  },
  {
    name: "the run's documents deleted",
    code: "document_missing",
    change: lines((all) => all.filter((line) => line.t !== "document")),
  },
  ...(
    [
      ["input", "input_hash_mismatch"],
      ["outcome", "output_hash_mismatch"],
      ["program", "program_hash_mismatch"],
      ["policy", "policy_hash_mismatch"],
    ] as const
  ).map(
    ([of, code]): Tamper => ({
      name: `the ${of} edited`,
      code,
      change: lines((all) => set(member(document(all, of), "value"), { extra: 1 })),
    }),
  ),
];

/** A key that signs for nobody. */
export const strangerKey = keyPairFromSeed(new Uint8Array(32).fill(0x77));
