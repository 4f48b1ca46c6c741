import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BudgetLedger,
  type BudgetState,
  charge,
  costOf,
  fullBudget,
  refund,
} from "../../firmware/phi/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { ManualClock } from "../support/manual-clock.ts";

const small = { capacityMilli: 10_000, refillPerHourMilli: 0, cost: { "gpio.write": 500 } };

describe("the Φ budget", () => {
  it("accounts for every mΦ: charges minus refunds minus refills is the fall of the balance", () => {
    const events = fc.array(fc.record({ wait: fc.nat(5_000_000), cost: fc.nat(4000), back: fc.boolean() }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 }), events, (perHour, list) => {
        const capacity = 1_000_000_000;
        const budget = { capacityMilli: capacity, refillPerHourMilli: perHour, cost: {} };
        const start = 500_000_000;
        let state: BudgetState = { balanceMilli: start, carry: 0, atMs: 0 };
        let [now, charged, refunded] = [0, 0, 0];
        for (const { wait, cost, back } of list) {
          now += wait;
          const result = charge(state, budget, "x", cost, now);
          state = result.state;
          if (result.ok) charged += result.chargedMilli;
          if (result.ok && back) {
            state = refund(state, budget, cost, now);
            refunded += cost;
          }
        }
        const refilled = Math.floor((now * perHour) / 3_600_000);
        expect(start - state.balanceMilli).toBe(charged - refunded - refilled);
      }),
    );
  });

  it("earns the same however often it is looked at", () => {
    const budget = { capacityMilli: 1_000_000, refillPerHourMilli: 7, cost: {} };
    const empty = { balanceMilli: 0, carry: 0, atMs: 0 };
    let often: BudgetState = empty;
    for (let now = 0; now <= 36_000_000; now += 11_117) often = charge(often, budget, "x", 0, now).state;

    expect(charge(often, budget, "x", 0, 36_000_000).state).toMatchObject({ balanceMilli: 70 });
    expect(charge(empty, budget, "x", 0, 36_000_000).state).toMatchObject({ balanceMilli: 70 });
  });

  it("says what is missing and when it will be there, and keeps the balance", () => {
    const budget = { capacityMilli: 10_000, refillPerHourMilli: 3_600_000, cost: {} };
    const state = { balanceMilli: 5000, carry: 0, atMs: 0 };
    const result = charge(state, budget, "serial.write", 10_000, 0);

    expect(result).toMatchObject({
      ok: false,
      state,
      refusal: {
        code: "budget_exceeded",
        status: 429,
        details: { requiredMilli: 10_000, availableMilli: 5000, retryAfterMs: 5000 },
      },
    });
    expect(!result.ok && result.refusal.details.text).toBe("budget_exceeded:serial.write:10>5");
  });

  it("prices by policy, then by contract, then by default, and never by an inherited name", () => {
    expect(costOf(small, "gpio.write", 700)).toBe(500);
    expect(costOf(small, "gpio.read", 200)).toBe(200);
    expect(costOf(small, "toString")).toBe(1000);
    expect(fullBudget(small, 5)).toEqual({ balanceMilli: 10_000, carry: 0, atMs: 5 });
  });
});

describe("the ledger of budgets", () => {
  it("stores a balance with the settlement of its run and finds it again", async () => {
    const [store, clock] = [new MemoryStore(), new ManualClock()];
    const ledger = await BudgetLedger.open(store, small, clock);
    ledger.charge("r1", "program:pump", "gpio.write");
    ledger.charge("r1", "program:pump", "i2c.read", 250);
    expect(ledger.chargedBy("r1")).toBe(750);
    await store.batch(ledger.settle("r1"), { sync: true });

    const again = await BudgetLedger.open(store, small, new ManualClock());

    expect(again.available("program:pump")).toBe(9250);
    expect(again.available("program:new")).toBe(10_000);
  });

  it("stores nothing of a run that has not settled, also when another run of the subject settles", async () => {
    const [store, clock] = [new MemoryStore(), new ManualClock()];
    const ledger = await BudgetLedger.open(store, small, clock);
    ledger.charge("open", "s", "gpio.write");
    ledger.charge("done", "s", "gpio.write");
    await store.batch(ledger.settle("done"), { sync: true });

    expect(ledger.available("s")).toBe(9000);
    expect((await BudgetLedger.open(store, small, new ManualClock())).available("s")).toBe(9500);
  });

  it("gives back what did not take place, and never more than was charged", async () => {
    const ledger = await BudgetLedger.open(new MemoryStore(), small, new ManualClock());
    ledger.charge("r1", "s", "gpio.write");

    expect(ledger.refund("r1", 500)).toBe(10_000);
    expect(() => ledger.refund("r1", 1)).toThrow(expect.objectContaining({ code: "out_of_range" }));
    ledger.charge("r1", "s", "gpio.write");
    ledger.abandon("r1");
    expect(ledger.available("s")).toBe(10_000);
    expect(ledger.settle("r1")).toEqual([]);
  });

  it.each([
    ["both clocks were trusted", "trusted", "trusted", 9500 + 360],
    ["the clock before was not trusted", "floor", "trusted", 9500],
    ["the clock now is not trusted", "trusted", "unknown", 9500],
  ] as const)(
    "counts the gap of a restart only if both were trusted: %s",
    async (_, before, after, expected) => {
      const budget = { ...small, refillPerHourMilli: 360 };
      const [store, clock] = [new MemoryStore(), new ManualClock()];
      clock.state = before;
      const ledger = await BudgetLedger.open(store, budget, clock);
      ledger.charge("r1", "s", "gpio.write");
      await store.batch(ledger.settle("r1"), { sync: true });
      const later = new ManualClock({ wallMs: clock.wallMs() + 3_600_000 });
      later.state = after;

      expect((await BudgetLedger.open(store, budget, later)).available("s")).toBe(expected);
    },
  );

  it("refuses to forget a subject that has spent something, and forgets one that has not", async () => {
    const ledger = await BudgetLedger.open(new MemoryStore(), small, new ManualClock());
    for (let i = 0; i < 1023; i++) ledger.charge(`r${i}`, `s${i}`, "gpio.write");
    ledger.charge("free", "idle", "free", 0);
    ledger.settle("free");

    expect(ledger.charge("x", "another", "gpio.write").ok).toBe(true);
    const refused = ledger.charge("y", "one more", "gpio.write");
    expect(!refused.ok && refused.refusal.reason).toBe("too_many_subjects");
    expect(ledger.available("s0")).toBe(9500);
  });

  it("says so when a stored balance cannot be read", async () => {
    const store = new MemoryStore();
    const op = { type: "put", sub: "phi", key: "budget/s", value: new Uint8Array([0xa0]) } as const;
    await store.batch([op], { sync: true });

    await expect(BudgetLedger.open(store, small, new ManualClock())).rejects.toMatchObject({
      code: "store_corrupt",
    });
  });
});
