/** Compiles and runs programs: what a case does not care about. */
import { SystemEntropy } from "../../../firmware/adapters/system-entropy.ts";
import type { BuildResult } from "../../../firmware/authoring/types.ts";
import {
  compileTypeScript,
  loadTypeScript,
  type TypeScriptOptions,
} from "../../../firmware/authoring/typescript/index.ts";
import { detachedRegistry } from "../../../firmware/composition/state-capabilities.ts";
import type { Json } from "../../../firmware/core/json.ts";
import { capabilityView, schemaCheck } from "../../../firmware/runs/index.ts";
import {
  type CallAnswer,
  createMachine,
  type MachineResult,
  type ProgramDocument,
  TIER_LIMITS,
  type VerifiedProgram,
  verifyProgram,
} from "../../../firmware/vm/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const registry = await detachedRegistry({ clock: new ManualClock(), entropy: new SystemEntropy() });

export const typescript = await loadTypeScript();
export const options: TypeScriptOptions = {
  typescript,
  contracts: registry.contracts(),
  view: capabilityView(registry),
};

export const HEADER = 'export const program = { name: "t", version: "1.0.0" };\n';

export const build = (text: string, file = "t.ts"): BuildResult => compileTypeScript({ file, text }, options);

/** The document, or the diagnostics as an error. */
export function documentOf(text: string): ProgramDocument {
  const result = build(text);
  if (!result.ok) {
    const lines = result.diagnostics.map(
      ({ position, code, message }) => `${position.line}:${position.column} ${code} ${message}`,
    );
    throw new Error(`${lines.join("\n")}\n${text}`);
  }
  return result.document;
}

/** `line:column code` of every diagnostic, none if the text compiles. */
export function problemsOf(text: string): readonly string[] {
  const result = build(text);
  if (result.ok) return [];
  return result.diagnostics.map(({ position, code }) => `${position.line}:${position.column} ${code}`);
}

export function verified(document: ProgramDocument): VerifiedProgram {
  const program = verifyProgram(JSON.parse(JSON.stringify(document)) as Json, options.view);
  if (!program.ok) throw new Error(JSON.stringify(program.issues));
  return program;
}

export interface RunOptions {
  readonly payload?: Json;
  readonly trigger?: Json;
  /** Answers of the calls in order; then `{}`. */
  readonly answers?: readonly CallAnswer[];
}

/** Runs with virtual time. */
export function run(
  document: ProgramDocument,
  { payload, trigger, answers = [] }: RunOptions = {},
): MachineResult {
  let now = 0;
  let calls = 0;
  const machine = createMachine(verified(document), {
    payload: payload ?? {},
    trigger: trigger ?? { kind: "command" },
    limits: TIER_LIMITS.medium,
    inputs: { elapsedMs: () => now },
    checkSchema: schemaCheck,
  });
  const due: { readonly at: number; readonly id: number }[] = [];
  for (;;) {
    const state = machine.runSlice(2000);
    if (machine.result) return machine.result;
    if (state !== "waiting") continue;
    for (const request of machine.takeRequests()) {
      if (request.kind !== "call") due.push({ at: now + request.ms, id: request.id });
      else {
        const answer = answers[calls++] ?? { ok: true, result: {}, evidence: [] };
        machine.complete({ kind: "call", request: request.id, answer });
      }
    }
    const next = due.sort((a, b) => a.at - b.at || a.id - b.id).shift();
    if (next === undefined) continue;
    now = next.at;
    machine.complete({ kind: "wake", request: next.id });
  }
}

export const answered = (result: Json, evidence: readonly string[] = []): CallAnswer => ({
  ok: true,
  result,
  evidence,
});

export const failed = (code: string, details: Record<string, Json> = {}): CallAnswer => ({
  ok: false,
  error: { code, reason: code, status: 503, details },
  evidence: [],
});

/** The names that a body uses without importing them. */
const EXPORTS = [...programExports()];

function* programExports(): Generator<string> {
  yield* ["asNumber", "asText", "bitAt", "bytes", "claim", "clamp", "concat", "crc", "decode", "elapsed"];
  yield* ["encode", "evidence", "evidenceOf", "fail", "faultOf", "floorDivide", "halt", "hash", "interp"];
  yield* ["isArray", "isBytes", "isObject", "join", "pack", "respond", "roundHalfEven", "signExtend", "size"];
  yield* [
    "sleep",
    "spawn",
    "toNumber",
    "toText",
    "trigger",
    "unpack",
    "withBit",
    "sensor",
    "gpio",
    "kv",
    "mqtt",
  ];
}

/** A whole program around declarations and the statements of main. */
export const around = (declarations: string, statements: string): string =>
  `import { ${EXPORTS.join(", ")}, type Bytes, type Dictionary, type Json, type JsonObject, type Task, type Value } from "imu";\n${HEADER}${declarations}\nexport function main(): void {\n${statements}\n}\n`;

/** What an expression comes to: the body of the reply, or the reason of the error. */
export function evaluated(expression: string, declarations = "", statements = ""): Json {
  const text = around(declarations, `${statements}\nevidence("v");\nrespond(200, { v: ${expression} });`);
  const result = run(documentOf(text));
  if (result.ended !== "responded") return `${result.error?.code}: ${result.error?.reason}`;
  return (result.outcome.body as { readonly v: Json }).v;
}
