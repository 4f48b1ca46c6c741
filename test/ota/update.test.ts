import { describe, expect, it } from "vitest";
import { hashJson } from "../../firmware/core/hash.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { releaseHash } from "../../ota/index.ts";
import {
  alice,
  countdown,
  Device,
  factoryBytes,
  NOW,
  operator,
  policyFor,
  release,
  sourceList,
} from "./device.ts";

const factory = releaseHash(factoryBytes);

describe("an update", () => {
  it("runs from the offer to the commit, with every arrow in the ledger", async () => {
    const device = await Device.ready();
    const candidate = release(2, [countdown(400)]);
    const staged = await device.service.stage(candidate.statementBytes, candidate.bundle);
    expect(staged).toMatchObject({ ok: true });
    await device.settle();
    expect(await device.lastRun()).toMatchObject({
      state: "committed",
      reason: null,
      candidate: candidate.releaseHash,
    });
    expect(device.kinds().filter((kind) => kind !== "decision")).toEqual([
      "policy_received",
      "policy_verified",
      "policy_planned",
      "policy_gated",
      "policy_shadowed",
      "policy_active",
      "policy_self_test",
      "policy_probe",
      "policy_canary",
      "policy_committed",
      "kpi_regression_ok",
    ]);
    const { pointer, running, run } = await device.service.status();
    expect(pointer).toMatchObject({ active: candidate.releaseHash, previous: factory, slot: "committed" });
    expect([running, run, device.running?.hash]).toEqual([
      candidate.releaseHash,
      null,
      candidate.releaseHash,
    ]);
  });

  it("has an entry for each verdict of a gate, before the arrow that it led to", async () => {
    const device = await Device.ready();
    const inForce = device.running?.policy.policyHash;
    const candidate = release(2, [countdown(400)]);
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();

    const decisions = device.events.filter(({ kind }) => kind === "decision").map(({ data }) => data);
    const { gateResults } = await device.lastRun();
    expect(decisions.map(({ step }) => step)).toEqual(gateResults.map(({ gate }) => gate));
    for (const { input, inputHash, result, policyHash } of decisions) {
      expect(hashJson(input as JsonObject)).toBe(inputHash);
      expect([result, policyHash]).toEqual([{ ok: true, reasons: [] }, inForce]);
    }
    expect(device.kinds().indexOf("decision")).toBeLessThan(device.kinds().indexOf("policy_verified"));
  });

  it("has the reasons of the verdict that refused it", async () => {
    const device = await Device.ready();
    const candidate = release(2, [countdown(1000)]);
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();

    const decided = device.events.filter(({ kind }) => kind === "decision").at(-1);
    expect(decided).toMatchObject({
      severity: "warn",
      data: { result: { ok: false, reasons: expect.arrayContaining(["phi_regression"]) } },
    });
    expect(device.kinds().at(-1)).toBe("policy_rejected");
  });

  it("brings its list of sources, and no older list after it", async () => {
    const device = await Device.ready();
    const first = release(2, [countdown(400)], { sources: sourceList(5) });
    await device.service.stage(first.statementBytes, first.bundle);
    await device.settle();
    expect(device.running?.sources).toMatchObject({ version: 5, rules: [{ id: "adc" }] });

    const next = release(3, [countdown(300)], { sources: sourceList(4) });
    await device.service.stage(next.statementBytes, next.bundle);
    await device.settle();
    expect(await device.lastRun()).toMatchObject({ state: "rejected", reason: "list_rollback" });
  });

  it("is looked at no more often where too few runs can judge it after its guard time", async () => {
    // Too little history of the factory's release to compare with.
    const device = await Device.ready({}, 2);
    const candidate = release(2, [countdown(400)]);
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.reach("committed");
    for (let i = 0; i < 60; i++) await device.clock.advance(100);
    const before = device.store.batches;

    for (let i = 0; i < 100; i++) await device.clock.advance(100);

    expect((await device.service.status()).run?.state).toBe("committed");
    expect(device.store.batches - before).toBeLessThan(20);
  });

  it("is refused for twice the steps, with both Φ in the answer", async () => {
    const device = await Device.ready();
    const candidate = release(2, [countdown(1000)]);
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();
    const run = await device.lastRun();
    expect(run).toMatchObject({ state: "rejected", reason: "phi_regression" });
    const phi = run.gateResults.find(({ gate }) => gate === "phi");
    const details = phi?.violations[0]?.details ?? {};
    expect(details).toMatchObject({ activePhi: expect.any(Number), candidatePhi: expect.any(Number) });
    expect(Number(details.candidatePhi)).toBeGreaterThan(Number(details.activePhi));
    expect(await device.active()).toBe(factory);
    expect(device.activated).toEqual([]);
  });

  it("names both Φ in the ledger when it is refused for them", async () => {
    const device = await Device.ready();
    const candidate = release(2, [countdown(1000)]);
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();
    const entry = device.events.find(({ kind }) => kind === "policy_rejected");
    expect(JSON.stringify(entry?.data)).toMatch(/"activePhi":0\.\d+.*"candidatePhi":0\.\d+/);
  });

  it("is refused a second time without being tried", async () => {
    const device = await Device.ready();
    const candidate = release(2, [countdown(1000)]);
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();
    expect(await device.service.stage(candidate.statementBytes, candidate.bundle)).toMatchObject({
      ok: false,
      code: "already_rejected",
    });
  });

  it("goes back by itself when its self-test fails", async () => {
    const candidate = release(2, [countdown(400)]);
    const device = await Device.ready({ selfTestFails: ({ hash }) => hash === candidate.releaseHash });
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();
    expect(await device.lastRun()).toMatchObject({ state: "rolled_back", reason: "self_test", to: factory });
    expect(device.activated).toEqual([candidate.releaseHash, factory]);
    expect(await device.service.stage(candidate.statementBytes, candidate.bundle)).toMatchObject({
      code: "already_rejected",
    });
  });

  it("goes back when a self-test of its own bundle ends otherwise than it says", async () => {
    const selfTest = [{ program: "pump", payload: {}, expect: { ended: "responded", status: 200 } }] as const;
    const candidate = release(2, [countdown(400)], { selfTest });
    const device = await Device.ready();
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();
    const run = await device.lastRun();
    expect(run).toMatchObject({ state: "rolled_back", reason: "self_test" });
    const found = run.gateResults.findLast(({ gate }) => gate === "self_test");
    expect(found?.violations[0]?.details).toMatchObject({ got: { ended: "halted" } });
  });

  it("goes back when an echo does not return", async () => {
    const candidate = release(2, [countdown(400)]);
    const device = await Device.ready({ echoes: ({ isFactory }) => (isFactory ? 3 : 2) });
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();
    expect(await device.lastRun()).toMatchObject({ state: "rolled_back", reason: "echo_missing" });
  });

  it("goes back when its live runs breach the service level", async () => {
    const candidate = release(2, [countdown(400)]);
    const device = await Device.ready({ wallMs: ({ isFactory }) => (isFactory ? 5 : 900) });
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();
    expect(await device.lastRun()).toMatchObject({ state: "rolled_back", reason: "sla_breach", to: factory });
  });

  it("enters safe mode when neither the candidate nor anything before it passes its self-test", async () => {
    const candidate = release(2, [countdown(400)]);
    const device = await Device.ready({ selfTestFails: () => true });
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();
    const { run, running } = await device.service.status();
    expect([run?.state, running, device.safeMode]).toEqual(["safe_mode", null, "self_test"]);
    expect(device.kinds().at(-1)).toBe("safe_mode_enter");
  });

  it("is refused while another one is on trial", async () => {
    const device = await Device.ready();
    const first = release(2, [countdown(400)]);
    const second = release(3, [countdown(300)]);
    await device.service.stage(first.statementBytes, first.bundle);
    await device.reach("canary");
    expect(await device.service.stage(second.statementBytes, second.bundle)).toMatchObject({
      code: "ota_busy",
    });
    await device.settle();
  });

  it("can be given up in its trial", async () => {
    const device = await Device.ready();
    const candidate = release(2, [countdown(400)]);
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.reach("canary");
    const aborted = device.service.abort();
    await device.settle();
    expect(await aborted).toEqual({ ok: true, state: "rolled_back" });
    expect(await device.lastRun()).toMatchObject({ reason: "aborted_by_command", to: factory });
  });

  it("can be undone after its commit, and an older release is not installed again", async () => {
    const device = await Device.ready();
    const candidate = release(2, [countdown(400)]);
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();
    const back = device.service.rollback("auto", "test");
    await device.settle();
    expect(await back).toEqual({ ok: true, to: factory });
    expect(await device.active()).toBe(factory);
    const older = release(2, [countdown(300)]);
    expect(await device.service.stage(older.statementBytes, older.bundle)).toMatchObject({
      code: "version_not_newer",
    });
  });

  it("is replaced as well when an emergency rollback comes in its trial", async () => {
    const device = await Device.ready();
    const candidate = release(2, [countdown(400)]);
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.reach("canary");
    const back = device.service.rollback();
    await device.settle();
    expect(await back).toEqual({ ok: true, to: factory });
    expect(await device.lastRun()).toMatchObject({ state: "rolled_back", reason: "emergency_rollback" });
  });

  it("refuses to go back to a release the device does not have", async () => {
    const device = await Device.ready();
    expect(await device.service.rollback("f".repeat(64))).toMatchObject({ code: "rollback_target_unknown" });
  });
});

