/** Programs that never end by themselves, each heavy in its own way. */
import type { JsonObject } from "../../../../firmware/core/json.ts";
import { compute, increment, jump, jz, label, op, program, push, set, store } from "./instructions.ts";

const counting = program("endless.count", [set("i", 0), label("again"), increment("i"), jump("again")]);

const allocating = program("endless.objects", [
  label("fresh"),
  op("NEW_ARR"),
  store("list"),
  set("i", 0),
  label("again"),
  op("APPEND", { oid: "reg:list", value: { x: "reg:i", y: "reg:i" } }),
  increment("i"),
  push("reg:i", 4000),
  op("LT"),
  jz("fresh"),
  jump("again"),
]);

/** Texts close to the largest one allowed, hashed: the longest single instructions. */
const joining = program("endless.text", [
  label("fresh"),
  set("text", "0123456789abcdef"),
  label("again"),
  compute("text", "CONCAT", "reg:text", "reg:text"),
  push("reg:text"),
  op("HASH"),
  op("POP"),
  op("LEN", { oid: "reg:text" }),
  push(32_768),
  op("LT"),
  jz("fresh"),
  jump("again"),
]);

const calling = program("endless.calls", [
  label("again"),
  op("CALLF", { name: "down", args: [{ to: "n", value: 12 }] }),
  op("POP"),
  jump("again"),
  op("FUNC", { name: "down", params: ["n"] }),
  push("reg:n"),
  jz("end"),
  compute("m", "SUB", "reg:n", 1),
  op("CALLF", { name: "down", args: [{ to: "n", value: "reg:m" }] }),
  op("RET"),
  label("end"),
  op("RET", { value: 0 }),
  op("ENDFUNC"),
]);

export const ENDLESS: readonly JsonObject[] = [counting, allocating, joining, calling];
