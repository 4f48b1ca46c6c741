import { parseArgs } from "node:util";
import type { ProgramName } from "./scenarios.ts";

export const PARTS = ["speed", "memory", "trace", "limits"] as const;
export type Part = (typeof PARTS)[number];

/** One fleet whose speed is measured; all times are simulated seconds. */
export interface SpeedCase {
  readonly id: string;
  readonly what: string;
  readonly program: ProgramName;
  readonly devices: number;
  readonly warmupS: number;
  readonly stretchS: number;
  /** Times faster than the clock, if something is promised. */
  readonly least: number | null;
}

export interface SimSettings {
  readonly json: boolean;
  readonly quick: boolean;
  readonly only: readonly Part[];
  readonly rounds: number;
  readonly cases: readonly SpeedCase[];
  /** Idle devices that are weighed beside one, and after how long. */
  readonly weighed: number;
  readonly weighedAfterS: number;
  readonly traceS: number;
  readonly limitMs: number;
}

const isPart = (name: string): name is Part => PARTS.some((part) => part === name);

function partsOf(text: string | undefined): readonly Part[] {
  if (text === undefined) return PARTS;
  return text.split(",").map((name) => {
    if (isPart(name)) return name;
    throw new Error(`Unknown part: ${name}. Known: ${PARTS.join(", ")}`);
  });
}

const CASES: readonly SpeedCase[] = [
  {
    id: "idle",
    what: "one device without a program",
    program: "none",
    devices: 1,
    warmupS: 7200,
    stretchS: 7200,
    least: 5000,
  },
  {
    id: "control",
    what: "one device, once a second: reads a line, drives a guarded one",
    program: "control",
    devices: 1,
    warmupS: 1800,
    stretchS: 900,
    least: 2000,
  },
  {
    id: "tank",
    what: "one device, once a second: sensor over I2C, line, guarded output with intent, telemetry",
    program: "tank",
    devices: 1,
    warmupS: 1200,
    stretchS: 600,
    least: 2000,
  },
  {
    id: "control-100",
    what: "a hundred of `control`",
    program: "control",
    devices: 100,
    warmupS: 30,
    stretchS: 8,
    least: 20,
  },
  {
    id: "tank-100",
    what: "a hundred of `tank`",
    program: "tank",
    devices: 100,
    warmupS: 20,
    stretchS: 6,
    least: 20,
  },
  {
    id: "gossip-200",
    what: "two hundred without a program, with gossip",
    program: "none",
    devices: 200,
    warmupS: 60,
    stretchS: 60,
    least: 20,
  },
];

const shortened = (one: SpeedCase): SpeedCase => ({
  ...one,
  warmupS: Math.ceil(one.warmupS / 10),
  stretchS: Math.ceil(one.stretchS / 10),
});

/** @throws Error for an option or part that does not exist. */
export function simSettings(args: readonly string[]): SimSettings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      cases: { type: "string" },
      rounds: { type: "string" },
    },
  });
  const { json, quick } = values;
  const wanted = values.cases?.split(",");
  const strangers = wanted?.filter((id) => !CASES.some((one) => one.id === id)) ?? [];
  if (strangers.length > 0)
    throw new Error(`Unknown case: ${strangers.join(", ")}. Known: ${CASES.map(({ id }) => id).join(", ")}`);
  const cases = CASES.filter(({ id }) => wanted?.includes(id) ?? true);
  return {
    json,
    quick,
    only: partsOf(values.only),
    rounds: Number(values.rounds ?? (quick ? 3 : 5)),
    cases: quick ? cases.map(shortened) : cases,
    weighed: quick ? 11 : 51,
    weighedAfterS: quick ? 60 : 600,
    traceS: quick ? 60 : 600,
    limitMs: quick ? 50 : 200,
  };
}
