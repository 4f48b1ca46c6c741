/** Derived capabilities behind the real gate, with the real built-ins. */
import { describe, expect, test } from "vitest";
import {
  type Capability,
  type CapabilityGate,
  CapabilityRegistry,
  compileDerived,
  derivedCapability,
  lookupIn,
  type RunContext,
} from "../../firmware/capabilities/index.ts";
import type { Json } from "../../firmware/core/json.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { manifest } from "./derived-manifests.ts";
import { openDevice } from "./device.ts";
import { BALANCE, buildHarness, type HarnessOptions } from "./harness.ts";

async function derived(over: Readonly<Record<string, Json>> = {}, options: HarnessOptions = {}) {
  const board = await openDevice(new ManualClock());
  let gate: CapabilityGate | null = null;
  let all: readonly Capability[] = [];
  const called: string[] = [];
  const harness = buildHarness({
    ...options,
    capabilities: (parts) => {
      const builtIn = board.build(parts);
      const result = compileDerived(manifest(over), lookupIn(new CapabilityRegistry(builtIn)));
      if (!result.ok) throw new Error(JSON.stringify(result));
      const made = derivedCapability(result.compiled, async (ctx, id, args, signal, options) => {
        if (!gate) throw new Error("no gate");
        called.push(id);
        return gate.call(ctx, id, args, signal, options);
      });
      all = [...builtIn, made];
      return all;
    },
  });
  gate = harness.gate;
  const run = (ctx: RunContext, args: Json = { output: "pump" }) =>
    harness.gate.call(ctx, "board.follow", args, new AbortController().signal);
  return { harness, called, run, registry: () => new CapabilityRegistry(all) };
}

