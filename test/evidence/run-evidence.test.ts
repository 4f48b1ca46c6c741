import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodedError } from "../../firmware/core/errors.ts";
import { hashJson, sha256Hex } from "../../firmware/core/hash.ts";
import type { Json } from "../../firmware/core/json.ts";
import {
  ContentStore,
  defaultRequirement,
  evidenceId,
  type GuardVerdict,
  ReputationBook,
  RunReputation,
  riskLayer,
  SourceRegistry,
  sealMac,
  sealsOf,
  tighten,
} from "../../firmware/evidence/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { CHIP, reading, readingClaim, SEALER, startRun } from "./support.ts";

const PIN = defaultRequirement("gpio.write");
const REPLY = defaultRequirement("RESPOND");
const reasonOf = (verdict: GuardVerdict) => (verdict.ok ? "ok" : verdict.reason);

function codeThrown(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof CodedError) return `${error.code} ${error.status}`;
    throw error;
  }
  return "nothing thrown";
}

describe("recording", () => {
  it("numbers records of a run and seals their whole body", () => {
    const { run } = startRun();
    const first = run.record(reading(21.5));
    const second = run.record(reading(21.6));
    expect([first.body.seq, second.body.seq]).toEqual([0, 1]);
    expect(run.list.map(({ id }) => id)).toEqual([first.id, second.id]);
    expect(Object.isFrozen(first.body)).toBe(true);
  });

  it("gives every record the identity and the seal of its canonical body, with any payload or a blob", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.option(fc.uint8Array()), (value, blob) => {
        const { run } = startRun();
        const payload = value as Json;
        const { id, body, seal } = run.record({
          kind: "sensor_reading",
          source: CHIP,
          payload,
          ...(blob ? { blob } : {}),
        });
        expect(id).toBe(evidenceId(body));
        expect(seal.mac).toBe(sealMac(SEALER.key, body));
        expect(body.sha256).toBe(blob ? sha256Hex(blob) : hashJson(payload));
        if (!blob) expect(body.payload).toEqual(payload);
      }),
    );
  });

  it("keeps a payload as it was recorded: a copy all the way down that nothing can alter", () => {
    const { run } = startRun();
    const inner = { list: [1, { deep: true }] };
    const payload = JSON.parse('{"__proto__": {"own": 1}, "inner": null}');
    payload.inner = inner;
    const { body } = run.record({ kind: "sensor_reading", source: CHIP, payload });
    inner.list.push(2);
    expect(JSON.stringify(body.payload)).toBe('{"__proto__":{"own":1},"inner":{"list":[1,{"deep":true}]}}');
    const frozen = (part: unknown): boolean =>
      typeof part !== "object" ||
      part === null ||
      (Object.isFrozen(part) && Object.values(part).every(frozen));
    expect(frozen(body.payload)).toBe(true);
  });

  it("never believes a declared trust above the source's", () => {
    const { run } = startRun();
    const { body } = run.record({ kind: "mqtt_message", source: "mqtt://main/site", declaredTrust: 1 });
    expect(body.trust).toBe(0.6);
  });

  it.each([
    ["an unknown kind", { kind: "x_thing", source: CHIP }, "evidence_unknown_kind 422"],
    ["a malformed source", { kind: "sensor_reading", source: "i2c://1//0x76" }, "bad_source 422"],
    ["a negative lifetime", { kind: "sensor_reading", source: CHIP, ttlMs: -1 }, "malformed 422"],
    ["a trust that is no number", { ...reading(1), declaredTrust: Number.NaN }, "malformed 422"],
    ["a payload without canonical form", { ...reading(Number.NaN) }, "not_canonical 422"],
  ])("refuses %s", (_, input, code) => {
    const { run } = startRun();
    expect(codeThrown(() => run.record(input))).toBe(code);
    expect(run.list).toEqual([]);
    expect(run.ops()).toEqual([]);
  });

  it("refuses a kind that the source's rule does not list", () => {
    const rules = [{ prefix: CHIP, id: "bme280", trust: 0.9, kinds: ["sensor_reading"] }];
    const { run } = startRun({ sources: new SourceRegistry({ rules }) });
    expect(codeThrown(() => run.record({ kind: "i2c_read", source: CHIP }))).toBe(
      "evidence_kind_not_allowed 422",
    );
  });

  it("stops at the run's limit with evidence_overflow", () => {
    const { run } = startRun({ maxPerRun: 2 });
    run.record(reading(1));
    run.record(reading(2));
    expect(codeThrown(() => run.record(reading(3)))).toBe("evidence_overflow 429");
  });

  it("refuses the effect when its decision could not be recorded", () => {
    const { run } = startRun({ maxPerRun: 1 });
    run.record(reading(1));
    expect(reasonOf(run.guard({ effect: "gpio.write", requirement: PIN }))).toBe("evidence_overflow");
  });

  it("keeps a large payload as a blob whose members a claim can still point into", () => {
    const { run } = startRun();
    const big = { value: 21.5, unit: "Cel", noise: "x".repeat(3000) };
    const evidence = run.record({ ...reading(0), payload: big });
    expect(evidence.body.payload).toBeUndefined();
    const claims = [readingClaim(evidence.id, 21.5)];
    expect(reasonOf(run.guard({ effect: "RESPOND", requirement: REPLY, claims }))).toBe("ok");
  });

  it("does not let the caller change a payload after recording", () => {
    const { run } = startRun();
    const payload = { value: 1, unit: "Cel" };
    run.record({ ...reading(0), payload });
    payload.value = 99;
    expect(reasonOf(run.guard({ effect: "gpio.write", requirement: PIN }))).toBe("ok");
    expect(run.list[0]?.body.payload).toEqual({ value: 1, unit: "Cel" });
  });
});

