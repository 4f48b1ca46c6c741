import { compute, countTo, op, program, push, set, store } from "../programs/instructions.ts";
import { burn, FUEL, numbersOf, type Workload } from "./workload.ts";

const PASSES = 10;
const N = 1000;

interface Payload {
  readonly passes: number;
  readonly n: number;
}

const build = countTo("i", "$.payload.n", [
  compute("y", "ADD", "reg:i", "reg:pass"),
  op("APPEND", { oid: "reg:list", value: { x: "reg:i", y: "reg:y" } }),
]);

const readBack = countTo("k", "$.payload.n", [
  op("GETK", { oid: "reg:list", key: "reg:k" }),
  store("point"),
  push("reg:sum"),
  op("GETK", { oid: "reg:point", key: "x" }),
  op("GETK", { oid: "reg:point", key: "y" }),
  op("MUL"),
  op("ADD"),
  store("sum"),
]);

function native(payload: Payload) {
  const { passes, n } = payload;
  let sum = 0;
  for (let pass = 0; pass < passes; pass++) {
    const list: { x: number; y: number }[] = [];
    for (let i = 0; i < n; i++) list.push({ x: i, y: i + pass });
    for (let k = 0; k < n; k++) {
      const point = list[k] as { x: number; y: number };
      sum = sum + point.x * point.y;
    }
  }
  return { sum };
}

const payload = { passes: PASSES, n: N };

/** Structures of two doubles behind pointers in a list that doubles; `$alloc` is the allocation budget. */
const text = `(module ${FUEL}
  (memory 4)
  (global $top (mut i32) (i32.const 16))
  (global $limit (export "limit") (mut i32) (i32.const 262144))
  (global $list (mut i32) (i32.const 0)) (global $room (mut i32) (i32.const 0)) (global $length (mut i32) (i32.const 0))
  (func $alloc (param $bytes i32) (result i32) (local $at i32)
    ${burn(9)}
    (local.set $at (global.get $top))
    (global.set $top (i32.add (global.get $top) (local.get $bytes)))
    (if (i32.gt_u (global.get $top) (global.get $limit)) (then unreachable))
    (local.get $at))
  (func $append (param $item i32) (local $grown i32)
    ${burn(4)}
    (if (i32.eq (global.get $length) (global.get $room)) (then
      ${burn(14)}
      (global.set $room (i32.shl (global.get $room) (i32.const 1)))
      (local.set $grown (call $alloc (i32.shl (global.get $room) (i32.const 2))))
      (memory.copy (local.get $grown) (global.get $list) (i32.shl (global.get $length) (i32.const 2)))
      (global.set $list (local.get $grown))))
    ${burn(11)}
    (i32.store (i32.add (global.get $list) (i32.shl (global.get $length) (i32.const 2))) (local.get $item))
    (global.set $length (i32.add (global.get $length) (i32.const 1))))
  (func $get (param $index i32) (result i32)
    ${burn(6)}
    (if (i32.ge_u (local.get $index) (global.get $length)) (then unreachable))
    (i32.load (i32.add (global.get $list) (i32.shl (local.get $index) (i32.const 2)))))
  (func (export "points") (param $passes f64) (param $n f64) (result f64)
    (local $pass f64) (local $i f64) (local $sum f64) (local $point i32)
    ${burn(3)}
    (block $done (loop $again
      ${burn(14)}
      (br_if $done (f64.ge (local.get $pass) (local.get $passes)))
      (global.set $top (i32.const 16))
      (global.set $room (i32.const 4))
      (global.set $length (i32.const 0))
      (global.set $list (call $alloc (i32.const 16)))
      (local.set $i (f64.const 0))
      (block $built (loop $next
        ${burn(18)}
        (br_if $built (f64.ge (local.get $i) (local.get $n)))
        (local.set $point (call $alloc (i32.const 16)))
        (f64.store (local.get $point) (local.get $i))
        (f64.store offset=8 (local.get $point) (f64.add (local.get $i) (local.get $pass)))
        (call $append (local.get $point))
        (local.set $i (f64.add (local.get $i) (f64.const 1)))
        (br $next)))
      (local.set $i (f64.const 0))
      (block $read (loop $next
        ${burn(19)}
        (br_if $read (f64.ge (local.get $i) (local.get $n)))
        (local.set $point (call $get (i32.trunc_f64_u (local.get $i))))
        (local.set $sum (f64.add (local.get $sum)
          (f64.mul (f64.load (local.get $point)) (f64.load offset=8 (local.get $point)))))
        (local.set $i (f64.add (local.get $i) (f64.const 1)))
        (br $next)))
      (local.set $pass (f64.add (local.get $pass) (f64.const 1)))
      (br $again)))
    (local.get $sum)))`;

/** Containers and their memory figures. */
export const objects: Workload = {
  id: "objects",
  title: "objects and arrays",
  unit: "objects",
  units: PASSES * N,
  what: "a list of 1000 {x, y} built by appending and read back, ten times; all of it charged to the memory budget",
  payload,
  expected: native(payload),
  document: program("bench.objects", [
    set("sum", 0),
    countTo("pass", "$.payload.passes", [op("NEW_ARR"), store("list"), build, readBack]),
    op("RESPOND", { body: { sum: "reg:sum" } }),
  ]),
  native,
  wasm: {
    text,
    call: ({ points }, given) => ({ sum: points?.(...numbersOf(given, "passes", "n")) ?? null }),
  },
};
