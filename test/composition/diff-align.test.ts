import fc from "fast-check";
import { expect, test } from "vitest";
import { align } from "../../firmware/composition/diff-align.ts";

const shown = (left: string, right: string): string =>
  align([...left], [...right])
    .map(({ left: i, right: j }) => (i === null ? `+${right[j ?? 0]}` : j === null ? `-${left[i]}` : left[i]))
    .join(" ");

test.each([
  ["", "", ""],
  ["abc", "abc", "a b c"],
  ["abc", "ac", "a -b c"],
  ["ac", "abc", "a +b c"],
  ["abc", "axc", "a -b +x c"],
  ["aab", "ab", "a -a b"],
])("%s beside %s: %s", (left, right, expected) => {
  expect(shown(left, right)).toBe(expected);
});

test("every index of both lists appears once and in order, and only equal keys stand beside each other", () => {
  const keys = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 });
  fc.assert(
    fc.property(keys, keys, (left, right) => {
      const lines = align(left, right);
      const indices = (side: "left" | "right") => lines.map((line) => line[side]).filter((i) => i !== null);

      expect(indices("left")).toEqual(left.map((_, i) => i));
      expect(indices("right")).toEqual(right.map((_, i) => i));
      for (const { left: i, right: j } of lines) if (i !== null && j !== null) expect(left[i]).toBe(right[j]);
    }),
  );
});

test("lists too long to compare cell by cell are different between their ends", () => {
  const long = (name: string) => ["first", ...Array.from({ length: 1200 }, (_, i) => `${name}${i}`), "last"];

  const lines = align(long("a"), long("b"));

  expect(lines).toHaveLength(2402);
  expect(lines.filter(({ left, right }) => left !== null && right !== null)).toHaveLength(2);
});
