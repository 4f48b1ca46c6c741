/** Programs, policies, configurations and signed lists: good ones with anything in them changed. */
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../../firmware/composition/config.ts";
import { authorityDocument, configText, rosterDocument } from "../../firmware/composition/init-documents.ts";
import { fillPolicyTemplate } from "../../firmware/composition/policy-template.ts";
import { fromUtf8, utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { parseJson } from "../../firmware/core/parse-json.ts";
import { readAuthority } from "../../firmware/fleet/index.ts";
import { compilePolicy, DecisionEngine, matchesGlob } from "../../firmware/policy/index.ts";
import { readRoster } from "../../firmware/sync/index.ts";
import {
  createMachine,
  parseProgram,
  RunScheduler,
  TIER_LIMITS,
  verifyProgram,
} from "../../firmware/vm/index.ts";
import { smallestPolicy } from "../policy/smallest-policy.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { aProgram, view } from "../vm/support.ts";
import {
  expectCleanPrototypes,
  HOSTILE_VALUES,
  mutated,
  mutatedBytes,
  PROTOTYPE_KEYS,
  typed,
  typedLater,
  within,
} from "./mutations.ts";

const example = (path: string): Promise<string> =>
  readFile(new URL(`../../examples/greenhouse/${path}`, import.meta.url), "utf8");
const snake = /^[a-z][a-z0-9_]*$/;

let programs: readonly Json[] = [];
let policy: JsonObject = {};

beforeAll(async () => {
  programs = await Promise.all(
    ["climate", "door-alarm", "irrigation"].map(async (name) =>
      JSON.parse(await example(`programs/${name}.json`)),
    ),
  );
  policy = JSON.parse(
    fillPolicyTemplate(await example("policy.json"), {
      fleet: "greenhouse",
      device: "imu-0",
      operator: "0".repeat(64),
    }),
  );
});

afterEach(expectCleanPrototypes);

/** Every capability of the examples, so that a mutation reaches the deeper passes of the verifier. */
const lenientView: typeof view = { resolve: (name) => view.resolve(name) ?? view.resolve("f") };

describe("programs", () => {
  it("are verified or refused with typed issues, whatever a document has become", () => {
    const document = fc.constantFrom(0, 1, 2).chain((i) => mutated(programs[i] ?? null));
    fc.assert(
      fc.property(document, (changed) => {
        const result = within(500, () => verifyProgram(changed, lenientView));
        if (!result.ok) for (const { code } of result.issues) expect(code).toMatch(snake);
      }),
      { numRuns: 600 },
    );
  });

  it("are read or refused with a typed error, whatever their bytes have become", () => {
    const bytes = fc.constantFrom(0, 1, 2).chain((i) => mutatedBytes(utf8(JSON.stringify(programs[i]))));
    fc.assert(
      fc.property(bytes, (changed) => {
        const document = typed(() => parseProgram(changed));
        if (!(document instanceof CodedError)) verifyProgram(document, lenientView);
      }),
      { numRuns: 300 },
    );
  });

  it("that verify in spite of a change run to a typed end within their steps", async () => {
    const clock = new ManualClock();
    const faults: unknown[] = [];
    const scheduler = new RunScheduler({ clock, onFault: (error) => faults.push(error) });
    const host = { call: async () => ({ ok: true as const, result: { value: 1 }, evidence: [] }) };
    const document = fc.constantFrom(0, 1, 2).chain((i) => mutated(programs[i] ?? null));
    const limits = { ...TIER_LIMITS.low, cpuSteps: 3000 };
    let ran = 0;
    await fc.assert(
      fc.asyncProperty(document, async (changed) => {
        const program = verifyProgram(changed, lenientView);
        if (!program.ok) return;
        ran++;
        const run = scheduler.run(
          (inputs) => createMachine(program, { payload: {}, trigger: { kind: "command" }, limits, inputs }),
          host,
          new AbortController().signal,
        );
        await clock.advance(limits.wallMs + 1);
        const answer = await run;
        expect(answer.ok && answer.result.metrics.cpuSteps).toBeLessThanOrEqual(limits.cpuSteps + 1);
      }),
      { numRuns: 1500, seed: 1 },
    );
    expect(ran).toBeGreaterThan(20);
    expect(faults).toEqual([]);
  });

  it("take any payload: it is answered as it came, or refused with a code", async () => {
    const echo = aProgram([{ op: "RESPOND", body: "$.payload" }], { limits: { inputBytes: 4096 } });
    const faults: unknown[] = [];
    const clock = new ManualClock();
    const scheduler = new RunScheduler({ clock, onFault: (error) => faults.push(error) });
    const host = { call: async () => ({ ok: true as const, result: null, evidence: [] }) };
    const limits = TIER_LIMITS.medium;
    for (const payload of [...HOSTILE_VALUES, ...HOSTILE_VALUES.map((value) => ({ a: value }))]) {
      const answer = await typedLater(() =>
        scheduler.run(
          (inputs) => createMachine(echo, { payload, trigger: { kind: "command" }, limits, inputs }),
          host,
          new AbortController().signal,
        ),
      );
      if (answer instanceof CodedError) expect(answer.code).toBe("not_canonical");
      else if (!answer.ok) throw new Error(answer.code);
      else if (answer.result.error) expect(answer.result.error.code).toMatch(snake);
      else expect(canonicalize(answer.result.outcome.body)).toBe(canonicalize(payload));
    }
    expect(faults).toEqual([]);
    expect(scheduler.activeRuns).toBe(0);
  });

  it.each(PROTOTYPE_KEYS)("treat %s as a name like any other", (name) => {
    const program = aProgram([
      { op: "PUSH", value: 7 },
      { op: "STORE", reg: name },
      { op: "RESPOND", body: `reg:${name}` },
    ]);
    const inputs = { elapsedMs: () => 0 };
    const machine = createMachine(program, { payload: {}, trigger: {}, limits: TIER_LIMITS.medium, inputs });
    machine.runSlice(100);
    expect(machine.result?.outcome.body).toBe(7);
  });
});

describe("policies", () => {
  const good = fc
    .constantFrom(0, 1)
    .map((i) => (i === 0 ? policy : (smallestPolicy as unknown as JsonObject)));

  it("compile or give issues with a code and a pointer, whatever a document has become", () => {
    const changed = good.chain(mutated);
    fc.assert(
      fc.property(changed, (document) => {
        const result = within(1000, () => compilePolicy(utf8(JSON.stringify(document))));
        if (result.ok) return;
        expect(result.errors.length).toBeGreaterThan(0);
        for (const { code, path } of result.errors) {
          expect(code).toMatch(snake);
          expect(path === "" || path.startsWith("/")).toBe(true);
        }
      }),
      { numRuns: 800 },
    );
  });

  it("never make the compiler throw, whatever their bytes have become", () => {
    fc.assert(
      fc.property(
        good.chain((document) => mutatedBytes(utf8(JSON.stringify(document)))),
        (bytes) => void compilePolicy(bytes),
      ),
      { numRuns: 300 },
    );
  });

  it("that compile decide every question, also one about hostile names", () => {
    const words = fc.oneof(
      fc.constantFrom(...PROTOTYPE_KEYS, "", "gpio://gpiochip0/17", "**", "\ud800"),
      fc.string(),
    );
    fc.assert(
      fc.property(good.chain(mutated), words, words, words, (document, subject, topic, action) => {
        const result = compilePolicy(utf8(JSON.stringify(document)));
        if (!result.ok) return;
        const engine = new DecisionEngine(result.policy, new ManualClock());
        const { decision } = engine.decide(subject, topic, action);
        expect(["allow", "block", "require_consent"]).toContain(decision);
      }),
      { numRuns: 300 },
    );
  });

  it("may hold globs made to hurt: matching stays linear", () => {
    const glob = fc.array(fc.constantFrom("*", "**", "a", "b", "/", ":", "\\", ".", "(", "+"), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(glob, fc.string({ maxLength: 500 }), (parts, text) => {
        within(500, () => matchesGlob(parts.join(""), text));
      }),
    );
  });

  it("with a huge list are refused before the list is walked again and again", () => {
    const rules = Array.from({ length: 1024 }, (_, i) => ({
      id: `r${i}`,
      topic: `${"**/".repeat(20)}${i}`,
      action: "write",
      decision: "allow",
    }));
    const document = { ...smallestPolicy, decisions: { rules } };
    within(5000, () => compilePolicy(utf8(JSON.stringify(document))));
  });
});

describe("imud.yaml", () => {
  const text = configText({
    board: "sim",
    fleet: "greenhouse",
    stateDir: "state",
    runDir: "run",
    broker: null,
  });

  const judge = (candidate: string): void => {
    const result = within(1000, () => typed(() => parseConfig(candidate, "/etc/imud/imud.yaml")));
    if (!(result instanceof CodedError)) return;
    expect(result).toBeInstanceOf(ConfigError);
    expect(result.message).toContain("Remedy:");
  };

  it("is read or refused with its line and remedy, whatever it has become", () => {
    fc.assert(
      fc.property(mutatedBytes(utf8(text)), (bytes) => judge(new TextDecoder().decode(bytes))),
      { numRuns: 300 },
    );
    const parsed = parseConfig(text, "x") as unknown as JsonObject;
    fc.assert(
      fc.property(mutated(parsed), (document) => judge(JSON.stringify(document))),
      { numRuns: 300 },
    );
  });

  it.each([
    [
      "aliases that multiply",
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b]\n`,
    ],
    ["an alias to itself", "a: &a [*a]\n"],
    ["deep flow nesting", `board: ${"[".repeat(20_000)}\n`],
    ["deep block nesting", `${Array.from({ length: 1000 }, (_, i) => `${" ".repeat(i)}a:\n`).join("")}`],
    ["a tag that would build an object", "board: !!js/function 'function () {}'\n"],
    ["a merge key", "base: &b {board: sim}\n<<: *b\n"],
    ["a key that is a map", "? {a: 1}\n: 2\n"],
    ["several documents", "---\nboard: sim\n---\nboard: sim\n"],
    ["__proto__", '{"__proto__": {"board": "sim"}, "board": "sim"}'],
    ["nothing", ""],
    ["a scalar", "sim"],
    ["binary", "board: !!binary AAAA\n"],
    ["a null byte", "board: \u0000\n"],
  ])("with %s is refused", (_name, candidate) => {
    judge(candidate);
    expect(() => parseConfig(candidate, "x")).toThrow(ConfigError);
  });
});

describe("signed lists", () => {
  const key = keyPairFromSeed(new Uint8Array(32).fill(3)).publicKeyHex;
  const base = { fleet: "greenhouse", nowMs: 1_700_000_000_000, version: 3 };
  const lists: readonly (readonly [string, unknown, (bytes: Uint8Array) => unknown])[] = [
    [
      "authority",
      authorityDocument({ ...base, operatorKey: key }),
      (bytes) => readAuthority(bytes, "greenhouse"),
    ],
    ["roster", rosterDocument({ ...base, deviceKey: key, board: "sim" }), readRoster],
  ];

  it.each(lists)(
    "%s: is read or refused with a typed error, whatever it has become",
    (_name, document, read) => {
      const bytes = utf8(JSON.stringify(document));
      expect(() => read(bytes)).not.toThrow();
      const good = parseJson(bytes, { maxBytes: 1e6, maxDepth: 16 });
      fc.assert(
        fc.property(
          fc.oneof(
            mutatedBytes(bytes),
            mutated(good).map((value) => utf8(JSON.stringify(value))),
          ),
          (changed) => void within(500, () => typed(() => read(changed))),
        ),
        { numRuns: 400 },
      );
      expect(isJsonObject(good)).toBe(true);
      expect(fromUtf8(bytes)).toBe(JSON.stringify(document));
    },
  );
});
