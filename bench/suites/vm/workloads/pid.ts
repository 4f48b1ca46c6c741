import { compute, countTo, op, program, push, set, store } from "../programs/instructions.ts";
import { burn, FUEL, numbersOf, type Workload } from "./workload.ts";

const N = 50_000;
const KP = 2.5;
const KI = 0.4;
const KD = 0.1;
const DT = 0.1;

interface Payload {
  readonly n: number;
  readonly setpoint: number;
  readonly start: number;
}

const step = [
  compute("error", "SUB", "$.payload.setpoint", "reg:value"),
  push("reg:integral", "reg:error", "const:dt"),
  op("MUL"),
  op("ADD"),
  op("CLAMP", { min: -50, max: 50 }),
  store("integral"),
  push("reg:error", "reg:previous"),
  op("SUB"),
  push("const:dt"),
  op("DIV"),
  store("derivative"),
  push("const:kp", "reg:error"),
  op("MUL"),
  push("const:ki", "reg:integral"),
  op("MUL"),
  op("ADD"),
  push("const:kd", "reg:derivative"),
  op("MUL"),
  op("ADD"),
  op("CLAMP", { min: 0, max: 100 }),
  store("output"),
  set("previous", "reg:error"),
];

/** value := value + (output · 0.05 − (value − 20) · 0.02) · dt */
const plant = [
  push("reg:value", "reg:output", 0.05),
  op("MUL"),
  push("reg:value", 20),
  op("SUB"),
  push(0.02),
  op("MUL"),
  op("SUB"),
  push("const:dt"),
  op("MUL"),
  op("ADD"),
  store("value"),
];

function native(payload: Payload) {
  const { n, setpoint, start } = payload;
  const kp = 2.5;
  const ki = 0.4;
  const kd = 0.1;
  const dt = 0.1;
  let value = start;
  let integral = 0;
  let previous = 0;
  let output = 0;
  for (let i = 0; i < n; i++) {
    const error = setpoint - value;
    integral = Math.min(Math.max(integral + error * dt, -50), 50);
    const derivative = (error - previous) / dt;
    output = Math.min(Math.max(kp * error + ki * integral + kd * derivative, 0), 100);
    previous = error;
    value = value + (output * 0.05 - (value - 20) * 0.02) * dt;
  }
  return { value, output };
}

const payload = { n: N, setpoint: 22.5, start: 18.25 };

const clamp = (value: string, min: number, max: number): string =>
  `(f64.min (f64.max ${value} (f64.const ${min})) (f64.const ${max}))`;

const text = `(module ${FUEL}
  (global $output (mut f64) (f64.const 0))
  (func (export "output") (result f64) (global.get $output))
  (func (export "pid") (param $n f64) (param $setpoint f64) (param $value f64) (result f64)
    (local $i f64) (local $error f64) (local $integral f64) (local $derivative f64)
    (local $previous f64) (local $output f64)
    ${burn(4)}
    (block $end (loop $next
      ${burn(5)}
      (br_if $end (f64.ge (local.get $i) (local.get $n)))
      ${burn(62)}
      (local.set $error (f64.sub (local.get $setpoint) (local.get $value)))
      (local.set $integral ${clamp(
        `(f64.add (local.get $integral) (f64.mul (local.get $error) (f64.const ${DT})))`,
        -50,
        50,
      )})
      (local.set $derivative (f64.div (f64.sub (local.get $error) (local.get $previous)) (f64.const ${DT})))
      (local.set $output ${clamp(
        `(f64.add (f64.add (f64.mul (f64.const ${KP}) (local.get $error))
                           (f64.mul (f64.const ${KI}) (local.get $integral)))
                  (f64.mul (f64.const ${KD}) (local.get $derivative)))`,
        0,
        100,
      )})
      (local.set $previous (local.get $error))
      (local.set $value (f64.add (local.get $value)
        (f64.mul (f64.sub (f64.mul (local.get $output) (f64.const 0.05))
                          (f64.mul (f64.sub (local.get $value) (f64.const 20)) (f64.const 0.02)))
                 (f64.const ${DT}))))
      (local.set $i (f64.add (local.get $i) (f64.const 1)))
      (br $next)))
    (global.set $output (local.get $output))
    (local.get $value)))`;

/** Floating point as a controller uses it, with its plant so that no input repeats. */
export const pid: Workload = {
  id: "pid",
  title: "PID step",
  unit: "steps",
  units: N,
  what: "error, integral with clamp, derivative, clamped output, and the plant it drives",
  payload,
  expected: native(payload),
  document: program(
    "bench.pid",
    [
      set("value", "$.payload.start"),
      set("integral", 0),
      set("previous", 0),
      set("output", 0),
      countTo("i", "$.payload.n", [step, plant]),
      op("RESPOND", { body: { value: "reg:value", output: "reg:output" } }),
    ],
    { constants: { kp: KP, ki: KI, kd: KD, dt: DT } },
  ),
  native,
  wasm: {
    text,
    call: ({ pid: f, output }, given) => ({
      value: f?.(...numbersOf(given, "n", "setpoint", "start")) ?? null,
      output: output?.() ?? null,
    }),
  },
};
