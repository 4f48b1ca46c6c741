/** Data that stays alive while its memory is looked at, in our instructions and in JavaScript. */
import type { JsonObject } from "../../../../firmware/core/json.ts";
import {
  type Code,
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
} from "./instructions.ts";

export interface DataKind {
  readonly id: string;
  readonly what: string;
  /** Whether what is charged is still alive at the end; if not, the figures cannot meet. */
  readonly alive: boolean;
  readonly document: JsonObject;
  /** Gives the same data; its text goes to QuickJS. */
  readonly native: () => unknown;
}

/** Builds `list`, then sleeps: the machine waits with everything alive. */
const built = (name: string, count: number, body: Code): JsonObject =>
  program(`data.${name}`, [
    op("NEW_ARR"),
    store("list"),
    countTo("i", count, body),
    op("SLEEP_MS", { ms: 1 }),
    op("LEN", { oid: "reg:list" }),
    store("length"),
    op("RESPOND", { body: { length: "reg:length" } }),
  ]);

const append = (value: JsonObject | string | JsonObject["x"]): JsonObject =>
  op("APPEND", { oid: "reg:list", value: value ?? null });

export const DATA_KINDS: readonly DataKind[] = [
  {
    id: "numbers",
    what: "a list of 4000 numbers with fractions",
    alive: true,
    document: built("numbers", 4000, [compute("x", "ADD", "reg:i", 0.5), append("reg:x")]),
    native: () => Array.from({ length: 4000 }, (_, i) => i + 0.5),
  },
  {
    id: "arrays",
    what: "1000 arrays of three numbers",
    alive: true,
    document: built("arrays", 1000, [compute("x", "ADD", "reg:i", 0.5), append(["reg:i", "reg:x", 7])]),
    native: () => Array.from({ length: 1000 }, (_, i) => [i, i + 0.5, 7]),
  },
  {
    id: "objects",
    what: "1000 objects {x, y}",
    alive: true,
    document: built("objects", 1000, [compute("y", "ADD", "reg:i", 0.5), append({ x: "reg:i", y: "reg:y" })]),
    native: () => Array.from({ length: 1000 }, (_, i) => ({ x: i, y: i + 0.5 })),
  },
  {
    id: "records",
    what: "500 objects of six fields, one of them an array",
    alive: true,
    document: built("records", 500, [
      compute("y", "ADD", "reg:i", 0.5),
      append({
        sensor: "boiler",
        unit: "celsius",
        sequence: "reg:i",
        value: "reg:y",
        valid: true,
        window: ["reg:i", "reg:y"],
      }),
    ]),
    native: () =>
      Array.from({ length: 500 }, (_, i) => ({
        sensor: "boiler",
        unit: "celsius",
        sequence: i,
        value: i + 0.5,
        valid: true,
        window: [i, i + 0.5],
      })),
  },
  {
    id: "strings",
    what: "1000 texts of about 40 characters, each made by one join",
    alive: true,
    document: built("strings", 1000, [
      push("reg:i"),
      op("TO_STR"),
      store("text"),
      compute("text", "CONCAT", "boiler/temperature/supply/reading-no-", "reg:text"),
      append("reg:text"),
    ]),
    native: () => Array.from({ length: 1000 }, (_, i) => `boiler/temperature/supply/reading-no-${i}`),
  },
  {
    id: "appends",
    what: "20 texts of 1000 characters grown seven at a time; what was made on the way is charged but no longer alive",
    alive: false,
    document: built("appends", 20, [
      set("text", ""),
      jump("grown"),
      label("grow"),
      compute("text", "CONCAT", "reg:text", "t=21.5;"),
      label("grown"),
      op("LEN", { oid: "reg:text" }),
      push(1000),
      op("LT"),
      jnz("grow"),
      append("reg:text"),
    ]),
    native: () =>
      Array.from({ length: 20 }, () => {
        let text = "";
        while (text.length < 1000) text += "t=21.5;";
        return text;
      }),
  },
];
