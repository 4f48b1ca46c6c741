/**
 * The differential property notices a broken instruction. One side runs the program as it is; the other runs it with one
 * instruction replaced by a near relative, as an executor would that has it wrong. Both documents are valid, so this
 * needs no hook in the product.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJsonObject, type Json, type JsonObject } from "../../../firmware/core/json.ts";
import { verifyProgram } from "../../../firmware/vm/index.ts";
import { execute, type Snapshot } from "./execution.ts";
import { genomes } from "./genome.ts";
import { view } from "./host.ts";
import { scenarioOf } from "./program.ts";
import { firstDifference, ORACLE } from "./property.ts";

/** Fixed, so that this test asks one question: are the programs good enough? */
const SEED = 20_240_229;
const MOST_PROGRAMS = 4000;

type Change = (instr: JsonObject) => JsonObject | null;
type Row = readonly [wrong: string, op: string, change: Change];

const becomes =
  (op: string): Change =>
  (instr) => ({ ...instr, op });
const withField =
  (name: string, change: (value: Json) => Json): Change =>
  (instr) =>
    instr[name] === undefined ? null : { ...instr, [name]: change(instr[name]) };
/** Fields that only the original has go, such as `key`. */
const only = (op: string, ...names: readonly string[]): Change => {
  return (instr) => ({ op, ...Object.fromEntries(names.map((name) => [name, instr[name] ?? null])) });
};

const ROWS: readonly Row[] = [
  ["adds where it should subtract", "SUB", becomes("ADD")],
  ["multiplies where it should divide", "DIV", becomes("MUL")],
  ["takes the larger for the smaller", "MIN", becomes("MAX")],
  ["gives the quotient for the rest", "MOD", becomes("IDIV")],
  ["divides exactly where it should floor", "IDIV", becomes("DIV")],
  ["truncates where it should floor", "FLOOR", becomes("TRUNC")],
  ["rounds up where it should round", "ROUND", becomes("CEIL")],
  ["negates where it should drop the sign", "ABS", becomes("NEG")],
  ["counts equal as less", "LT", becomes("LE")],
  ["does not count equal", "GE", becomes("GT")],
  ["takes different for equal", "EQ", becomes("NE")],
  ["needs both where one is enough", "OR", becomes("AND")],
  ["sets bits that both have", "BXOR", becomes("BOR")],
  ["loses the sign of a shifted word", "SAR", becomes("SHR")],
  ["shifts the other way", "SHL", becomes("SHR")],
  ["extends the sign from a bit too high", "SEXT", withField("bits", (n) => Math.min(32, Number(n) + 1))],
  ["reads the next bit", "BITGET", withField("bit", (n) => (Number(n) + 1) % 32)],
  ["writes the next bit", "BITSET", withField("bit", (n) => (Number(n) + 1) % 32)],
  ["swaps what it should copy from below", "SWAP", becomes("EQ")],
  ["begins a slice one too late", "SLICE", withField("start", (n) => (typeof n === "number" ? n + 1 : n))],
  ["cuts at another separator", "SPLIT", withField("sep", (sep) => (sep === "," ? "a" : ","))],
  ["writes a digit too many", "TO_STR", withField("digits", (n) => Math.min(12, Number(n) + 1))],
  ["encodes as another alphabet", "ENCODE", withField("as", (as) => (as === "utf8" ? "ascii" : "utf8"))],
  ["decodes as another alphabet", "DECODE", withField("as", (as) => (as === "hex" ? "base64" : "hex"))],
  ["says whether where it should say what", "GETK", becomes("HASK")],
  ["gives the count for the names", "KEYS", only("LEN", "oid")],
  ["makes an object for an array", "NEW_ARR", becomes("NEW_OBJ")],
  ["forgets to store", "STORE", only("POP")],
  ["branches on the opposite", "JZ", becomes("JNZ")],
  [
    "swaps the order of octets",
    "PACK",
    withField("format", (f) => (f as string[]).map((x) => x.replace("be", "le"))),
  ],
  ["answers with another status", "RESPOND", withField("status", () => 202)],
  ["waits one more", "SLEEP_MS", withField("ms", (ms) => (typeof ms === "number" ? ms + 1 : ms))],
];

/** Every occurrence of the instruction, in bodies too. */
function broken(code: readonly Json[], op: string, change: Change): Json[] {
  return code.map((instr) => {
    if (!isJsonObject(instr)) return instr;
    if (Array.isArray(instr.body) && instr.op === "SPAWN") {
      return { ...instr, body: broken(instr.body as readonly Json[], op, change) };
    }
    return (instr.op === op ? change(instr) : null) ?? instr;
  });
}

/** What an executor is judged by. The hash of the document differs by construction. */
const observed = (run: Snapshot): Snapshot => ({ ...run, programHash: "" });

/** Programs until the defect shows; null if it does not. */
function programsUntilSeen(op: string, change: Change): number | null {
  const scenarios = fc.check(
    fc.property(genomes, (genome) => {
      const scenario = scenarioOf(genome);
      const document = scenario.document as JsonObject;
      const wrong = verifyProgram(
        { ...document, code: broken(document.code as readonly Json[], op, change) },
        view,
      );
      const right = verifyProgram(document, view);
      if (!right.ok || !wrong.ok || right.programHash === wrong.programHash) return true;
      const [a, b] = [right, wrong].map((program) => observed(execute(program, scenario, ORACLE)));
      return firstDifference(a, b) === null;
    }),
    { seed: SEED, numRuns: MOST_PROGRAMS, endOnFailure: true },
  );
  return scenarios.failed ? scenarios.numRuns : null;
}

describe("a broken instruction is noticed when it", () => {
  it.each(ROWS)("%s (%s)", (_wrong, op, change) => {
    const programs = programsUntilSeen(op, change);

    expect(programs).not.toBeNull();
  });
});
