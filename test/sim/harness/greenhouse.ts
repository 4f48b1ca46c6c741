/** The greenhouse with its climate program alone: one run a second, with a policy that a test may change. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { nextTurn } from "../../../firmware/adapters/event-loop.ts";
import { utf8 } from "../../../firmware/core/bytes.ts";
import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import { Sim } from "../../../sim/harness/sim.ts";
import { expandRuns } from "../../../sim/scenario/expand-runs.ts";
import { readScenario } from "../../../sim/scenario/parse-scenario.ts";

const file = (name: string): string => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
const FILE = file("scenarios/greenhouse.yaml");
const POLICY = file("greenhouse/policy.json");

export interface ChangeablePolicy {
  readonly subjects: Record<string, { readonly kind: string; rollup?: boolean }>;
  readonly outputs: { readonly name: string; onRefusal?: string; requires: Record<string, Json> }[];
}

function policyText(change: (policy: ChangeablePolicy) => void): string {
  const policy = JSON.parse(readFileSync(POLICY, "utf8")) as ChangeablePolicy;
  change(policy);
  return JSON.stringify(policy);
}

export async function greenhouse(
  options: {
    readonly policy?: (policy: ChangeablePolicy) => void;
    readonly timeline?: readonly Json[];
    /** Members of imud.yaml. */
    readonly config?: JsonObject;
    readonly duration?: string;
  } = {},
): Promise<Sim> {
  const document = parse(readFileSync(FILE, "utf8")) as { devices: { programs: string[] }[] } & JsonObject;
  const [group] = document.devices;
  if (group)
    Object.assign(group, {
      programs: ["../greenhouse/programs/climate.json"],
      rtc: true,
      ...(options.config ? { config: options.config } : {}),
    });
  const changed = {
    ...document,
    duration: options.duration ?? "5m",
    timeline: options.timeline ?? [],
    expect: [{ always: "air.t < 99" }],
  };
  const [run] = expandRuns(readScenario(changed, FILE));
  if (!run) throw new Error("the scenario has no run");
  const policy = utf8(policyText(options.policy ?? (() => undefined)));
  const read = (path: string) =>
    path.endsWith("greenhouse/policy.json") ? Promise.resolve(policy) : readFile(path);
  return Sim.create(run, { host: { turn: nextTurn, read }, observe: true });
}
