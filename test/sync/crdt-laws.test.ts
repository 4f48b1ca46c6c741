import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import {
  CRDT_TYPES,
  type CrdtState,
  type CrdtType,
  emptyState,
  mergeState,
} from "../../firmware/sync/crdt/types.ts";
import { formatStamp } from "../../firmware/sync/hlc.ts";
import { type Change, changeDelta } from "../../firmware/sync/local-change.ts";

const key = fc.constantFrom("pump", "fan", "__proto__", "constructor");
const value = fc.constantFrom<string | number>("on", "off", 1);
const amount = fc.integer({ min: 1, max: 9 });

const changes: Record<CrdtType, fc.Arbitrary<Change>> = {
  gcounter: fc.record({ op: fc.constant("increment" as const), by: amount }),
  pncounter: fc.record({ op: fc.constantFrom("increment" as const, "decrement" as const), by: amount }),
  lww: fc.record({ op: fc.constant("set" as const), value }),
  lwwmap: fc.oneof(
    fc.record({ op: fc.constant("put" as const), key, value }),
    fc.record({ op: fc.constant("delete" as const), key }),
  ),
  orset: fc.record({ op: fc.constantFrom("add" as const, "remove" as const), element: value }),
  ormap: fc.oneof(
    fc.record({ op: fc.constant("put" as const), key, value }),
    fc.record({ op: fc.constant("delete" as const), key }),
  ),
  eventset: fc.record({
    op: fc.constant("event" as const),
    event: fc.record({ kind: fc.constant("alert"), key, value, at: fc.integer({ min: 0, max: 3 }) }),
    confidence: fc.constantFrom(0.5, 1),
  }),
  versioned: fc.record({
    op: fc.constant("decide" as const),
    value,
    version: fc.integer({ min: 0, max: 3 }),
    strength: fc.constantFrom(0, 0.5, 1, 7),
  }),
};

/** What happens: replica `who` makes a change, or hears the whole state of another. */
type Event =
  | { readonly who: number; readonly change: Change }
  | { readonly who: number; readonly hears: number };

const replicas = ["a.1", "b.1", "c.1"];
const who = fc.integer({ min: 0, max: 2 });
const history = (type: CrdtType): fc.Arbitrary<Event[]> =>
  fc.array(fc.oneof(fc.record({ who, change: changes[type] }), fc.record({ who, hears: who })), {
    maxLength: 14,
  });

const text = (state: CrdtState): string => canonicalize(state.d);

function play(type: CrdtType, events: readonly Event[]): { states: CrdtState[]; deltas: CrdtState[] } {
  const states = replicas.map(() => emptyState(type));
  const deltas: CrdtState[] = [];
  for (const [i, event] of events.entries()) {
    const own = states[event.who] ?? emptyState(type);
    if ("hears" in event) {
      states[event.who] = mergeState(own, states[event.hears] ?? emptyState(type));
      continue;
    }
    const replica = replicas[event.who] ?? "";
    const delta = changeDelta(own, event.change, replica, formatStamp({ ms: 1000 + i, counter: 0 }, replica));
    deltas.push(delta);
    states[event.who] = mergeState(own, delta);
  }
  return { states, deltas };
}

const joinAll = (type: CrdtType, parts: readonly CrdtState[]): CrdtState =>
  parts.reduce(mergeState, emptyState(type));

describe.each(CRDT_TYPES)("%s", (type) => {
  it("joins states in any grouping and order, any number of times, to one state", () => {
    fc.assert(
      fc.property(history(type), (events) => {
        const [a, b, c] = play(type, events).states as [CrdtState, CrdtState, CrdtState];
        expect(text(mergeState(a, b))).toBe(text(mergeState(b, a)));
        expect(text(mergeState(mergeState(a, b), c))).toBe(text(mergeState(a, mergeState(b, c))));
        expect(text(mergeState(a, a))).toBe(text(a));
        expect(text(mergeState(mergeState(a, b), b))).toBe(text(mergeState(a, b)));
      }),
    );
  });

  it("comes to the same state from deltas in any order with repetitions as from whole states", () => {
    const shuffled = history(type).chain((events) => {
      const { deltas } = play(type, events);
      const order = fc.shuffledSubarray(
        deltas.map((_, i) => i),
        { minLength: deltas.length },
      );
      return fc.record({ events: fc.constant(events), order });
    });
    fc.assert(
      fc.property(shuffled, ({ events, order }) => {
        const { states, deltas } = play(type, events);
        const delivered = [...order, ...order.slice(0, 3)].flatMap((i) => deltas[i] ?? []);
        expect(text(joinAll(type, delivered))).toBe(text(joinAll(type, states)));
      }),
    );
  });
});

describe("forged stamps", () => {
  const entry = fc.record({ v: value, t: fc.constantFrom("000000000001000a@a.1", "000000000002000a@b.1") });

  it("join to one value on every replica even if one stamp carries several", () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 5 }), (entries) => {
        const states = entries.map((d): CrdtState => ({ type: "lww", d }));
        const forward = joinAll("lww", states);
        expect(text(joinAll("lww", [...states].reverse()))).toBe(text(forward));
        expect(entries).toContainEqual(forward.d);
      }),
    );
  });
});
