/** `verifyProgram`: any JSON is judged without an exception; what is accepted runs the same on both executors. */
import fc from "fast-check";
import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import { isJsonObject } from "../../../firmware/core/json.ts";
import { TIER_LIMITS, type VerifiedProgram, verifyProgram } from "../../../firmware/vm/index.ts";
import { execute } from "../../vm/differential/execution.ts";
import { genomes } from "../../vm/differential/genome.ts";
import { view } from "../../vm/differential/host.ts";
import { brokenLaw } from "../../vm/differential/invariants.ts";
import { type Scenario, scenarioOf } from "../../vm/differential/program.ts";
import { firstDifference, ORACLE } from "../../vm/differential/property.ts";
import { VALUES } from "../dictionary.ts";
import { mutateJson, simplerJson } from "../mutate-json.ts";
import type { Random } from "../random.ts";
import { BrokenLaw, bytesOf, type Target, textOf } from "../target.ts";

const LIMITS = { ...TIER_LIMITS.low, cpuSteps: 2000, memKb: 256 };

/** Null for octets that are no JSON; mutations of this target keep it JSON. */
export function jsonOf(input: Uint8Array): Json {
  try {
    return JSON.parse(textOf(input)) as Json;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}

function ran(program: VerifiedProgram): readonly string[] {
  const payload = { a: 1, n: 7, s: "a😀b", l: [1, 2], o: { k: 1 }, flag: true };
  const scenario: Scenario = {
    ...{ document: null, payload, trigger: { kind: "boot" }, limits: LIMITS, answers: [1, 2, 13, 3, 4] },
  };
  const oracle = execute(program, scenario, ORACLE);
  const broken = brokenLaw(oracle);
  if (broken !== null) throw new BrokenLaw(`interpreter: ${broken}`);
  for (const slice of [2000, 7]) {
    const difference = firstDifference(oracle, execute(program, scenario, { executor: "compiled", slice }));
    if (difference !== null) throw new BrokenLaw(`compiled in slices of ${slice}: ${difference}`);
  }
  return [
    `end:${oracle.ended}:${oracle.error?.reason ?? ""}`,
    ...oracle.journal.map(({ t }) => `journal:${t}`),
  ];
}

/** Instructions of the document, bodies included, with the fields they have. */
function shapesIn(code: readonly unknown[]): readonly string[] {
  return code.flatMap((instr) => {
    if (!isJsonObject(instr)) return [];
    const inner = Array.isArray(instr.body) && instr.op === "SPAWN" ? shapesIn(instr.body) : [];
    return [`op:${String(instr.op)}:${Object.keys(instr).sort().join()}`, ...inner];
  });
}

export const verifier: Target = {
  name: "verifier",
  maxHeapBytes: 128 * 2 ** 20,
  triesForFind: 100,

  run(input) {
    const document = jsonOf(input);
    const program = verifyProgram(document, view);
    if (!program.ok)
      return program.issues.map(({ code, unit }) => `issue:${code}:${unit === "document" ? unit : "code"}`);
    const warnings = program.warnings.map(({ code }) => `warning:${code}`);
    return [...warnings, ...shapesIn(program.document.code), ...ran(program)];
  },

  generate(random: Random) {
    const [genome] = fc.sample(genomes, { seed: random.below(2 ** 31), numRuns: 1 });
    if (genome === undefined) throw new Error("There is always a genome.");
    return bytesOf(JSON.stringify(scenarioOf({ ...genome, main: genome.main.slice(0, 5) }).document));
  },

  mutate(input, other, random) {
    const [one, two] = [jsonOf(input), jsonOf(other)];
    // Mostly the code: the members around it are few and soon exhausted.
    if (isJsonObject(one) && Array.isArray(one.code) && !random.oneIn(5)) {
      const code = mutateJson(one.code as Json, isJsonObject(two) ? (two.code ?? null) : two, random, VALUES);
      return bytesOf(JSON.stringify({ ...one, code } satisfies JsonObject));
    }
    return bytesOf(JSON.stringify(mutateJson(one, two, random, VALUES)));
  },

  *simpler(input) {
    for (const json of simplerJson(jsonOf(input))) yield bytesOf(JSON.stringify(json));
  },
};
