import { parseArgs } from "node:util";
import type { RoundSettings } from "../../lib/rounds.ts";

export interface VmSettings extends RoundSettings {
  readonly json: boolean;
  readonly quick: boolean;
  /** Sections and workloads; null is all. */
  readonly only: readonly string[] | null;
  /** Engine ids; null is all. */
  readonly engines: readonly string[] | null;
  readonly loopSeconds: number;
}

const list = (text: string | undefined): string[] | null => text?.split(",").filter(Boolean) ?? null;

function refuse(what: string, strangers: readonly string[], known: readonly string[]): void {
  if (strangers.length > 0)
    throw new Error(`Unknown ${what}: ${strangers.join(", ")}. Known: ${known.join(", ")}`);
}

/** @throws Error for an option, part or engine that does not exist. */
export function vmSettings(
  args: readonly string[],
  parts: readonly string[],
  engines: readonly string[],
): VmSettings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      engines: { type: "string" },
      rounds: { type: "string" },
      "round-ms": { type: "string" },
      "loop-seconds": { type: "string" },
    },
  });
  const { json, quick } = values;
  const only = list(values.only);
  const chosen = list(values.engines);
  refuse("part", only?.filter((part) => !parts.includes(part)) ?? [], parts);
  refuse("engine", chosen?.filter((name) => !engines.some((id) => wantsEngine([name], id))) ?? [], engines);
  return {
    json,
    quick,
    only,
    engines: chosen,
    rounds: Number(values.rounds ?? (quick ? 3 : 5)),
    roundMs: Number(values["round-ms"] ?? (quick ? 20 : 200)),
    warmupMs: quick ? 30 : 250,
    loopSeconds: Number(values["loop-seconds"] ?? (quick ? 1 : 10)),
  };
}

export const wants = (only: readonly string[] | null, part: string): boolean => only?.includes(part) ?? true;

/** An engine is asked for by its id or by its family: `imu` also means `imu-sliced` and `imu-reference`. */
export const wantsEngine = (engines: readonly string[] | null, id: string): boolean =>
  engines?.some((name) => name === id || id.startsWith(`${name}-`)) ?? true;
