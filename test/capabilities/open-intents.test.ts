import { describe, expect, it } from "vitest";
import { createRunContext, OpenIntents } from "../../firmware/capabilities/index.ts";
import { effectEvents } from "../../firmware/runs/acting.ts";
import { buildHarness, type HarnessOptions } from "./harness.ts";

/** A write of the ledger that ends when the test says so. */
function writing() {
  let end: (isKept: boolean) => void = () => undefined;
  const commit = new Promise<void>((resolve, reject) => {
    end = (isKept) => (isKept ? resolve() : reject(new Error("the disk is full")));
  });
  return { commit, end };
}

describe("intents of a run that ends before its calls", () => {
  it("waits for the entry that is being written, and tells that nothing was done after it", async () => {
    const intents = new OpenIntents();
    const { commit, end } = writing();
    intents.begin("r/1", commit);
    const left = intents.left();
    end(true);
    expect(await left).toEqual([{ effectId: "r/1", hasActed: false }]);
  });

  it("tells of a call whose driver was asked that it may have acted", async () => {
    const intents = new OpenIntents();
    intents.begin("r/1", Promise.resolve());
    intents.acts("r/1");
    intents.acts("r/2");
    expect(await intents.left()).toEqual([{ effectId: "r/1", hasActed: true }]);
  });

  it("has nothing to say of an intent that was not recorded, or whose call has told its outcome", async () => {
    const intents = new OpenIntents();
    const [failing, late] = [writing(), writing()];
    intents.begin("r/1", failing.commit);
    intents.begin("r/2", Promise.resolve());
    intents.begin("r/3", late.commit);
    intents.end("r/2");
    const left = intents.left();
    failing.end(false);
    late.end(true);
    // Its call ends while the entries are waited for.
    intents.end("r/3");
    expect(await left).toEqual([]);
  });

  it("are those of calls that the gate has not ended: before their driver is asked, and after", async () => {
    const started = async (options: HarnessOptions) => {
      const harness = buildHarness({ output: { durability: "before" }, ...options });
      const context = harness.context();
      const stop = new AbortController();
      const call = harness.gate.call(context, "test.act", { value: 1 }, stop.signal);
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      return { context, call, stop };
    };
    const entry = writing();
    const early = await started({ commitIntent: () => entry.commit });
    early.stop.abort();
    const waiting = early.context.openIntents.left();
    entry.end(true);
    const left = await waiting;
    // Told once: by what is left, or by the call itself if that was quicker.
    expect([...left.map(({ hasActed }) => hasActed), ...early.context.intents.map(({ ok }) => ok)]).toEqual([
      false,
    ]);

    let answer: () => void = () => undefined;
    const hanging = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const late = await started({ perform: () => hanging.then(() => ({ result: {}, evidence: [] })) });
    expect(await late.context.openIntents.left()).toMatchObject([{ hasActed: true }]);
    answer();
    await Promise.all([early.call, late.call]);
    expect(await late.context.openIntents.left()).toEqual([]);
    expect(late.context.intents).toMatchObject([{ ok: true }]);
  });

  it("becomes an outcome in the run's entries", () => {
    const context = {
      ...createRunContext({} as Parameters<typeof createRunContext>[0]),
      runId: "r",
      subject: "program:fill",
    };
    context.intents.push({ effectId: "r/0", ok: true });
    const left = [
      { effectId: "r/1", hasActed: false },
      { effectId: "r/2", hasActed: true },
    ];
    const told = effectEvents(context, left, null).map(({ kind, severity, data }) => ({
      kind,
      severity,
      data,
    }));
    expect(told).toEqual([
      { kind: "effect_done", severity: "info", data: { effectId: "r/0", ok: true } },
      { kind: "effect_done", severity: "warn", data: { effectId: "r/1", ok: false, reason: "io_aborted" } },
      { kind: "effect_outcome_unknown", severity: "warn", data: { effectId: "r/2" } },
    ]);
  });
});
