import { jz, label, op, program, push, store } from "../programs/instructions.ts";
import { burn, FUEL, numbersOf, type Workload } from "./workload.ts";

const N = 27;
/** Calls that fib(27) makes of itself, itself included. */
const CALLS = 635_621;

const call = (minus: number, reg: string) => [
  push("reg:n", minus),
  op("SUB"),
  store("m"),
  op("CALLF", { name: "fib", args: [{ to: "n", value: "reg:m" }] }),
  store(reg),
];

/** Function calls: frames, arguments, results. */
export const fib: Workload = {
  id: "fib",
  title: "fib(27), recursive",
  unit: "calls",
  units: CALLS,
  what: "fib(27) by recursion without memo",
  payload: { n: N },
  expected: { fib: 196_418 },
  document: program("bench.fib", [
    op("CALLF", { name: "fib", args: [{ to: "n", value: "$.payload.n" }] }),
    store("result"),
    op("RESPOND", { body: { fib: "reg:result" } }),
    op("FUNC", { name: "fib", params: ["n"] }),
    push("reg:n", 2),
    op("LT"),
    jz("deeper"),
    op("RET", { value: "reg:n" }),
    label("deeper"),
    call(1, "a"),
    call(2, "b"),
    push("reg:a", "reg:b"),
    op("ADD"),
    op("RET"),
    op("ENDFUNC"),
  ]),
  native: (payload: { n: number }) => {
    const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2));
    return { fib: fib(payload.n) };
  },
  wasm: {
    text: `(module ${FUEL}
      (func $fib (export "fib") (param $n f64) (result f64)
        ${burn(4)}
        (if (f64.lt (local.get $n) (f64.const 2)) (then (return (local.get $n))))
        ${burn(10)}
        (f64.add (call $fib (f64.sub (local.get $n) (f64.const 1)))
                 (call $fib (f64.sub (local.get $n) (f64.const 2))))))`,
    call: ({ fib: f }, payload) => ({ fib: f?.(...numbersOf(payload, "n")) ?? null }),
  },
};
