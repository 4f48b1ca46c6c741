import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { ATTACKS, type AttackAct, DEEDS, type DeedAct, FAULTS, type FaultAct } from "./acts.ts";
import { checkAct } from "./check-act.ts";
import { type ActTable, readAct } from "./member.ts";
import type { RawScenario } from "./raw-scenario.ts";
import { readOccasion } from "./read-occasion.ts";
import type { Reader } from "./reader.ts";
import type { Adversary, DeviceGroup, FleetPlan, TimelineEntry } from "./types.ts";
import type { WorldNames } from "./world-names.ts";

export interface TimelineContext {
  readonly reader: Reader;
  readonly endUs: number;
  readonly groups: readonly DeviceGroup[];
  readonly fleet: FleetPlan;
  readonly names: WorldNames;
}

/** The name of the act, and its members as read. */
function actOf(
  raw: JsonObject,
  key: string,
  table: ActTable,
  path: string,
  reader: Reader,
): Readonly<Record<string, Json>> {
  const name = String(raw[key]);
  return { [key]: name, ...readAct(raw, table[name] ?? {}, path, reader) };
}

/** The schema has let it through, and `readAct` has read what the table of the act says. */
const isFault = (act: unknown): act is FaultAct => typeof act === "object" && act !== null && "fault" in act;
const isDeed = (act: unknown): act is DeedAct => typeof act === "object" && act !== null && "do" in act;
const isAttack = (act: unknown): act is AttackAct => typeof act === "object" && act !== null && "send" in act;

export function readTimeline(raw: RawScenario, context: TimelineContext): readonly TimelineEntry[] {
  const { reader, endUs } = context;
  return (raw.timeline ?? []).map((entry, index) => {
    const path = `/timeline/${index}`;
    const when = readOccasion(entry, path, endUs, reader);
    const act =
      entry.fault === undefined
        ? actOf(entry, "do", DEEDS, path, reader)
        : actOf(entry, "fault", FAULTS, path, reader);
    if (!isFault(act) && !isDeed(act)) return reader.refuse(path, "does nothing");
    checkAct(act, path, context);
    return { index, when, act };
  });
}

function checkKey(key: string, path: string, { reader, fleet }: TimelineContext): void {
  const [owner, id = ""] = key.split(":");
  if (owner === "device") reader.devices(id, path);
  if (owner === "operator" && !fleet.operators.some((one) => one.id === id))
    reader.refuse(path, `there is no operator "${id}"`);
}

export function readAdversaries(raw: RawScenario, context: TimelineContext): readonly Adversary[] {
  const { reader, endUs } = context;
  return (raw.adversaries ?? []).map(({ id, key = "own", script }, index) => {
    const path = `/adversaries/${index}`;
    checkKey(key, `${path}/key`, context);
    return {
      id,
      key,
      script: script.map((entry, position) => {
        const at = `${path}/script/${position}`;
        const act = actOf(entry, "send", ATTACKS, at, reader);
        if (!isAttack(act)) return reader.refuse(at, "sends nothing");
        return { when: readOccasion(entry, at, endUs, reader), act };
      }),
    };
  });
}
