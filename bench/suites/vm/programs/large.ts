/**
 * A long program as a site has it: many sensors, each with its scaling function, its read under a handler, its limits
 * and its alarm; and the same in JavaScript, to the same number of bytes.
 */
import type { JsonObject } from "../../../../firmware/core/json.ts";
import type { CapabilityView } from "../../../../firmware/vm/index.ts";
import { type Code, jump, jz, label, op, program, push, set, store } from "./instructions.ts";

export const LARGE_BYTES = 64 * 1024;

/** A machine that has one sensor capability. */
export const SENSOR_VIEW: CapabilityView = {
  resolve: (name) =>
    name !== "sensor.read"
      ? null
      : {
          id: "sensor.read",
          class: "read",
          positional: ["sensor"],
          outputParam: null,
          normalise: (args) => args,
          checkLiterals: () => null,
        },
};

const scaling = (k: number): Code => [
  op("FUNC", { name: `scale_${k}`, params: ["raw", "offset"] }),
  push("reg:raw", "reg:offset"),
  op("SUB"),
  push(0.01 * (k + 1)),
  op("MUL"),
  op("CLAMP", { min: -40, max: 125 }),
  store("value"),
  push("reg:value", 120),
  op("GT"),
  jz(`plausible_${k}`),
  op("FAIL", { reason: "implausible", details: { sensor: `s${k}` } }),
  label(`plausible_${k}`),
  op("RET", { value: "reg:value" }),
  op("ENDFUNC"),
];

const reading = (k: number): Code => [
  op("TRY", { handler: `failed_${k}` }),
  op("CALL", { fn: "sensor.read", args: { sensor: `s${k}` } }),
  store("raw"),
  op("CALLF", {
    name: `scale_${k}`,
    args: [
      { to: "raw", value: "reg:raw" },
      { to: "offset", value: { payload: `/offsets/${k}` } },
    ],
  }),
  store("value"),
  op("ENDTRY"),
  op("SETK", { oid: "reg:values", key: `s${k}`, value: "reg:value" }),
  push("reg:total", "reg:value"),
  op("ADD"),
  store("total"),
  jump(`next_${k}`),
  label(`failed_${k}`),
  store("error"),
  op("APPEND", { oid: "reg:alarms", value: { sensor: `s${k}`, error: "reg:error" } }),
  label(`next_${k}`),
];

const each = (count: number, code: (k: number) => Code): Code =>
  Array.from({ length: count }, (_, k) => code(k));

function sensors(count: number): JsonObject {
  const code = [
    op("NEW_OBJ"),
    store("values"),
    op("NEW_ARR"),
    store("alarms"),
    set("total", 0),
    each(count, reading),
    op("RESPOND", { body: { values: "reg:values", alarms: "reg:alarms", total: "reg:total" } }),
    each(count, scaling),
  ];
  return program("bench.large", code, { capabilities: ["sensor.read"] });
}

const scalingText = (k: number): string => `
function scale_${k}(raw, offset) {
  const value = Math.min(Math.max((raw - offset) * ${0.01 * (k + 1)}, -40), 125);
  if (value > 120) throw new Error("implausible s${k}");
  return value;
}`;

const readingText = (k: number): string => `
  try {
    const value = scale_${k}(read("s${k}"), payload.offsets[${k}]);
    values.s${k} = value;
    total = total + value;
  } catch (error) {
    alarms.push({ sensor: "s${k}", error });
  }`;

function sensorsText(count: number): string {
  const ks = Array.from({ length: count }, (_, k) => k);
  return `(function () {${ks.map(scalingText).join("")}
return function (payload, read) {
  const values = {};
  const alarms = [];
  let total = 0;${ks.map(readingText).join("")}
  return { values, alarms, total };
};
})()`;
}

/** The form with the most sensors that stays within `bytes`. */
function largest<T>(bytes: number, make: (count: number) => T, sizeOf: (made: T) => number): T {
  let best = make(1);
  for (let count = 2; ; count++) {
    const next = make(count);
    if (sizeOf(next) > bytes) return best;
    best = next;
  }
}

export const largeProgram = (bytes = LARGE_BYTES): JsonObject =>
  largest(bytes, sensors, (document) => Buffer.byteLength(JSON.stringify(document)));

export const largeSource = (bytes = LARGE_BYTES): string =>
  largest(bytes, sensorsText, (text) => Buffer.byteLength(text));
