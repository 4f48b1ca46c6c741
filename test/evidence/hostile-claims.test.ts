import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../firmware/core/json.ts";
import {
  checkGrounded,
  checkSchema,
  defaultRequirement,
  importRunEvidence,
} from "../../firmware/evidence/index.ts";
import { reading, readingClaim, startRun } from "./support.ts";

const REPLY = defaultRequirement("RESPOND");
const anything = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
const { run } = startRun({ maxPerRun: 100_000 });
const { id } = run.record(reading(21.5));
const judge = (claims: readonly unknown[]) => run.guard({ effect: "RESPOND", requirement: REPLY, claims });

describe("claims from a hostile program", () => {
  it("are refused with a reason whatever they are, and never break the guard", () => {
    fc.assert(
      fc.property(fc.array(anything, { minLength: 1, maxLength: 3 }), (claims) => {
        expect(judge(claims)).toMatchObject({ ok: false, reason: expect.not.stringMatching("guard_error") });
      }),
    );
  });

  it("with one member replaced by anything pass only if the claim still holds", () => {
    const members = [
      "id",
      "type",
      "text",
      "schema",
      "value",
      "evidence",
      "from",
      "predicate",
      "group",
      "minTrust",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...members), anything, (member, value) => {
        const verdict = judge([{ ...readingClaim(id, 21.5), [member]: value }]);
        if (!verdict.ok) expect(verdict.reason).not.toBe("guard_error");
        else expect(["id", "type", "text", "schema", "minTrust", "predicate", "group"]).toContain(member);
        if (member === "value" && value !== 21.5) expect(verdict.ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it("cannot nest schemas without end", () => {
    let schema: object = { type: "boolean" };
    let value: Json = true;
    for (let i = 0; i < 100; i++) {
      schema = { type: "list", elements: schema };
      value = [value];
    }
    expect(checkSchema("c", schema, value)?.reason).toBe("schema_unknown_type");
  });

  it("cannot smuggle a property in through the prototype", () => {
    const value = JSON.parse('{"__proto__": {"ok": true}}') as Json;
    const schema = { type: "object", properties: { ok: { type: "boolean" } } };
    expect(checkSchema("c", schema, value)?.reason).toBe("schema_missing_property");
    expect(checkSchema("c", { ...schema, properties: {}, closed: true }, value)?.reason).toBe(
      "schema_extra_property",
    );
  });
});

describe("documents from outside", () => {
  it("are refused as evidence of a run and as grounds whatever they are", () => {
    fc.assert(
      fc.property(anything, (document) => {
        expect(importRunEvidence(document).ok).toBe(false);
        expect(checkGrounded("event", document, { resolve: () => undefined }).ok).toBe(false);
      }),
    );
  });
});
