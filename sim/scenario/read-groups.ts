import { SCENARIO_LIMITS } from "../../firmware/core/limits.ts";
import { scenarioBoard } from "./boards.ts";
import { lineRows, sensorRows } from "./derived-rows.ts";
import { deviceIds } from "./device-ids.ts";
import { floatingNets } from "./floating-nets.ts";
import type { RawGroup } from "./raw-scenario.ts";
import { checkConflicts, readWire } from "./read-wiring.ts";
import type { Reader } from "./reader.ts";
import { ScenarioError } from "./scenario-error.ts";
import type { DeviceGroup } from "./types.ts";
import type { WorldNames } from "./world-names.ts";

export interface GroupIds {
  readonly prefix: string;
  readonly ids: readonly string[];
}

/** Who is there. @throws ScenarioError for an id that two groups have, or too many devices. */
export function groupIds(
  groups: readonly RawGroup[],
  at: { readonly file: string; readonly lineOf: (pointer: string) => number },
): readonly GroupIds[] {
  const refuse = (path: string, why: string): never => {
    throw new ScenarioError("scenario_invalid", { file: at.file, line: at.lineOf(path), path }, why);
  };
  const seen = new Set<string>();
  return groups.map(({ prefix, count = 1 }, index) => {
    if (seen.size + count > SCENARIO_LIMITS.devices)
      refuse(`/devices/${index}/count`, `more than ${SCENARIO_LIMITS.devices} devices`);
    const ids = deviceIds(prefix, count);
    for (const id of ids) {
      if (seen.has(id)) refuse(`/devices/${index}/prefix`, `the device "${id}" is there already`);
      seen.add(id);
    }
    return { prefix, ids };
  });
}

export function readGroup(
  raw: RawGroup,
  ids: readonly string[],
  path: string,
  names: WorldNames,
  reader: Reader,
): DeviceGroup {
  const board =
    scenarioBoard(raw.board) ??
    reader.refuse(`${path}/board`, `there is no board "${raw.board}"`, "board_unknown");
  const context = { board, names, deviceIds: ids, reader };
  const wiring = (raw.wiring ?? []).map((wire, index) => readWire(wire, `${path}/wiring/${index}`, context));
  checkConflicts(wiring, `${path}/wiring`, board, reader);
  const group: DeviceGroup = {
    prefix: raw.prefix,
    ids,
    board: board.id,
    policy: raw.policy,
    programs: raw.programs ?? [],
    sensors: raw.sensors ?? sensorRows(wiring),
    lines: raw.lines ?? lineRows(wiring, board),
    config: raw.config ?? {},
    ppm: raw.ppm ?? null,
    rtc: raw.rtc ?? false,
    cpuFactor: raw.cpuFactor ?? 1,
    wiring,
  };
  for (const { path: below, why } of floatingNets(group, board)) reader.warn(`${path}/${below}`, why);
  return group;
}