describe("the guard of a run", () => {
  it("passes on one good reading and records the decision", () => {
    const { run } = startRun();
    const { id } = run.record(reading(21.5));
    const verdict = run.guard({ effect: "gpio.write", requirement: PIN });
    expect(verdict).toMatchObject({ ok: true, valid: [id] });
    expect(run.list[1]?.body).toMatchObject({
      kind: "guard_decision",
      payload: { effect: "gpio.write", ok: true, valid: [id] },
    });
  });

  it("is witnessed by what the run has read, not by the daemon's own records", () => {
    const { run } = startRun();
    const { id } = run.record(reading(21.5));
    run.guard({ effect: "gpio.write", requirement: PIN });
    const decision = run.list.at(-1);
    expect(run.witness(id)).toEqual({ origin: CHIP, content: true, level: 3 });
    expect(decision?.body.kind).toBe("guard_decision");
    expect(run.witness(decision?.id ?? "")).toBeUndefined();
    expect(run.witness("0".repeat(64))).toBeUndefined();
  });

  it("does not count its own decisions as evidence", () => {
    const { run } = startRun();
    for (let i = 0; i < 3; i++) {
      expect(run.guard({ effect: "gpio.write", requirement: PIN })).toMatchObject({
        reason: "no_evidence",
        details: { ignoredBookkeeping: i },
      });
    }
  });

  it("refuses without a requirement", () => {
    const { run } = startRun();
    run.record(reading(1));
    expect(reasonOf(run.guard({ effect: "gpio.write", requirement: undefined }))).toBe("guard_error");
  });

  it("refuses when something it depends on throws", () => {
    const sources = new SourceRegistry();
    const { run } = startRun({ sources });
    run.record(reading(1));
    sources.lookup = () => {
      throw new Error("no table");
    };
    expect(reasonOf(run.guard({ effect: "gpio.write", requirement: PIN }))).toBe("guard_error");
  });

  it("accepts a reading at its last millisecond and refuses it one later", async () => {
    const { run, clock } = startRun();
    run.record({ ...reading(1), ttlMs: 1000 });
    await clock.advance(1000);
    expect(reasonOf(run.guard({ effect: "gpio.write", requirement: PIN }))).toBe("ok");
    await clock.advance(1);
    expect(reasonOf(run.guard({ effect: "gpio.write", requirement: PIN }))).toBe("insufficient_evidence");
  });

  it("ignores a jump of the wall clock within one boot", () => {
    const { run, clock } = startRun();
    run.record(reading(1));
    clock.jumpWall(86_400_000);
    expect(reasonOf(run.guard({ effect: "gpio.write", requirement: PIN }))).toBe("ok");
  });

  it("refuses a broker message alone and an unknown source alone, whatever they say", () => {
    for (const source of ["mqtt://main/site", "https://example.org/t"]) {
      const { run } = startRun();
      run.record({ kind: "mqtt_message", source, payload: { trust: 1 }, declaredTrust: 1 });
      expect(run.guard({ effect: "gpio.write", requirement: PIN })).toMatchObject({
        details: { rejectedLowTrust: 1 },
      });
    }
  });

  it("gives simulated sensors their trust only in a simulator", () => {
    const simulated = { ...reading(1), source: "sim://i2c/1/0x76" };
    const board = startRun().run;
    board.record(simulated);
    expect(reasonOf(board.guard({ effect: "gpio.write", requirement: PIN }))).toBe("insufficient_evidence");
    const { run } = startRun({ sources: new SourceRegistry({ simulated: true }) });
    run.record(simulated);
    expect(reasonOf(run.guard({ effect: "gpio.write", requirement: PIN }))).toBe("ok");
  });

  it("asks high risk for three chips, not for three channels of one", () => {
    const requirement = tighten(PIN, riskLayer("high"));
    const { run } = startRun();
    for (const channel of ["a", "b", "c"]) run.record(reading(1, `${CHIP}/${channel}`));
    expect(run.guard({ effect: "gpio.write", requirement, risk: "high" })).toMatchObject({
      reason: "not_enough_sources",
      details: { need: 3, have: 1, origins: [CHIP] },
    });
    run.record(reading(1, "i2c://1/0x77"));
    run.record(reading(1, "spi://0.0"));
    expect(reasonOf(run.guard({ effect: "gpio.write", requirement, risk: "high" }))).toBe("ok");
  });

  it("records the resolution of a vote, names the outlier and takes its reputation down", () => {
    const book = new ReputationBook();
    const reputation = new RunReputation(book);
    const outliers: string[] = [];
    const { run, clock } = startRun({ reputation, onOutlier: (source) => outliers.push(source) });
    const values = { "i2c://1/0x76": 20, "spi://0.0": 20.2, "serial://ttys0": 35 };
    const claims = Object.entries(values).map(([source, value]) => {
      const { id } = run.record(reading(value, source));
      return readingClaim(id, value, { id: source, group: "bath" });
    });
    const bath = {
      mode: "vote",
      tolerance: 0.05,
      absTolerance: 0.5,
      minMembers: 2,
      maxSpreadMs: 2000,
      majority: 1.3,
    } as const;
    const verdict = run.guard({
      effect: "RESPOND",
      requirement: tighten(REPLY, { groups: { bath } }),
      claims,
    });
    expect(verdict).toMatchObject({ ok: true, resolutions: [{ outliers: ["serial://ttys0"] }] });
    expect(run.list.at(-1)?.body).toMatchObject({ kind: "resolution_proof", payload: { group: "bath" } });
    expect(outliers).toEqual(["serial://ttys0"]);
    reputation.settle(clock.wallMs());
    expect(book.factor("serial", clock.wallMs())).toBeLessThan(1);
    expect(book.factor("i2c", clock.wallMs())).toBeGreaterThan(1);
  });
});