describe("a candidate is refused", () => {
  const refusedFor = async (change: Parameters<typeof release>[2], programs = [countdown(400)]) => {
    const device = await Device.ready();
    const candidate = release(2, programs, change);
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();
    const run = await device.lastRun();
    expect([run.state, await device.active()]).toEqual(["rejected", factory]);
    return run;
  };

  it("when its policy does not compile", async () => {
    const run = await refusedFor({ policy: { ...policyFor(2, [countdown(400)]), labels: {} } });
    expect(run.reason).toBe("policy_invalid");
  });

  it("when a program does not verify", async () => {
    const broken = { ...countdown(400), code: [{ op: "ADD" }, { op: "HALT" }] };
    expect((await refusedFor({ policy: policyFor(2, [broken]) }, [broken])).reason).toBe("program_invalid");
  });

  it("when it has more problems than a ledger entry can hold", async () => {
    const broken = Array.from({ length: 100 }, (_, i) => ({
      ...countdown(1, `p${i}`),
      code: Array.from({ length: 40 }, () => ({ op: "JUMP", label: "nowhere-".repeat(6) })),
    }));
    const run = await refusedFor({ policy: policyFor(2, broken) }, broken);
    expect(run.reason).toBe("program_invalid");
  });

  it("when its list of sources has expired", async () => {
    const sources = sourceList(1, { issuedAt: NOW - 2, expiresAt: NOW - 1 });
    expect((await refusedFor({ sources })).reason).toBe("authority_expired");
  });

  it("when its list of sources names a prefix twice, and then nobody can build it", () => {
    const [rule = null] = sourceList(1).sources;
    const twice = sourceList(1, { sources: [rule, rule] });
    expect(() => release(2, [countdown(400)], { sources: twice })).toThrow(
      expect.objectContaining({ code: "duplicate_prefix" }),
    );
  });

  it("when a program uses an output that its policy does not declare", async () => {
    const other = { ...countdown(400), outputs: ["siren"] };
    const run = await refusedFor({ policy: policyFor(2, [other]) }, [other]);
    expect(run.gateResults.at(-1)?.violations[0]?.details).toMatchObject({ why: "output_not_declared" });
  });

  it("when its policy would refuse what the active one releases", async () => {
    const block = [{ id: "start", topic: "program://**", action: "invoke", decision: "block" }];
    const programs = [countdown(400)];
    const run = await refusedFor({ policy: policyFor(2, programs, { decisions: { rules: block } }) });
    expect(run.reason).toContain("new_refusals");
  });

  it("when its limits cut runs that were released", async () => {
    const programs = [countdown(400)];
    const run = await refusedFor({ policy: policyFor(2, programs, { limits: { cpuSteps: 100 } }) });
    expect(run.reason).toContain("new_refusals");
  });

  it("when the recorded runs cannot be reproduced", async () => {
    const device = await Device.ready();
    const last = device.runs.at(-1);
    if (last) device.runs.push({ ...last, outputHash: "0".repeat(64) });
    const candidate = release(2, [countdown(400)]);
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.settle();
    expect((await device.lastRun()).reason).toContain("replay_mismatch");
  });

  it("when there is too little history and the factory's is not what it replaces", async () => {
    const device = await Device.ready();
    const first = release(2, [countdown(400)]);
    await device.service.stage(first.statementBytes, first.bundle);
    await device.settle();
    device.runs.length = 0;
    const second = release(3, [countdown(400, "pump", "1.0.1")]);
    await device.service.stage(second.statementBytes, second.bundle);
    const settled = device.service.settled();
    for (let i = 0; i < 50; i++) await device.clock.advance(100);
    await settled;
    expect((await device.lastRun()).reason).toContain("insufficient_runs");
  });

  it("when it is not signed by enough operators, with every reason", async () => {
    const bob = operator(2);
    const device = await Device.ready({ keys: [alice.key, bob.key] });
    const programs = [countdown(400)];
    const policy = policyFor(2, programs, { rollout: { quorum: { k: 2 } } });
    const first = release(2, programs, { policy });
    await device.service.stage(first.statementBytes, first.bundle);
    await device.settle();
    const lone = release(3, [countdown(300)]);
    expect(await device.service.stage(lone.statementBytes, lone.bundle)).toMatchObject({
      code: "quorum_not_met",
    });
    const both = release(3, [countdown(300)], {}, [alice, bob]);
    expect(await device.service.stage(both.statementBytes, both.bundle)).toMatchObject({ ok: true });
  });
});
