import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkArguments, lintContract, workspacePath } from "../../firmware/capabilities/index.ts";
import type { Json } from "../../firmware/core/json.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openDevice } from "./device.ts";
import { buildHarness } from "./harness.ts";

const params = {
  type: "object",
  additionalProperties: false,
  required: ["a"],
  properties: { a: { type: "integer", minimum: 0, maximum: 9 } },
} as const;

describe("arguments", () => {
  test.each([
    ["a __proto__ member", '{"a":1,"__proto__":{"a":2}}'],
    ["a constructor member", '{"a":1,"constructor":1}'],
    ["a text for a number", '{"a":"1"}'],
    ["nothing", "null"],
    ["too many positions", "[1,2]"],
  ])("with %s are refused before anything else looks at them", (_, text) => {
    expect(checkArguments({ params, positional: ["a"] }, JSON.parse(text))).toMatchObject({
      ok: false,
      code: "contract_violation",
    });
  });

  test("list at most sixteen violations", () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x${i}`, 1]));
    const verdict = checkArguments({ params, positional: [] }, many);

    expect(verdict.ok ? [] : verdict.details.violations).toHaveLength(16);
  });

  test("of any shape give every built-in capability a typed answer, never an exception", async () => {
    const device = await openDevice(new ManualClock());
    const harness = buildHarness({ capabilities: device.build });
    const ids = harness.context().program?.capabilities ?? [];
    expect(ids.length).toBeGreaterThanOrEqual(20);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ids), fc.jsonValue(), async (id, args) => {
        const result = await harness.gate.plan(harness.context(), id, args as Json);
        expect(result.ok).toBe(result.findings.length === 0);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the linter", () => {
  test.each([
    ["^(a+)+$", "contract_invalid"],
    ["^a|b$", "pattern_unanchored"],
    ["^[a-z$", "contract_invalid"],
  ])("refuses the pattern %s", (pattern, code) => {
    const finding = lintContract({
      format: "imu.capability/1",
      id: "x.y",
      params: { ...params, properties: { a: { type: "string", maxLength: 8, pattern } } },
      positional: [],
      topic: "kv://{a}",
      action: "read",
      resources: [],
      evidence: [],
    });

    expect(finding).toEqual({ code, path: "$.params.a" });
  });
});

describe("workspace paths", () => {
  test("that pass stay below the workspace, whatever they are made of", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "..", ".", "", "~", "\\", "b.c", "\u0000")), (segments) => {
        const verdict = workspacePath(segments.join("/"));
        if (!verdict.ok) return;
        expect(verdict.path.split("/").some((segment) => ["", ".", ".."].includes(segment))).toBe(false);
        expect(verdict.path.startsWith("/")).toBe(false);
      }),
    );
  });
});
