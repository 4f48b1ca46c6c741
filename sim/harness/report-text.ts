/** What a run came to, for people: a violation with what led to it and the line that repeats it (simulator.md 11). */
import type { Json } from "../../firmware/core/json.ts";
import { durationText } from "../scenario/duration.ts";
import type { TraceRecord } from "../trace/trace.ts";
import { type Finding, type RunOutcome, ruleName } from "./outcome.ts";

/** Characters of a record's data on one line. */
const DATA_CHARACTERS = 160;
const US_PER_S = 1e6;

/** True time as `1:02:03.000456`. */
export function clockText(us: number): string {
  const seconds = Math.floor(us / US_PER_S);
  const two = (value: number): string => String(value).padStart(2, "0");
  const whole = `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${whole}.${String(us % US_PER_S).padStart(6, "0")}`;
}

const short = (value: Json | undefined): string => {
  const text = value === undefined ? "" : JSON.stringify(value);
  return text.length > DATA_CHARACTERS ? `${text.slice(0, DATA_CHARACTERS - 1)}…` : text;
};

export const recordText = ({ atUs, actor, kind, data }: TraceRecord): string =>
  `${clockText(atUs)}  ${actor.padEnd(12)} ${kind.padEnd(16)} ${short(data)}`.trimEnd();

const quoted = (text: string): string => (/^[\w./:@%+=,-]+$/.test(text) ? text : `'${text}'`);

/** The command that runs into the same violation again. */
export function reproduceLine({ file, seed, varied, finding, simulatedUs }: RunOutcome): string {
  const atUs = finding?.violation.atUs ?? simulatedUs;
  const vary = Object.entries(varied).map(([name, value]) => ` --vary ${quoted(`${name}=${String(value)}`)}`);
  const twice = finding?.violation.id === "I14" ? " --check-determinism" : "";
  return `imuctl sim run ${quoted(file)} --seed ${quoted(seed)}${vary.join("")}${twice} --until ${durationText(atUs)}`;
}

function findingLines({ violation, device, first, tail }: Finding): readonly string[] {
  const { id, what, atUs, details } = violation;
  return [
    `violation   ${ruleName(id)}`,
    `what        ${what}`,
    ...(device === null ? [] : [`device      ${device}`]),
    `found at    ${clockText(atUs)}`,
    ...(Object.keys(details).length === 0 ? [] : [`details     ${JSON.stringify(details)}`]),
    ...(first === null ? [] : [`first       ${recordText(first)}`]),
    ...(tail.length === 0
      ? []
      : [`the last ${tail.length} records:`, ...tail.map((one) => `  ${recordText(one)}`)]),
  ];
}

/** Everything about a run that failed; empty for one that did not. */
export function failureText(outcome: RunOutcome): string {
  if (outcome.ok) return "";
  const { finding, error, violations, scenario, seed } = outcome;
  const others = violations.slice(1).map(({ id, what }) => `also        ${ruleName(id)}: ${what}`);
  const lines = [
    `scenario    ${scenario}, seed ${seed}`,
    ...(finding ? findingLines(finding) : []),
    ...others,
    ...(error ? [`error       ${error.code}: ${error.message}`] : []),
    `reproduce   ${reproduceLine(outcome)}`,
  ];
  return `${lines.join("\n")}\n`;
}
