import type { JsonObject } from "../../firmware/core/json.ts";
import type { DurationText } from "./duration.ts";
import type { Reader } from "./reader.ts";
import type { Occasion } from "./types.ts";

const duration = (raw: JsonObject, name: string): DurationText | undefined => {
  const value = raw[name];
  return typeof value === "string" || typeof value === "number" ? value : undefined;
};

/** When an entry happens: exactly one of `at`, `every` and `when`; `from` and `until` bound the other two. */
export function readOccasion(raw: JsonObject, path: string, endUs: number, reader: Reader): Occasion {
  const said = ["at", "every", "when"].filter((name) => raw[name] !== undefined);
  if (said.length !== 1) reader.refuse(path, 'needs exactly one of "at", "every" and "when"');
  // The senders of `oneway` are called `from` too: a list, and no time.
  const bounded = (raw.from !== undefined && !Array.isArray(raw.from)) || raw.until !== undefined;
  if (said[0] === "at") {
    if (bounded) reader.refuse(path, '"from" and "until" belong to "every" and "when"');
    const atUs = reader.duration(duration(raw, "at"), 0, `${path}/at`);
    if (atUs > endUs) reader.refuse(`${path}/at`, "this is after the end of the scenario");
    return { kind: "at", atUs };
  }
  const everyUs = reader.duration(duration(raw, "every"), 0, `${path}/every`);
  const fromUs = reader.duration(duration(raw, "from"), said[0] === "every" ? everyUs : 0, `${path}/from`);
  const untilUs = reader.duration(duration(raw, "until"), endUs, `${path}/until`);
  if (untilUs < fromUs) reader.refuse(`${path}/until`, "this is before its begin");
  if (said[0] === "when") {
    const condition = reader.condition(String(raw.when), `${path}/when`);
    return { kind: "when", condition, fromUs, untilUs };
  }
  if (everyUs === 0) reader.refuse(`${path}/every`, "a period takes time");
  return { kind: "every", everyUs, fromUs, untilUs };
}