describe("claims of a reply", () => {
  it.each([
    ["a value that is not in the evidence", { value: 22 }, "claim_value_mismatch"],
    ["a unit the evidence does not have", { schema: { type: "number", unit: "K" } }, "schema_unit_mismatch"],
    ["a pointer into the prototype", { from: { pointer: "/__proto__" } }, "claim_pointer_missing"],
    ["a demand for trust that is no number", { minTrust: "low" }, "claim_evidence_invalid"],
    ["more trust than there is", { minTrust: 0.99 }, "claim_evidence_invalid"],
    [
      "a predicate of an unknown operator",
      { predicate: { op: "constructor", value: 1 } },
      "claim_predicate_failed",
    ],
  ])("are refused with %s", (_, change: Record<string, unknown>, reason) => {
    const { run } = startRun();
    const { id } = run.record(reading(21.5));
    const base = readingClaim(id, 21.5);
    const from = { ...base.from, ...(change.from as object | undefined) };
    const claims = [{ ...base, ...change, from }];
    expect(reasonOf(run.guard({ effect: "RESPOND", requirement: REPLY, claims }))).toBe(reason);
  });

  it("are needed for every reply", () => {
    const { run } = startRun();
    run.record(reading(1));
    expect(reasonOf(run.guard({ effect: "RESPOND", requirement: REPLY }))).toBe("no_claims_no_response");
  });
});

describe("settlement", () => {
  it("folds the calls of a run into one record per capability", () => {
    const { run } = startRun();
    run.tally("i2c.read", 2000, 3);
    run.tally("i2c.read", 2000, 4);
    run.tally("kv.get", 0, 1);
    run.settle();
    const done = run.list.filter(({ body }) => body.kind === "capability_exec_done");
    expect(done.map(({ body }) => body.payload)).toEqual([
      { capability: "i2c.read", count: 2, chargedMilli: 4000, tookMs: 7 },
      { capability: "kv.get", count: 1, chargedMilli: 0, tookMs: 1 },
    ]);
    expect(run.list.filter(({ body }) => body.kind === "phi_charge")).toHaveLength(1);
    run.settle();
    expect(run.list).toHaveLength(3);
  });

  it("gives one batch from which the run can be read back in order", async () => {
    const { run } = startRun();
    run.record(reading(1));
    run.record({ kind: "serial_read", source: "serial://ttys0", blob: new Uint8Array([1, 2, 3]) });
    await using store = new MemoryStore();
    await store.batch(run.ops(), { sync: true });
    const cas = new ContentStore({ store, wallMs: () => 0, seals: sealsOf(SEALER) });
    expect(await cas.evidenceOfRun("run-1")).toEqual(run.list);
    expect(await cas.get(run.list[1]?.body.sha256 ?? "")).toEqual(new Uint8Array([1, 2, 3]));
    expect(await cas.evidenceOfRun("run-")).toEqual([]);
  });

  it("leaves bookkeeping out of session trust", () => {
    const { run } = startRun();
    run.record({ kind: "run_start", source: "local://runs" });
    expect(run.sessionTrust()).toBe(0);
    run.record({ kind: "mqtt_message", source: "mqtt://main/site" });
    expect(run.sessionTrust()).toBeCloseTo(0.6, 9);
  });
});