describe("a derived capability", () => {
  test("makes its calls in order, hands results on and answers from its template", async () => {
    const { harness, called, run } = await derived();
    harness.hardware.line(4).level = 1;

    const result = await run(harness.context());

    expect(result).toMatchObject({
      ok: true,
      result: { was: 1, is: 1 },
      evidence: ["ev1", "ev2"],
      chargedMilli: 700,
    });
    expect(called).toEqual(["gpio.read", "gpio.write"]);
    expect(harness.hardware.line(17).level).toBe(1);
    expect(harness.drafts.map(({ kind }) => kind)).toEqual(["gpio_read", "gpio_write"]);
  });

  test("is paid, guarded and admitted once, as its steps", async () => {
    const { harness, run } = await derived({}, { subjectCap: 1 });
    harness.hardware.line(4).level = 1;
    const context = harness.context();

    expect(await run(context)).toMatchObject({ ok: true });

    expect(harness.balanceMilli()).toBe(BALANCE - 700);
    expect(context.counters.chargedMilli).toBe(700);
    expect(harness.log.filter((entry) => entry === "guard")).toHaveLength(1);
    expect(harness.admission.running).toBe(0);
  });

  test("hands on what its caller claims, for the guard of each effect", async () => {
    const { harness } = await derived();
    harness.hardware.line(4).level = 1;
    const seen: unknown[] = [];
    const { evidence } = harness.context();
    const guard: typeof evidence.guard = (request) => {
      seen.push(request.claims);
      return evidence.guard(request);
    };
    const context = harness.context({ evidence: { ...evidence, guard } });
    const claims = [{ id: "wet" }];

    await harness.gate.call(context, "board.follow", { output: "pump" }, new AbortController().signal, {
      claims,
    });

    expect(seen).toEqual([claims]);
  });

  test("ends with the first failure, whose records and safe state are the step's", async () => {
    const { harness, called, run } = await derived({}, { failing: ["guard"] });
    harness.hardware.line(4).level = 1;

    const result = await run(harness.context());

    expect(result).toMatchObject({ ok: false, code: "no_evidence", status: 412 });
    expect(result).toHaveProperty("safeState");
    expect(called).toEqual(["gpio.read", "gpio.write"]);
    expect(harness.drafts.filter(({ kind }) => kind === "fallback_used")).toHaveLength(1);
  });

  test("makes no further call after one that failed", async () => {
    const { harness, called, run } = await derived();
    harness.hardware.missing = "gpio:gpiochip0";

    const result = await run(harness.context());

    expect(result).toMatchObject({ code: "resource_required", resource: { resource: "gpio:gpiochip0" } });
    expect(called).toEqual(["gpio.read"]);
    expect(harness.asked).toEqual(["resource:gpio:gpiochip0"]);
  });

  test("gives no right: each step must be on the program's own list", async () => {
    const { harness, run } = await derived();
    const program = { name: "fan", outputs: ["pump"], capabilities: ["board.follow", "gpio.read"] };

    expect(await run(harness.context({ program }))).toMatchObject({
      code: "not_in_allowlist",
      details: { capability: "gpio.write" },
    });
  });

  test("gives no output: a name that the program does not declare is refused by the step", async () => {
    const { harness, run } = await derived();
    const program = {
      ...harness.context().program,
      name: "fan",
      outputs: [],
      capabilities: ["board.follow", "gpio.read", "gpio.write"],
    };
    harness.hardware.line(4).level = 1;

    expect(await run(harness.context({ program }))).toMatchObject({ code: "output_undeclared" });
    expect(await run(harness.context(), { output: "pump; rm -rf /" })).toMatchObject({
      code: "contract_violation",
    });
    expect(harness.hardware.line(17).written).toEqual([]);
  });

  test.each<[Json, string]>([
    [{}, "missing_param"],
    [{ output: 1 }, "type_mismatch"],
    [["pump", 1], "unexpected_param"],
  ])("checks its own arguments %j before any call", async (args, reason) => {
    const { harness, called, run } = await derived();

    expect(await run(harness.context(), args)).toMatchObject({
      code: "contract_violation",
      details: { reason },
    });
    expect(called).toEqual([]);
  });

  test("rehearses step by step in a dry run and drives nothing", async () => {
    const { harness, run } = await derived();
    harness.hardware.line(4).level = 1;

    expect(await run(harness.context({ dry: true }))).toMatchObject({ ok: true, result: { was: 1, is: 1 } });
    expect(harness.hardware.line(17).written).toEqual([]);
    expect(harness.balanceMilli()).toBe(BALANCE);
  });

  test("is planned without a call", async () => {
    const { harness, called } = await derived();

    const plan = await harness.gate.plan(harness.context(), "board.follow", { output: "pump" });

    expect(plan).toMatchObject({ ok: true, topic: "output:pump", action: "write", costMilli: 700 });
    expect(called).toEqual([]);
    expect(harness.drafts).toEqual([]);
  });

  test("must keep the contract of its result", async () => {
    const { harness, run } = await derived({ returns: { was: { step: "door", pointer: "" } } });
    harness.hardware.line(4).level = 1;

    expect(await run(harness.context())).toMatchObject({ code: "result_invalid", status: 500 });
  });

  test("refuses where an answer lacks what it points at, with a record of its own", async () => {
    const { harness, run } = await derived({ returns: { was: { step: "door", pointer: "/driven" } } });
    harness.hardware.line(4).level = 1;

    expect(await run(harness.context())).toMatchObject({ code: "unknown_hole" });
    expect(harness.drafts.map(({ kind }) => kind)).toEqual(["gpio_read", "gpio_write", "fallback_used"]);
  });

  test("stops at its own deadline; what the step was doing is not known", async () => {
    const { harness, run } = await derived({ timeoutMs: 50 });
    harness.hardware.line(4).level = 1;
    const line = harness.hardware.line(17);
    line.hang = true;

    const pending = run(harness.context());
    for (let i = 0; i < 20; i++) await harness.clock.advance(50);

    expect(await pending).toMatchObject({ ok: false, code: "effect_unknown" });
  });

  test("is no step of another one", async () => {
    const { registry } = await derived();
    const twice = manifest({
      id: "board.twice",
      steps: [{ as: "a", call: "board.follow", args: { output: { param: "output" } } }],
      returns: null,
    });

    expect(compileDerived(twice, lookupIn(registry()))).toMatchObject({
      code: "unknown_capability",
      details: { capability: "board.follow", why: "derived" },
    });
  });
});
