import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildHarness, type HarnessOptions } from "./harness.ts";

/** The table of capabilities.md 4: per failing step, in order, its code and what it leaves behind. */
const TABLE = [
  ["quota", "quota_exceeded", { slot: false, token: false, left: 0, safe: false, driver: false, kinds: [] }],
  [
    "contract",
    "contract_violation",
    { slot: false, token: false, left: 0, safe: false, driver: false, kinds: [] },
  ],
  [
    "allowlist",
    "not_in_allowlist",
    { slot: false, token: false, left: 0, safe: false, driver: false, kinds: [] },
  ],
  [
    "switch",
    "capability_disabled",
    { slot: false, token: false, left: 0, safe: false, driver: false, kinds: [] },
  ],
  [
    "quarantine",
    "quarantined",
    { slot: false, token: false, left: 0, safe: true, driver: false, kinds: ["fallback_used"] },
  ],
  ["policy", "policy_denied", { slot: false, token: false, left: 0, safe: false, driver: false, kinds: [] }],
  [
    "permission",
    "permission_denied",
    { slot: false, token: false, left: 0, safe: false, driver: false, kinds: ["permission_block"] },
  ],
  ["target", "unknown_target", { slot: false, token: false, left: 0, safe: false, driver: false, kinds: [] }],
  [
    "resource",
    "resource_required",
    { slot: false, token: false, left: 0, safe: false, driver: false, kinds: ["resource_required"] },
  ],
  [
    "admission",
    "concurrency_exceeded",
    { slot: false, token: false, left: 0, safe: false, driver: false, kinds: [] },
  ],
  ["rate", "rate_limited", { slot: true, token: false, left: 0, safe: false, driver: false, kinds: [] }],
  [
    "guard",
    "no_evidence",
    { slot: true, token: true, left: 0, safe: true, driver: false, kinds: ["fallback_used"] },
  ],
  [
    "charge",
    "budget_exceeded",
    { slot: true, token: true, left: 0, safe: false, driver: false, kinds: ["phi_reject"] },
  ],
  [
    "intent",
    "ledger_unavailable",
    { slot: true, token: true, left: 0, safe: true, driver: false, kinds: ["phi_refund", "fallback_used"] },
  ],
  [
    "driver",
    "io_error",
    { slot: true, token: true, left: 500, safe: true, driver: true, kinds: ["fallback_used"] },
  ],
  [
    "result",
    "result_invalid",
    { slot: true, token: true, left: 500, safe: true, driver: true, kinds: ["fallback_used"] },
  ],
  [
    "evidence",
    "integrity_error",
    { slot: true, token: true, left: 500, safe: true, driver: true, kinds: ["fallback_used"] },
  ],
] as const;

async function callWith(failing: readonly string[], options: HarnessOptions = {}) {
  const harness = buildHarness({ ...options, failing, output: { durability: "before", ...options.output } });
  const before = harness.balanceMilli();
  let slot = false;
  const arrive = harness.admission.arrive.bind(harness.admission);
  harness.admission.arrive = (call) => {
    const answer = arrive(call);
    slot = !("ok" in answer);
    return answer;
  };
  const args = failing.includes("contract") ? {} : { value: 1 };
  const result = await harness.gate.call(harness.context(), "test.act", args, new AbortController().signal);
  return { harness, result, slot, left: before - harness.balanceMilli() };
}

