import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deltaOf, type Octets, patched } from "../../firmware/core/json-delta.ts";

const octets = fc.letrec<{ value: Octets }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "octets" },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string(),
    fc.uint8Array({ maxLength: 4 }),
    fc.array(tie("value"), { maxLength: 4, depthIdentifier: "octets" }),
    fc.dictionary(fc.oneof(fc.constantFrom("a", "b", "__proto__"), fc.string()), tie("value"), {
      maxKeys: 4,
      depthIdentifier: "octets",
    }),
  ),
})).value as fc.Arbitrary<Octets>;

describe("the difference of two values", () => {
  it("gives the value back, whatever it is the difference to", () => {
    fc.assert(
      fc.property(octets, octets, (value, base) => {
        expect(patched(deltaOf(value, base), base)).toEqual(value);
      }),
    );
  });

  it("is nothing between equal values, and small between similar ones", () => {
    const at = (value: number) => ({ kind: "reading", payload: { value, unit: "Cel" }, of: [1, 2, "x"] });
    expect(deltaOf(at(1), at(1))).toBe(0);
    expect(deltaOf(at(2), at(1))).toEqual([1, [0, [2]]]);
    expect(deltaOf([1, Uint8Array.of(1)], [1, Uint8Array.of(1)])).toBe(0);
  });

  it("keeps members in their order, and members of its own that are called as those of every object", () => {
    const base = JSON.parse('{"__proto__":1,"b":2}') as Octets;
    const value = JSON.parse('{"__proto__":5,"b":2}') as Octets;
    expect(JSON.stringify(patched(deltaOf(value, base), base))).toBe('{"__proto__":5,"b":2}');
    expect(deltaOf({ b: 1, a: 1 }, { a: 1, b: 1 })).toEqual([{ b: 1, a: 1 }]);
  });

  it.each<[unknown, Octets]>([
    [1, null],
    [[], null],
    ["x", 1],
    [[0, 0, 0], [1]],
    [[5, [1]], [1]],
    [[-1, [1]], [1]],
    [[0.5, [1]], [1]],
    [[0, [1]], 7],
    [[0, [1]], Uint8Array.of(1)],
    [[0, 3], [1]],
  ])("refuses %j on %j", (delta, base) => {
    expect(() => patched(delta, base)).toThrow(expect.objectContaining({ code: "store_corrupt" }));
  });

  it("refuses one that is nested without end", () => {
    let delta: unknown = [1];
    let base: Octets = 1;
    for (let i = 0; i < 100; i++) {
      delta = [0, delta];
      base = [base];
    }
    expect(() => patched(delta, base)).toThrow(expect.objectContaining({ code: "store_corrupt" }));
  });
});
