import { CodedError } from "../../firmware/core/errors.ts";
import { SCENARIO_LIMITS } from "../../firmware/core/limits.ts";
import type { Drive } from "../world/drive.ts";
import { NODE_KINDS, type NodeKindName } from "../world/nodes/kinds.ts";
import type { NodeKind } from "../world/nodes/node.ts";
import { World } from "../world/world.ts";
import { DEFAULT_STEP_US, type WorldConfig, type WorldNodeConfig } from "../world/world-config.ts";
import type { RawDriven, RawNode, RawScenario } from "./raw-scenario.ts";
import type { Reader } from "./reader.ts";
import { pointer } from "./scenario-error.ts";
import { WorldNames } from "./world-names.ts";

export interface ReadWorld {
  readonly world: WorldConfig;
  readonly each: ReadonlyMap<string, string>;
  readonly names: WorldNames;
}

type Groups = readonly { readonly prefix: string; readonly ids: readonly string[] }[];

function readDriven(raw: RawDriven, path: string, reader: Reader): Drive {
  if ((raw.of === undefined) === (raw.schedule === undefined))
    reader.refuse(path, 'needs exactly one of "of" and "schedule"');
  if (raw.of !== undefined) {
    if (raw.mode !== undefined || raw.repeat !== undefined)
      reader.refuse(path, '"mode" and "repeat" belong to a schedule');
    return { kind: "quantity", of: raw.of, gain: raw.gain ?? 1, offset: raw.offset ?? 0 };
  }
  if (raw.gain !== undefined || raw.offset !== undefined)
    reader.refuse(path, '"gain" and "offset" belong to "of"');
  const points = (raw.schedule ?? []).map(({ at, value }, index) => ({
    atUs: reader.duration(at, 0, `${path}/schedule/${index}/at`),
    value,
  }));
  const repeatUs = raw.repeat === undefined ? null : reader.duration(raw.repeat, 0, `${path}/repeat`);
  return { kind: "schedule", schedule: { points, mode: raw.mode ?? "step", repeatUs } };
}

const constant = (value: number): Drive => ({
  kind: "schedule",
  schedule: { points: [{ atUs: 0, value }], mode: "step", repeatUs: null },
});

function readNode(name: string, raw: RawNode, path: string, reader: Reader): WorldNodeConfig {
  const values: Record<string, number> = {};
  const drives: Record<string, Drive> = {};
  const kind = raw.kind as NodeKindName;
  const known: NodeKind["values"] = NODE_KINDS[kind].values;
  for (const [member, value] of Object.entries(raw)) {
    if (typeof value === "object") drives[member] = readDriven(value, pointer(path, member), reader);
    else if (typeof value !== "number") continue;
    else if (Object.hasOwn(known, member)) values[member] = value;
    // An input has no value of its own: something drives it.
    else drives[member] = constant(value);
  }
  // What is driven has its value from there before the first step.
  for (const [member, drive] of Object.entries(drives))
    if (Object.hasOwn(known, member))
      values[member] = drive.kind === "schedule" ? (drive.schedule.points[0]?.value ?? 0) : 0;
  return { name, kind, values, drives };
}

/** The node of one device, which means its own siblings by their plain names. */
function ownNode(node: WorldNodeConfig, deviceId: string, own: ReadonlySet<string>): WorldNodeConfig {
  const drives = Object.entries(node.drives).map(([member, drive]): readonly [string, Drive] => {
    if (drive.kind === "schedule") return [member, drive];
    const [source = "", field = ""] = drive.of.split(".");
    return [member, own.has(source) ? { ...drive, of: `${source}@${deviceId}.${field}` } : drive];
  });
  return { ...node, name: `${node.name}@${deviceId}`, drives: Object.fromEntries(drives) };
}

/** Every value that a kind demands, and every name that a drive means, is checked by making the world once. */
function checkWorld(world: WorldConfig, reader: Reader): void {
  try {
    new World("check", world);
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    const { node } = cause.details;
    const written = typeof node === "string" ? node.split("@")[0] : undefined;
    reader.refuse(written === undefined ? "/world" : pointer("/world", written), cause.message);
  }
}

export function readWorld(raw: RawScenario, groups: Groups, reader: Reader): ReadWorld {
  const each = new Map<string, string>();
  const entries = Object.entries(raw.world ?? {});
  for (const [name, node] of entries) {
    if (typeof node.each !== "string") continue;
    if (!groups.some(({ prefix }) => prefix === node.each))
      reader.refuse(pointer("/world", name, "each"), `there are no devices "${node.each}"`);
    each.set(name, node.each);
  }
  const nodes = entries.flatMap(([name, node]) => {
    const read = readNode(name, node, pointer("/world", name), reader);
    const prefix = each.get(name);
    if (prefix === undefined) return [read];
    const own = new Set([...each].filter(([, other]) => other === prefix).map(([sibling]) => sibling));
    const ids = groups.find((group) => group.prefix === prefix)?.ids ?? [];
    return ids.map((id) => ownNode(read, id, own));
  });
  if (nodes.length > SCENARIO_LIMITS.nodes)
    reader.refuse("/world", `more than ${SCENARIO_LIMITS.nodes} nodes with those of every device`);
  const stepUs = reader.duration(raw.worldStep, DEFAULT_STEP_US, "/worldStep");
  if (stepUs === 0) reader.refuse("/worldStep", "a step takes time");
  const world = { stepUs, nodes };
  checkWorld(world, reader);
  return { world, each, names: new WorldNames(nodes, each) };
}
