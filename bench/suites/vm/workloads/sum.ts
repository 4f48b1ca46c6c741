import { jz, label, op, program, push, store } from "../programs/instructions.ts";
import { burn, FUEL, numbersOf, type Workload } from "./workload.ts";

interface Payload {
  readonly a: number;
  readonly b: number;
}

/** A loaded program of twelve instructions without capabilities, run again and again: what a run costs by itself. */
export const sum: Workload = {
  id: "sum",
  title: "12-instruction program",
  unit: "runs",
  units: 1,
  what: "payload {a, b}, the type of a checked, answer {sum}; one run each time, payload in and body out included",
  payload: { a: 2, b: 3.5 },
  expected: { sum: 5.5 },
  document: program("bench.sum", [
    push("$.payload.a"),
    op("TYPE"),
    push("number"),
    op("EQ"),
    jz("bad"),
    push("$.payload.a", "$.payload.b"),
    op("ADD"),
    store("sum"),
    op("RESPOND", { body: { sum: "reg:sum" } }),
    label("bad"),
    op("FAIL", { reason: "a_is_no_number" }),
  ]),
  native: (payload: Payload) => {
    if (typeof payload.a !== "number") throw new Error("a_is_no_number");
    const result = payload.a + payload.b;
    return { sum: result };
  },
  wasm: {
    text: `(module ${FUEL}
      (func (export "add") (param $a f64) (param $b f64) (result f64)
        ${burn(3)}
        (f64.add (local.get $a) (local.get $b))))`,
    call: ({ add }, payload) => ({ sum: add?.(...numbersOf(payload, "a", "b")) ?? null }),
  },
};
