/** Programs at the limits of size, depth and width. */
import { each, label, push, type Row, reply, store, times } from "./rows.ts";

export const large: readonly Row[] = [
  {
    name: "4096 instructions in a straight line",
    code: [push(0), ...each(2046, () => [push(1), { op: "ADD" }]), store("x"), ...reply("reg:x")],
    body: 2046,
  },
  {
    name: "4093 labels",
    code: [...times(4093, (i) => label(`l${i}`)), { op: "JUMP", label: "l4092" }, push(0), { op: "HALT" }],
    reason: "cpu_steps_exceeded",
  },
  {
    name: "2000 conditions, one inside the other",
    code: [...each(2000, (i) => [push(i < 1000), { op: "JZ", label: "end" }]), label("end"), ...reply(1)],
    body: 1,
  },
  {
    name: "1000 loops, one inside the other",
    code: [
      ...times(1000, (i) => label(`l${i}`)),
      ...each(1000, (i) => [push(false), { op: "JNZ", label: `l${999 - i}` }]),
      ...reply(1),
    ],
    body: 1,
  },
  {
    name: "250 regions, one inside the other",
    code: [
      ...times(250, () => ({ op: "TRY", handler: "h" })),
      push(1),
      push(0),
      { op: "DIV" },
      { op: "POP" },
      ...times(250, () => ({ op: "ENDTRY" })),
      { op: "HALT" },
      label("h"),
      store("e"),
      ...reply("reg:e"),
    ],
    body: { code: "vm_error", reason: "div_by_zero", details: {} },
  },
  {
    name: "a stack of 256 values",
    code: [
      ...times(256, (i) => push(i)),
      ...times(255, () => ({ op: "ADD" })),
      store("x"),
      ...reply("reg:x"),
    ],
    body: 32_640,
  },
  {
    name: "a constant of 60000 characters",
    constants: { c: "\u2028".repeat(20_000) },
    code: [{ op: "LEN", oid: "const:c" }, store("x"), ...reply("reg:x")],
    body: 20_000,
  },
  {
    name: "an operand with 1000 members",
    code: [
      push(times(1000, (i) => ({ k: i }))),
      store("x"),
      { op: "LEN", oid: "reg:x" },
      store("n"),
      ...reply("reg:n"),
    ],
    limits: { memKb: 1024 },
    body: 1000,
  },
  {
    name: "a jump table of 500 arms",
    code: [
      push("$.payload"),
      store("x"),
      ...each(500, (i) => [{ op: "LOAD", reg: "x" }, push(i), { op: "EQ" }, { op: "JNZ", label: `l${i}` }]),
      { op: "HALT" },
      ...each(500, (i) =>
        [label(`l${i}`), push(i * 2), { op: "JUMP", label: "end" }].slice(0, i === 499 ? 2 : 3),
      ),
      label("end"),
      store("y"),
      ...reply("reg:y"),
    ],
    payload: 499,
    body: 998,
  },
];
