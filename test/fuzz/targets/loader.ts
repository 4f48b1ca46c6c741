/** `parseProgram`: any octets give JSON or a typed refusal, and what is read is what is written. */
import { canonicalize } from "../../../firmware/core/canonical-json.ts";
import type { Json } from "../../../firmware/core/json.ts";
import { JsonError } from "../../../firmware/core/parse-json.ts";
import { parseProgram } from "../../../firmware/vm/index.ts";
import { JSON_TOKENS, VALUES } from "../dictionary.ts";
import { mutateBytes, withoutStretches } from "../mutate-bytes.ts";
import { mutateJson } from "../mutate-json.ts";
import type { Random } from "../random.ts";
import { BrokenLaw, bytesOf, type Target, textOf } from "../target.ts";

function parsed(input: Uint8Array): Json | JsonError {
  try {
    return parseProgram(input);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return error;
  }
}

/** What a message says, without what it says it of. */
const wordsOf = (message: string): string =>
  message
    .replace(/\(.*\)|["“'`].*["”'`]|\d+/g, "")
    .split(/\s+/)
    .filter((word) => /^[A-Za-z-]+[.,:]?$/.test(word))
    .slice(0, 6)
    .join(" ");

function typesIn(json: Json, into = new Set<string>(), depth = 0): ReadonlySet<string> {
  const type = json === null ? "null" : Array.isArray(json) ? "array" : typeof json;
  into.add(`type:${type}@${Math.min(depth, 4)}`);
  if (json !== null && typeof json === "object") {
    for (const item of Object.values(json) as readonly Json[]) typesIn(item, into, depth + 1);
  }
  return into;
}

export const loader: Target = {
  name: "loader",
  maxHeapBytes: 64 * 2 ** 20,
  triesForFind: 150,

  run(input) {
    const json = parsed(input);
    if (json instanceof JsonError)
      return [
        `problem:${json.problem}`,
        `where:${json.line > 1 ? "later line" : json.line}`,
        `why:${wordsOf(json.message)}`,
      ];
    const text = canonicalize(json);
    const again = parsed(bytesOf(text));
    if (again instanceof JsonError || canonicalize(again) !== text) {
      throw new BrokenLaw("The canonical text of what was read does not read as the same.");
    }
    if (canonicalize(JSON.parse(textOf(input).replace(/^\ufeff/, ""))) !== text) {
      throw new BrokenLaw("Another reader sees another document.");
    }
    return ["read", ...typesIn(json)];
  },

  generate: (random: Random) => bytesOf(JSON.stringify(mutateJson({ a: [1, "x"] }, VALUES, random, VALUES))),
  mutate: (input, other, random) => mutateBytes(input, other, random, JSON_TOKENS),
  simpler: (input) => withoutStretches(input, (a, b) => new Uint8Array(Buffer.concat([a, b]))),
};
