import { describe, expect, it } from "vitest";
import {
  DecisionEngine,
  type Grant,
  permit,
  resolveRisk,
  ruleHash,
  statusOf,
} from "../../firmware/policy/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { compiled, smallestPolicy } from "./smallest-policy.ts";

const read = {
  id: "read",
  topic: "i2c://1/0x76",
  action: "read",
  decision: "allow",
  maxRatePerMin: 2,
} as const;
const ask = { id: "ask", topic: "gpio://**", action: "write", decision: "require_consent" } as const;
const policy = compiled({ ...smallestPolicy, decisions: { rules: [read, ask] } });

const grant = (change: Partial<Grant> = {}): Grant => ({
  id: "g1",
  subject: "program:pump",
  ruleId: "ask",
  ruleHash: ruleHash(ask),
  topic: "gpio://gpiochip0/*",
  action: "write",
  trust: 60,
  grantedAt: 1_700_000_000_000,
  ttlMs: 1000,
  usesLeft: 1,
  by: "k1",
  revoked: false,
  ...change,
});
const pump = ["program:pump", "gpio://gpiochip0/17", "write"] as const;
const sense = ["program:pump", "i2c://1/0x76", "read"] as const;

describe("the decision engine", () => {
  it("counts the calls of the last minute and says when to come back", async () => {
    const clock = new ManualClock();
    const engine = new DecisionEngine(policy, clock);
    engine.decide(...sense);
    await clock.advance(10_000);
    engine.decide(...sense);

    const refused = engine.decide(...sense);

    expect(refused).toMatchObject({ decision: "block", reason: "rate_exceeded", retryAfterMs: 50_001 });
    expect(statusOf(refused)).toBe(429);
    await clock.advance(50_000);
    expect(engine.decide(...sense).decision).toBe("block");
    await clock.advance(1);
    expect(engine.decide(...sense).decision).toBe("allow");
  });

  it("explains without counting", () => {
    const engine = new DecisionEngine(policy, new ManualClock());
    for (let i = 0; i < 5; i++) {
      expect(engine.explain(...sense)).toMatchObject({ decision: "allow", matching: ["read"], trust: 60 });
    }

    expect(engine.decide(...sense).decision).toBe("allow");
  });

  it("uses up a grant, writes it with the settlement and asks again", () => {
    const engine = new DecisionEngine(policy, new ManualClock(), [grant()]);
    const first = engine.decide(...pump);
    const ops = engine.useGrant(first.grantId ?? "");

    expect(first).toMatchObject({ decision: "allow", reason: "granted", grantId: "g1" });
    expect(ops).toMatchObject([{ type: "put", sub: "policy", key: "grant/g1" }]);
    expect(engine.decide(...pump)).toMatchObject({ decision: "require_consent", reason: "consent_required" });
  });

  it.each([
    ["for another action", { action: "read" }],
    ["for another topic", { topic: "gpio://gpiochip1/*" }],
    ["of an older text of the rule", { ruleHash: "0".repeat(64) }],
    ["from the future", { grantedAt: 1_700_000_000_001 }],
    ["given at a higher trust", { trust: 85 }],
    ["of another subject", { subject: "program:fan" }],
  ])("does not honour a grant %s", (_, change) => {
    const engine = new DecisionEngine(policy, new ManualClock(), [grant(change)]);

    expect(engine.decide(...pump).decision).toBe("require_consent");
  });

  it("honours no grant while the clock is not trusted, nor after it is revoked", () => {
    const clock = new ManualClock();
    const engine = new DecisionEngine(policy, clock, [grant({ usesLeft: null })]);
    clock.state = "floor";
    expect(engine.decide(...pump).decision).toBe("require_consent");
    clock.state = "trusted";
    expect(engine.decide(...pump).decision).toBe("allow");

    expect(engine.revokeGrant("g1")).toHaveLength(1);
    expect(engine.decide(...pump).decision).toBe("require_consent");
  });

  it("blocks who is not in the policy, also under the name of a built-in property", () => {
    const engine = new DecisionEngine(policy, new ManualClock());

    expect(engine.decide("constructor", "i2c://1/0x76", "read")).toMatchObject({ reason: "unknown_subject" });
    expect(engine.decide("__proto__", "i2c://1/0x76", "read")).toMatchObject({ reason: "unknown_subject" });
  });

  it("keeps counters over a new policy unless the rule's rate changed", () => {
    const engine = new DecisionEngine(policy, new ManualClock());
    engine.decide(...sense);
    engine.decide(...sense);
    engine.adopt(policy);
    expect(engine.decide(...sense).reason).toBe("rate_exceeded");

    engine.adopt(compiled({ ...smallestPolicy, decisions: { rules: [{ ...read, maxRatePerMin: 3 }] } }));
    expect(engine.decide(...sense).decision).toBe("allow");
  });
});

describe("permissions and risks", () => {
  it("grant nothing for a role that only the prototype knows", () => {
    expect(permit({ viewer: ["metrics:read"] }, ["toString"], "metrics:read")).toMatchObject({ status: 403 });
  });

  it("only rise on a hint and report an unknown one", () => {
    const domains = { ota: "prod", default: "medium" } as const;

    expect(resolveRisk(domains, "ota", "low").risk).toBe("prod");
    expect(resolveRisk(domains, "other", "high").risk).toBe("high");
    expect(resolveRisk(domains, "other", "tiny")).toEqual({ risk: "medium", hintIgnored: true });
  });
});

describe("remembered questions", () => {
  it("are answered by the policy in force, however often they were asked before", () => {
    const engine = new DecisionEngine(policy, new ManualClock());
    for (let i = 0; i < 3; i++) expect(engine.decide(...pump).ruleId).toBe("ask");
    const open = { id: "open", topic: "gpio://**", action: "write", decision: "allow" } as const;
    engine.adopt(compiled({ ...smallestPolicy, decisions: { rules: [open] } }));
    expect(engine.decide(...pump)).toMatchObject({ decision: "allow", ruleId: "open" });
    expect(engine.decide(...sense)).toMatchObject({ reason: "no_rule", ruleId: null });
    expect(engine.decide(...sense)).toMatchObject({ reason: "no_rule", ruleId: null });
  });

  it("keep apart what differs in subject, topic or action, also after more of them than are remembered", () => {
    const engine = new DecisionEngine(policy, new ManualClock());
    for (let i = 0; i < 1500; i++) {
      const ruleId = i % 2 === 0 ? "ask" : null;
      const topic = i % 2 === 0 ? `gpio://gpiochip0/${i}` : `mqtt://site/${i}`;
      expect(engine.decide("program:pump", topic, "write").ruleId).toBe(ruleId);
    }
    expect(engine.decide("program:pump", "gpio://gpiochip0/17", "read").ruleId).toBeNull();
    expect(engine.decide("program:nobody", "gpio://gpiochip0/17", "write").reason).toBe("unknown_subject");
    expect(engine.decide(...pump).ruleId).toBe("ask");
  });
});
