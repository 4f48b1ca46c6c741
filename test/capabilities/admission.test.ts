import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Admission } from "../../firmware/capabilities/index.ts";

const SUBJECTS = ["a", "b", "c"];

describe("admission", () => {
  test("never exceeds a cap, never leaves an admissible waiter waiting, and serves each subject in order", () => {
    const event = fc.oneof(
      fc.record({ t: fc.constant("call" as const), subject: fc.constantFrom(...SUBJECTS) }),
      fc.record({ t: fc.constant("done" as const), pick: fc.nat(100) }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(event),
        (global, perSubject, events) => {
          const admission = new Admission({ global, perSubject, perCapability: {} });
          const running: { id: string; subject: string }[] = [];
          const waiting: { id: string; subject: string }[] = [];
          let n = 0;
          const settle = (admitted: readonly { id: string; subject: string }[]) => {
            for (const call of admitted) {
              const first = waiting.find(({ subject }) => subject === call.subject);
              expect(first?.id).toBe(call.id);
              waiting.splice(waiting.indexOf(first as never), 1);
              running.push(call);
            }
          };
          for (const one of events) {
            if (one.t === "call") {
              const call = { id: `${n++}`, subject: one.subject, capability: "f" };
              waiting.push(call);
              const answer = admission.arrive(call);
              if ("ok" in answer) waiting.pop();
              else settle(answer);
            } else {
              const [ended] = running.splice(one.pick % Math.max(1, running.length), 1);
              if (ended) settle(admission.release(ended.id));
            }
            const of = (subject: string) => running.filter((call) => call.subject === subject).length;
            expect(running.length).toBeLessThanOrEqual(global);
            for (const subject of SUBJECTS) expect(of(subject)).toBeLessThanOrEqual(perSubject);
            const admissible = waiting.some(
              ({ subject }) => running.length < global && of(subject) < perSubject,
            );
            expect(admissible).toBe(false);
          }
        },
      ),
    );
  });

  test("serves a waiter after at most one turn of each other waiting subject", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (flood) => {
        const admission = new Admission({ global: 1, perSubject: 8, perCapability: {} });
        admission.arrive({ id: "first", subject: "a", capability: "f" });
        for (let i = 0; i < flood; i++) admission.arrive({ id: `a${i}`, subject: "a", capability: "f" });
        admission.arrive({ id: "b", subject: "b", capability: "f" });

        let released = "first";
        let turns = 0;
        for (; released !== "b"; turns++)
          released = admission.release(released).map(({ id }) => id)[0] ?? "b";

        expect(turns).toBeLessThanOrEqual(2);
      }),
    );
  });

  test("refuses what a full queue cannot hold", () => {
    const limits = { queuePerSubject: 1, queueTotal: 1024 };
    const admission = new Admission({ global: 1, perSubject: 1, perCapability: {} }, limits);
    const call = (id: string) => admission.arrive({ id, subject: "a", capability: "f" });

    call("1");
    call("2");

    expect(call("3")).toMatchObject({ code: "concurrency_exceeded", details: { why: "queue_full" } });
  });
});
