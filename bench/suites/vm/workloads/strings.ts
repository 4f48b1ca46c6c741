import {
  compute,
  countTo,
  jnz,
  jump,
  label,
  op,
  program,
  push,
  set,
  store,
} from "../programs/instructions.ts";
import { burn, FUEL, numbersOf, type Workload } from "./workload.ts";

const PASSES = 20;
const UNTIL = 1000;
const PIECE = "t=21.5;";
/** 143 pieces of seven characters reach 1001. */
const APPENDS = Math.ceil(UNTIL / PIECE.length);

interface Payload {
  readonly passes: number;
  readonly until: number;
  readonly piece: string;
}

function native(payload: Payload) {
  const { passes, until, piece } = payload;
  let total = 0;
  let text = "";
  for (let pass = 0; pass < passes; pass++) {
    text = "";
    while (text.length < until) text = text + piece;
    total = total + text.length;
  }
  return { total, tail: text.slice(990, 1001) };
}

const payload = { passes: PASSES, until: UNTIL, piece: PIECE };

const bytes = [...PIECE].map((c) => `\\${c.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");

/** Every append makes a new text, as in the machine; the piece lies at 0, texts begin at 1024. */
const text = `(module ${FUEL}
  (memory (export "memory") 8)
  (data (i32.const 0) "${bytes}")
  (global $text (mut i32) (i32.const 1024))
  (global $top (mut i32) (i32.const 1024))
  (func (export "charAt") (param $i f64) (result f64)
    (f64.convert_i32_u (i32.load8_u (i32.add (global.get $text) (i32.trunc_f64_u (local.get $i))))))
  (func (export "append") (param $passes f64) (param $until f64) (param $piece f64) (result f64)
    (local $pass f64) (local $total f64) (local $length i32) (local $made i32)
    ${burn(3)}
    (block $done (loop $again
      ${burn(7)}
      (br_if $done (f64.ge (local.get $pass) (local.get $passes)))
      (global.set $top (i32.const 1024))
      (global.set $text (i32.const 1024))
      (local.set $length (i32.const 0))
      (block $full (loop $next
        ${burn(24)}
        (br_if $full (f64.ge (f64.convert_i32_u (local.get $length)) (local.get $until)))
        (local.set $made (global.get $top))
        (global.set $top (i32.add (global.get $top) (i32.add (local.get $length) (i32.trunc_f64_u (local.get $piece)))))
        (if (i32.gt_u (global.get $top) (i32.const 524288)) (then unreachable))
        (memory.copy (local.get $made) (global.get $text) (local.get $length))
        (memory.copy (i32.add (local.get $made) (local.get $length)) (i32.const 0) (i32.trunc_f64_u (local.get $piece)))
        (global.set $text (local.get $made))
        (local.set $length (i32.add (local.get $length) (i32.trunc_f64_u (local.get $piece))))
        (br $next)))
      (local.set $total (f64.add (local.get $total) (f64.convert_i32_u (local.get $length))))
      (local.set $pass (f64.add (local.get $pass) (f64.const 1)))
      (br $again)))
    (local.get $total)))`;

/** Text that grows, its length asked before every append. */
export const strings: Workload = {
  id: "strings",
  title: "string appends",
  unit: "appends",
  units: PASSES * APPENDS,
  what: "seven characters appended until the text has 1000, LEN before each append, twenty times",
  payload,
  expected: native(payload),
  document: program("bench.strings", [
    set("total", 0),
    countTo("pass", "$.payload.passes", [
      set("text", ""),
      jump("grown"),
      label("grow"),
      compute("text", "CONCAT", "reg:text", "$.payload.piece"),
      label("grown"),
      op("LEN", { oid: "reg:text" }),
      push("$.payload.until"),
      op("LT"),
      jnz("grow"),
      op("LEN", { oid: "reg:text" }),
      push("reg:total"),
      op("ADD"),
      store("total"),
    ]),
    push("reg:text"),
    op("SLICE", { start: 990, end: 1001 }),
    store("tail"),
    op("RESPOND", { body: { total: "reg:total", tail: "reg:tail" } }),
  ]),
  native,
  wasm: {
    text,
    call: ({ append, charAt }, given) => {
      const total = append?.(...numbersOf(given, "passes", "until"), PIECE.length) ?? null;
      const codes = Array.from({ length: 11 }, (_, i) => charAt?.(990 + i) ?? 0);
      return { total, tail: String.fromCharCode(...codes) };
    },
  },
};
