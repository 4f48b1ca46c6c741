import { compute, countTo, op, program, set } from "../programs/instructions.ts";
import { burn, FUEL, numbersOf, type Workload } from "./workload.ts";

const N = 300_000;

/** Control flow and addition alone: the cost of an instruction. */
export const loop: Workload = {
  id: "loop",
  title: "tight loop",
  unit: "iterations",
  units: N,
  what: "sum of i while i < n",
  payload: { n: N },
  expected: { sum: (N * (N - 1)) / 2 },
  document: program("bench.loop", [
    set("sum", 0),
    countTo("i", "$.payload.n", [compute("sum", "ADD", "reg:sum", "reg:i")]),
    op("RESPOND", { body: { sum: "reg:sum" } }),
  ]),
  native: (payload: { n: number }) => {
    const { n } = payload;
    let sum = 0;
    for (let i = 0; i < n; i++) sum = sum + i;
    return { sum };
  },
  wasm: {
    text: `(module ${FUEL}
      (func (export "sum") (param $n f64) (result f64) (local $i f64) (local $sum f64)
        ${burn(4)}
        (block $end (loop $next
          ${burn(12)}
          (br_if $end (f64.ge (local.get $i) (local.get $n)))
          (local.set $sum (f64.add (local.get $sum) (local.get $i)))
          (local.set $i (f64.add (local.get $i) (f64.const 1)))
          (br $next)))
        (local.get $sum)))`,
    call: ({ sum }, payload) => ({ sum: sum?.(...numbersOf(payload, "n")) ?? null }),
  },
};
