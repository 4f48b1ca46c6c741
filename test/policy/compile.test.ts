import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import {
  compilePolicy,
  phiOf,
  ratesOf,
  rolesOf,
  subjectStatement,
  tierSectionOf,
} from "../../firmware/policy/index.ts";
import { bytesOf, compiled, errorsOf, smallestPolicy, warningsOf } from "./smallest-policy.ts";

const prod = {
  ...smallestPolicy,
  profile: "prod",
  ring: "prod",
  bindings: [],
  outputs: [],
} as const;
const output = smallestPolicy.outputs[0];

describe("the policy compiler", () => {
  it("compiles the smallest policy and fills in what its author left out", () => {
    const policy = compiled(smallestPolicy);

    expect(policy.noRule).toBe("require_consent");
    expect(policy.subjects["program:pump"]).toMatchObject({ enabled: true, priority: 100, tenant: null });
    expect(policy.outputs[0]).toMatchObject({
      durability: "group",
      protective: false,
      onRefusal: "continue",
    });
    expect(policy.compiled).toMatchObject({ rates: { global: { rps: 200, burst: 100 } }, features: {} });
  });

  it("gives an output the stricter of guard, risk and its own demands", () => {
    const policy = compiled(smallestPolicy);

    expect(policy.outputs[0]?.requirement).toMatchObject({
      minTrust: 0.7,
      minSources: 1,
      maxAgeMs: 60_000,
      minLevel: 1,
      requiredKinds: ["i2c_read"],
      accept: ["observation", "attested"],
      requireGroups: false,
    });
    expect(policy.replyRequirement).toMatchObject({ minTrust: 0.75, minSources: 2, requireClaims: true });
  });

  it("gives the same hashes whatever the order of keys and spacing", () => {
    const reversed = Object.fromEntries(Object.entries(smallestPolicy).reverse());
    const spaced = compilePolicy(utf8(JSON.stringify(reversed, null, 3)));
    const plain = compiled(smallestPolicy);

    expect(spaced.ok && spaced.policy.policyHash).toBe(plain.policyHash);
    expect(spaced.ok && spaced.policy.compiledHash).toBe(plain.compiledHash);
    expect(plain.compiledHash).not.toBe(plain.policyHash);
  });

  it("freezes the compiled form deeply", () => {
    const policy = compiled(smallestPolicy);

    expect(Object.isFrozen(policy)).toBe(true);
    expect(Object.isFrozen(policy.rules[0])).toBe(true);
    expect(Object.isFrozen(policy.outputs[0]?.requirement.points)).toBe(true);
    expect(Object.isFrozen(policy.compiled.rates)).toBe(true);
  });

  it("keeps sections of other parts as they are", () => {
    const section = { signals: { heat: { cooldownMs: 5 } }, emit: [{ event: "x" }] };

    expect(compiled({ ...smallestPolicy, homeostasis: section }).compiled.homeostasis).toMatchObject(section);
  });

  it.each([
    ["an unknown key", { ...smallestPolicy, colour: 1 }, ["unknown_field /colour"]],
    [
      "an unknown key deep inside",
      { ...smallestPolicy, phi: { budget: { cpacityMilli: 1 } } },
      ["unknown_field /phi/budget/cpacityMilli"],
    ],
    ["a wrong type", { ...smallestPolicy, boards: "pi4" }, ["wrong_type /boards"]],
    ["a number that is no integer", { ...smallestPolicy, version: 1.5 }, ["out_of_range /version"]],
    [
      "several problems at once, sorted",
      { ...smallestPolicy, version: "1", boards: {}, id: "UPPER" },
      ["wrong_type /boards", "out_of_range /id", "wrong_type /version"],
    ],
    ["a document that is a list", [] as never, ["wrong_type "]],
  ])("refuses %s", (_, document, errors) => {
    expect(errorsOf(document)).toEqual(errors);
  });

  it.each([
    ["duplicate keys", utf8('{"a":1,"a":2}'), "duplicate_key"],
    ["bytes that are not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), "bad_encoding"],
    ["text that is no JSON", utf8('{"schema":'), "malformed"],
    ["too deep nesting", utf8("[".repeat(17) + "]".repeat(17)), "too_deep"],
    ["more than 256 KiB", new Uint8Array(262_145), "too_large"],
  ])("refuses %s", (_, bytes, code) => {
    expect(compilePolicy(bytes)).toMatchObject({ ok: false, code: "policy_invalid", errors: [{ code }] });
  });

  it("does not let a document reach the prototype", () => {
    const text = JSON.stringify(smallestPolicy).replace('"labels":{', '"labels":{"__proto__":"x",');

    expect(compilePolicy(utf8(text))).toMatchObject({ ok: false, errors: [{ path: "/labels/__proto__" }] });
    expect(Object.hasOwn(Object.prototype, "team")).toBe(false);
  });

  it("refuses an output that no evidence could stop", () => {
    const vacuous = { ...smallestPolicy, outputs: [{ ...output, requires: { minTrust: 0 } }] };

    expect(errorsOf(vacuous)).toEqual(["effect_without_guard /outputs/0"]);
  });

  it.each<[string, JsonObject, string]>([
    ["a name without x_", { kinds: { soil: { class: "derived" } } }, "out_of_range /evidence/kinds/soil"],
    [
      "more bookkeeping",
      { kinds: { x_soil: { class: "bookkeeping" } } },
      "out_of_range /evidence/kinds/x_soil/class",
    ],
    [
      "a profile that is not in the table",
      { kinds: { x_soil: { class: "observation", profile: "eternal" } } },
      "out_of_range /evidence/kinds/x_soil/profile",
    ],
    ["a unit with a space", { units: ["parts per"] }, "out_of_range /evidence/units/0"],
  ])("refuses %s among what the evidence section declares", (_, evidence, expected) => {
    expect(errorsOf({ ...smallestPolicy, evidence })).toContain(expected);
  });

  it("refuses a binding of a custom kind that it does not declare", () => {
    const bindings = smallestPolicy.bindings.map((binding) => ({ ...binding, kind: "x_soil" }));
    expect(errorsOf({ ...smallestPolicy, bindings })).toContain("out_of_range /bindings/0/kind");
  });

  it("refuses kinds that prove nothing or that nothing produces", () => {
    const requires = { requiredKinds: ["run_start", "spi_read"] };

    expect(errorsOf({ ...smallestPolicy, outputs: [{ ...output, requires }] })).toEqual([
      "bookkeeping_kind_required /outputs/0/requires/requiredKinds/0",
      "required_kind_unproducible /outputs/0/requires/requiredKinds/1",
    ]);
  });

  it("warns in dev and refuses in prod when the bindings cannot give the sources that a risk demands", () => {
    const risky = { ...smallestPolicy, outputs: [{ ...output, risk: "high" }] };

    expect(warningsOf(risky)).toEqual(["too_few_sources /outputs/0"]);
    expect(errorsOf({ ...risky, profile: "prod", ring: "prod" })).toEqual(["too_few_sources /outputs/0"]);
  });

  it("refuses secrets, costs below zero and a binding nobody can answer", () => {
    expect(errorsOf({ ...smallestPolicy, labels: { team: "a", token: "t" } })).toEqual([
      "secret_in_policy /labels/token",
    ]);
    expect(errorsOf({ ...smallestPolicy, labels: { team: "-----BEGIN PRIVATE KEY-----" } })).toEqual([
      "secret_in_policy /labels/team",
    ]);
    expect(errorsOf({ ...smallestPolicy, phi: { budget: { cost: { "gpio.read": -1 } } } })).toEqual([
      "cost_negative /phi/budget/cost/gpio.read",
    ]);
    expect(
      errorsOf({ ...smallestPolicy, bindings: [{ name: "x", uri: "can://0/1", kind: "i2c_read" }] }),
    ).toEqual(["source_scheme_unregistered /bindings/0/uri"]);
  });

  it("checks runtime, board, predecessor and expiry against the device", () => {
    const active = { id: "bench", version: 1, policyHash: "a".repeat(64) };
    const facts = { board: "pi4", runtimeVersion: "0.0.9", active, nowMs: 11 };
    const document = { ...smallestPolicy, boards: ["pi5"], expiresAt: 10, replaces: "b".repeat(64) };

    expect(errorsOf(document, facts)).toEqual([
      "incompatible_board /boards",
      "policy_expired /expiresAt",
      "replaces_mismatch /replaces",
      "incompatible_runtime /runtime",
      "version_not_newer /version",
    ]);
    expect(errorsOf({ ...smallestPolicy, expiresAt: 10 }, { nowMs: 10 })).toEqual([]);
  });

  it("refuses tiers and subjects that loosen the document", () => {
    const subject = {
      ...smallestPolicy.subjects["program:pump"],
      overrides: { performance: { sla: { p95Ms: 900 } }, evidence: { guard: { minTrust: 0.9 } } },
    };
    const document = {
      ...smallestPolicy,
      tiers: { low: { grantMaxMs: 900_001, limits: { cpuSteps: 99_999 } } },
      subjects: { "program:pump": subject },
    };

    expect(errorsOf(document)).toEqual([
      "override_loosens /subjects/program:pump/overrides/performance/sla/p95Ms",
      "override_loosens /tiers/low/grantMaxMs",
    ]);
  });

  it("holds hard ceilings in every profile", () => {
    expect(errorsOf({ ...smallestPolicy, limits: { cpuSteps: 2_000_001 } })).toEqual([
      "out_of_range /limits/cpuSteps",
    ]);
    expect(errorsOf({ ...prod, evidence: { required: false } })).toEqual(["out_of_range /evidence/required"]);
    expect(errorsOf({ ...smallestPolicy, evidence: { required: false } })).toEqual([]);
  });

  it("wants loosening of the active policy acknowledged at or above its pointer", () => {
    const before = compiled({ ...prod, evidence: { guard: { minTrust: 0.9 } } });
    const { id, version, policyHash } = before;
    const active = { id, version, policyHash, compiled: before.compiled };
    const next = { ...prod, version: 2 };

    expect(errorsOf(next, { active })).toEqual(["unacknowledged_loosening /evidence/guard/minTrust"]);
    expect(errorsOf({ ...next, loosens: ["/evidence/guard/min"] }, { active })).toHaveLength(1);
    expect(errorsOf({ ...next, loosens: ["/evidence/guard"] }, { active })).toEqual([]);
  });

  it("notices an output that demands less and a subject that may do more", () => {
    const quiet = { ...smallestPolicy, version: 2, outputs: [{ ...output, requires: { minTrust: 0.1 } }] };
    const before = compiled(smallestPolicy);
    const { id, version, policyHash } = before;
    const subject = { ...smallestPolicy.subjects["program:pump"], tier: "high" };
    const next = { ...quiet, subjects: { "program:pump": subject } };

    expect(warningsOf(next, { active: { id, version, policyHash, compiled: before.compiled } })).toEqual([
      "unacknowledged_loosening /outputs/0/requires/maxAgeMs",
      "unacknowledged_loosening /outputs/0/requires/requiredKinds",
      "unacknowledged_loosening /subjects/program:pump/tier",
    ]);
  });

  it("completes points and groups of which an output states only a part", () => {
    const requires = {
      requiredKinds: ["i2c_read"],
      points: { minDistinctSources: 4, byType: { kpi: { minTotalTrust: 9 } } },
      groups: { air: { minMembers: 3 } },
    };
    const policy = compiled({ ...smallestPolicy, outputs: [{ ...output, requires }] });

    expect(policy.outputs[0]?.requirement).toMatchObject({
      points: { minDistinctSources: 4, minTotalTrust: 3, maxPointsPerSource: 5 },
      groups: { air: { mode: "all", tolerance: 0.05, minMembers: 3, maxSpreadMs: 2000, majority: 1.3 } },
    });
    expect(policy.outputs[0]?.requirement.points.byType.kpi?.minTotalTrust).toBe(9);
  });

  it("gives a subject's overrides as limits and a layer that only tightens", () => {
    const overrides = { limits: { cpuSteps: 10 }, evidence: { guard: { minTrust: 0.9 }, maxClaims: 3 } };
    const subject = { ...smallestPolicy.subjects["program:pump"], strict: true, overrides };
    const policy = compiled({ ...smallestPolicy, subjects: { "program:pump": subject } });
    const found = policy.subjects["program:pump"];
    if (!found) throw new Error("the subject is listed");

    expect(subjectStatement(found)).toMatchObject({
      limits: { cpuSteps: 10 },
      requirement: { minTrust: 0.9, maxClaims: 3, points: { minDistinctSources: 2, minTotalTrust: 2 } },
    });
  });

  it.each(["i2c://", "i2c://1/ x", "gpio:///", "mqtt://b/#\u0000"])("refuses the binding %j", (uri) => {
    const bindings = [...smallestPolicy.bindings, { name: "x", uri, kind: "i2c_read" }];

    expect(errorsOf({ ...smallestPolicy, bindings })).toEqual(["out_of_range /bindings/1/uri"]);
  });

  it("hands out its sections with the author's values over the defaults", () => {
    const policy = compiled({
      ...smallestPolicy,
      phi: { budget: { capacityMilli: 7 } },
      rates: { perCapability: { "gpio.write": { rps: 1, burst: 2 } } },
      tiers: { low: { grantMaxMs: 5 } },
    });

    expect(phiOf(policy)).toMatchObject({
      ceiling: 0.5,
      budget: { capacityMilli: 7, refillPerHourMilli: 5e7 },
    });
    expect(ratesOf(policy)).toMatchObject({
      perCapability: { "gpio.write": { burst: 2 } },
      global: { rps: 200 },
    });
    expect(tierSectionOf(policy, "low")).toMatchObject({ grantMaxMs: 5, externalEffects: false });
    expect(rolesOf(policy).viewer).toContain("event:read");
  });

  it("accepts a device node with capitals, as the kernel names it", () => {
    const uri = "serial://ttyAMA0/NMEA";
    const bindings = [...smallestPolicy.bindings, { name: "gps", uri, kind: "serial_read" }];

    expect(errorsOf({ ...smallestPolicy, bindings })).toEqual([]);
  });

  it("names rules that can never speak", () => {
    const allow = { id: "a", topic: "gpio://**", action: "*", decision: "allow", priority: 1 };
    const block = { id: "b", topic: "gpio://gpiochip0/*", action: "write", decision: "block" };
    const read = { id: "c", topic: "gpio://gpiochip0/4", action: "read", decision: "allow" };
    const document = { ...smallestPolicy, decisions: { rules: [allow, block, read] } };

    expect(warningsOf(document)).toEqual([
      "shadowed_block /decisions/rules/1",
      "shadowed_rule /decisions/rules/2",
    ]);
    expect(errorsOf({ ...document, profile: "prod", ring: "prod" })).toEqual([
      "shadowed_block /decisions/rules/1",
    ]);
  });

  it("answers the same for the same bytes", () => {
    expect(compilePolicy(bytesOf(smallestPolicy))).toEqual(compilePolicy(bytesOf(smallestPolicy)));
  });
});
