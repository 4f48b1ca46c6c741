import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BUILT_IN_KINDS,
  FACTORY_SOURCE_RULES,
  KindTable,
  nameEvidence,
  originOf,
  parseSource,
  resolveClaimSources,
  SourceRegistry,
} from "../../firmware/evidence/index.ts";
import { CHIP, reading, startRun } from "./support.ts";

describe("sources", () => {
  it.each([
    "",
    "gpio",
    "gpio://",
    "gpio:///17",
    "gpio://a//b",
    "gpio://a/../b",
    "gpio://u@h/1",
    "gpio://A/1",
    "gpio://a/b#c",
    "gpio://a/b c",
    `gpio://a/${"x".repeat(256)}`,
  ])("refuses %j", (source) => {
    expect(parseSource(source)).toBeNull();
    const registry = new SourceRegistry();
    // Also where it was looked up before, and where it was refused before.
    registry.lookup(source);
    for (let i = 0; i < 2; i++)
      expect(() => registry.require(source)).toThrow(expect.objectContaining({ code: "bad_source" }));
  });

  it("has a rule for every built-in scheme and none that raises simulated evidence", () => {
    const registry = new SourceRegistry();
    for (const { prefix } of FACTORY_SOURCE_RULES)
      expect(registry.lookup(`${prefix}a/b`).registered).toBe(true);
    expect(registry.lookup("sim://gpio/gpiochip0/17").trust).toBe(0);
  });

  it("never trusts simulated evidence on a board, even where a signed rule says so", () => {
    const rules = [{ prefix: "sim://i2c/", id: "twin", trust: 1, points: 5 }];
    expect(new SourceRegistry({ rules }).lookup("sim://i2c/1/0x76")).toMatchObject({ trust: 0, points: 0 });
    expect(new SourceRegistry({ rules, simulated: true }).lookup("sim://i2c/1/0x76").trust).toBe(1);
  });

  it("lets policy and tuning lower trust, never raise it", () => {
    const tuning = { mqtt: 0.9, i2c: 0.4, spi: Number.NaN };
    const registry = new SourceRegistry({ unknownTrust: 0.9, tuning });
    expect(registry.lookup("mqtt://main/a").trust).toBe(0.6);
    expect(registry.lookup("i2c://1/0x76").trust).toBe(0.4);
    expect(registry.lookup("spi://0.0").trust).toBe(0);
    expect(registry.lookup("https://a.b/c").trust).toBe(0.5);
  });

  it("raises one alert per unregistered source", () => {
    const alerts: string[] = [];
    const registry = new SourceRegistry({ onUnregistered: (source) => alerts.push(source) });
    for (let i = 0; i < 3; i++) registry.lookup("https://a.b/c");
    expect(alerts).toEqual(["https://a.b/c"]);
  });

  it.each([
    [{ prefix: "i2c://1", id: "x", trust: 1.1 }],
    [{ prefix: "i2c://1", id: "x", trust: Number.NaN }],
    [{ prefix: "i2c:/1", id: "x", trust: 1 }],
    [{ prefix: "i2c://1", id: "unknown", trust: 1 }],
    [{ prefix: "i2c://1", id: "x", trust: 1, points: 6 }],
  ])("refuses the signed rule %j", (rule) => {
    expect(() => new SourceRegistry({ rules: [rule] })).toThrow(
      expect.objectContaining({ code: "bad_source" }),
    );
  });

  it("refuses a prefix that appears twice", () => {
    const rule = { prefix: "i2c://1", id: "x", trust: 0.5 };
    expect(() => new SourceRegistry({ rules: [rule, rule] })).toThrow(/twice/);
  });

  it("finds the longest matching rule whatever the order of the rules", () => {
    const rules = ["i2c://1", "i2c://1/0x76", "i2c://1/0x7"].map((prefix, i) => ({
      prefix,
      id: `r${i}`,
      trust: 0.5,
    }));
    fc.assert(
      fc.property(fc.shuffledSubarray(rules, { minLength: 3 }), (shuffled) => {
        const registry = new SourceRegistry({ rules: shuffled });
        expect(registry.lookup("i2c://1/0x76/temperature").id).toBe("r1");
        expect(registry.lookup("i2c://1/0x75").id).toBe("r0");
      }),
    );
  });

  it("counts a simulated chip as one witness like the real one", () => {
    expect(originOf("sim://i2c/1/0x76/humidity")).toBe("sim://i2c/1/0x76");
  });
});

describe("kinds", () => {
  it("has exactly one class per kind and lets policy add neither bookkeeping nor a built-in name", () => {
    expect(new Set(BUILT_IN_KINDS.kinds()).size).toBe(BUILT_IN_KINDS.kinds().length);
    expect(new KindTable([{ kind: "x_flow", class: "observation" }]).get("x_flow")?.class).toBe(
      "observation",
    );
    const bad = [
      { kind: "x_flow", class: "bookkeeping" },
      { kind: "gpio_read", class: "observation" },
      { kind: "flow", class: "observation" },
    ] as const;
    for (const entry of bad) {
      expect(() => new KindTable([entry])).toThrow(
        expect.objectContaining({ code: "evidence_unknown_kind" }),
      );
    }
  });
});

describe("source patterns of claims", () => {
  it("resolve to the newest record of every matching source", () => {
    const { run } = startRun();
    run.record(reading(20));
    const humidity = run.record(reading(40, `${CHIP}/humidity`));
    const newest = run.record(reading(21));
    run.record(reading(5, "i2c://10/0x76"));
    const resolved = resolveClaimSources([{ id: "c", sources: [CHIP], value: 1 }], run.list);
    expect(resolved).toEqual({
      ok: true,
      claims: [{ id: "c", value: 1, evidence: [newest.id, humidity.id] }],
    });
  });

  it("refuse a pattern that matches nothing", () => {
    const { run } = startRun();
    expect(nameEvidence([{ id: "c", sources: ["spi://0.0"] }, 7], run.list)).toEqual([
      { id: "c", sources: ["spi://0.0"], evidence: ["spi://0.0"] },
      7,
    ]);
    expect(resolveClaimSources([{ id: "c", sources: ["spi://0.0"] }], run.list)).toMatchObject({
      reason: "claim_evidence_unknown",
      details: { claim: "c", evidence: "spi://0.0" },
    });
  });
});