describe("the wrapper's order", () => {
  test("for any set of failing steps the first in order decides and leaves exactly what the table says", async () => {
    const names = TABLE.map(([name]) => name);
    await fc.assert(
      fc.asyncProperty(fc.subarray(names, { minLength: 1 }), async (failing) => {
        const first = TABLE.find(([name]) => failing.includes(name));
        const { harness, result, slot, left } = await callWith(failing);
        expect(first).toBeDefined();
        if (!first) return;
        const [, code, residue] = first;
        expect(result).toMatchObject({ ok: false, code });
        expect({ slot, left }).toEqual({ slot: residue.slot, left: residue.left });
        expect(harness.ratesTaken()).toBe(residue.token);
        expect(harness.log.includes("driver")).toBe(residue.driver);
        expect(!result.ok && result.safeState !== undefined).toBe(residue.safe);
        expect(harness.drafts.map(({ kind }) => kind)).toEqual(residue.kinds);
        expect(harness.admission.running + harness.admission.waiting).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test("no effect happens without the guard having passed in the same call", async () => {
    const { harness } = await callWith([]);

    expect(harness.log.indexOf("guard")).toBeGreaterThanOrEqual(0);
    expect(harness.log.indexOf("guard")).toBeLessThan(harness.log.indexOf("driver"));
  });

  test.each(["quarantine", "boot", "admission", "rate", "guard", "charge"])(
    "the safe value passes although %s would refuse",
    async (failing) => {
      const { result, harness } = await callWith([failing], { safeValue: true });

      expect(result.ok).toBe(true);
      expect(harness.log).toContain("driver");
      expect(harness.log).not.toContain("charge");
    },
  );

  test("the safe value of an output of somebody else is refused like any other", async () => {
    const { result } = await callWith(["allowlist"], { safeValue: true });

    expect(result).toMatchObject({ code: "not_in_allowlist" });
  });

  test("a protective output takes no slot", async () => {
    const { result, slot } = await callWith(["admission"], { output: { protective: true } });

    expect({ ok: result.ok, slot }).toEqual({ ok: true, slot: false });
  });

  test("endless I/O ends at step 0 once the machine's counter says so", async () => {
    const harness = buildHarness();
    let calls = 0;
    const context = harness.context({ countCall: () => ++calls <= 3 });
    const signal = new AbortController().signal;
    const codes: string[] = [];
    for (let i = 0; i < 6; i++) {
      const result = await harness.gate.call(context, "test.act", { value: 1 }, signal);
      codes.push(result.ok ? "ok" : result.reason);
    }

    expect(codes).toEqual(["ok", "ok", "ok", ...Array(3).fill("io_calls_exceeded")]);
  });

  test("the sixth call outside the allow-list ends the run", async () => {
    const harness = buildHarness({ failing: ["allowlist"] });
    const context = harness.context();
    const codes: string[] = [];
    for (let i = 0; i < 6; i++) {
      const result = await harness.gate.call(context, "test.act", { value: 1 }, new AbortController().signal);
      codes.push(result.ok ? "ok" : result.reason);
    }

    expect(codes).toEqual([...Array(5).fill("not_in_allowlist"), "blocked_calls_exceeded"]);
    expect(context.mode).toBe("strict");
  });

  test("a missing resource is asked for, once per call, in the program's name", async () => {
    const { harness } = await callWith(["resource"]);

    expect(harness.asked).toEqual(["resource:gpio:gpiochip0"]);
  });
});

describe("a driver", () => {
  test("that ignores its AbortSignal is abandoned and its target marked busy until it answers", async () => {
    let answer: (outcome: { result: object; evidence: [] }) => void = () => undefined;
    const stuck = new Promise<{ result: Record<string, never>; evidence: [] }>((resolve) => {
      answer = () => resolve({ result: {}, evidence: [] });
    });
    const harness = buildHarness({ class: "read", perform: () => stuck });
    const signal = new AbortController().signal;

    const first = harness.gate.call(harness.context(), "test.act", { value: 1 }, signal);
    await harness.clock.advance(101);
    const second = await harness.gate.call(harness.context(), "test.act", { value: 1 }, signal);

    expect(await first).toMatchObject({ ok: false, code: "io_timeout", status: 503 });
    expect(second).toMatchObject({ ok: false, code: "target_busy", status: 409 });
    expect(harness.admission.running).toBe(0);

    answer({ result: {}, evidence: [] });
    await harness.clock.yield();
    const third = await harness.gate.call(harness.context(), "test.act", { value: 1 }, signal);
    expect(third.ok).toBe(true);
  });

  test("whose write is cut short leaves an effect of unknown outcome and a safe output", async () => {
    const harness = buildHarness({ perform: () => new Promise(() => undefined) });

    const call = harness.gate.call(harness.context(), "test.act", { value: 1 }, new AbortController().signal);
    await harness.clock.advance(101);

    expect(await call).toMatchObject({ code: "effect_unknown", safeState: { output: "pump", driven: true } });
    expect(harness.hardware.line(17).level).toBe(0);
  });

  test("that throws something of its own gives io_error without its text, and an alert", async () => {
    const harness = buildHarness({ perform: () => Promise.reject(new Error("/home/imud/secret")) });

    const result = await harness.gate.call(
      harness.context(),
      "test.act",
      { value: 1 },
      new AbortController().signal,
    );

    expect(result).toMatchObject({ code: "io_error", details: { kind: "internal" } });
    expect(JSON.stringify(result)).not.toContain("secret");
    expect(harness.alerts).toContain("driver_internal");
  });

  test("is not called once the run is cut, and what was taken is given back", async () => {
    const abort = new AbortController();
    const harness = buildHarness({ subjectCap: 1 });
    harness.admission.arrive({ id: "other", subject: "program:fan", capability: "test.act" });

    const call = harness.gate.call(harness.context(), "test.act", { value: 1 }, abort.signal);
    await harness.clock.yield();
    abort.abort(new Error("cut"));

    expect(await call).toMatchObject({ code: "io_aborted", status: 409 });
    expect(harness.log).not.toContain("driver");
    expect(harness.admission.waiting).toBe(0);
  });
});

describe("a plan", () => {
  test("leaves no trace, whatever would fail", async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray(TABLE.map(([name]) => name)), async (failing) => {
        const harness = buildHarness({ failing });
        const before = { ...harness.context().counters };
        const context = harness.context();

        await harness.gate.plan(context, "test.act", failing.includes("contract") ? {} : { value: 1 });

        expect([harness.log, harness.drafts, harness.asked, harness.hardware.requested]).toEqual([
          [],
          [],
          [],
          [],
        ]);
        expect(context.counters).toEqual(before);
      }),
      { numRuns: 60 },
    );
  });

  test("binds the call that expects it: another plan is refused before anything is taken", async () => {
    const harness = buildHarness();
    const signal = new AbortController().signal;
    const { planHash } = await harness.gate.plan(harness.context(), "test.act", { value: 1 });
    const expect_ = planHash ?? "";

    const same = await harness.gate.call(harness.context(), "test.act", { value: 1 }, signal, {
      expect: expect_,
    });
    const other = await harness.gate.call(harness.context(), "test.act", { value: 0 }, signal, {
      expect: expect_,
    });

    expect(same.ok).toBe(true);
    expect(other).toMatchObject({ code: "plan_mismatch", status: 409 });
  });
});
