import type { BoardDefinition } from "../../boards/index.ts";
import { busOfAlternate } from "./boards.ts";
import { modelOf, type ScenarioModel } from "./models.ts";
import type { RawRead, RawWire } from "./raw-scenario.ts";
import { readPlace, targetOf } from "./read-place.ts";
import type { Reader } from "./reader.ts";
import { pointer } from "./scenario-error.ts";
import type { DriveWire, ReadWire, Wire } from "./types.ts";
import type { WorldNames } from "./world-names.ts";

export interface WiringContext {
  readonly board: BoardDefinition;
  readonly names: WorldNames;
  /** Of the group; each of them must find what its wires name. */
  readonly deviceIds: readonly string[];
  readonly reader: Reader;
}

/** A wire is the same for every device of a group, so the first one speaks for all. */
function checkQuantity(of: string, path: string, { names, deviceIds, reader }: WiringContext): void {
  if (names.worldName(of, deviceIds[0] ?? null) === null) reader.refuse(path, `the world has no ${of}`);
}

function readRead(raw: string | RawRead, path: string, context: WiringContext): ReadWire {
  const wire = typeof raw === "string" ? { of: raw } : raw;
  checkQuantity(wire.of, path, context);
  return {
    of: wire.of,
    gain: wire.gain ?? 1,
    offset: wire.offset ?? 0,
    delayUs: context.reader.duration(wire.delay, 0, `${path}/delay`),
    noise: wire.noise ?? 0,
  };
}

function readReads(
  raw: RawWire,
  model: ScenarioModel,
  path: string,
  context: WiringContext,
): Readonly<Record<string, ReadWire>> {
  const reads = Object.entries(raw.reads ?? {}).map(([name, read]): readonly [string, ReadWire] => {
    const at = pointer(path, "reads", name);
    if (!Object.hasOwn(model.reads, name)) {
      const known = Object.keys(model.reads);
      const has = known.length > 0 ? `reads ${known.join(", ")}` : "reads nothing";
      context.reader.refuse(at, `a ${raw.model} ${has}`);
    }
    return [name, readRead(read, at, context)];
  });
  for (const [name, { fallback }] of Object.entries(model.reads))
    if (fallback === null && raw.reads?.[name] === undefined)
      context.reader.refuse(`${path}/reads`, `a ${raw.model} needs "${name}"`);
  return Object.fromEntries(reads);
}

function readDrives(
  raw: RawWire,
  model: ScenarioModel,
  path: string,
  context: WiringContext,
): DriveWire | null {
  if (raw.drives === undefined) return null;
  const at = `${path}/drives`;
  const { names, deviceIds, reader } = context;
  if (!model.drives) reader.refuse(at, `a ${raw.model} drives nothing`);
  const wire = typeof raw.drives === "string" ? { of: raw.drives } : raw.drives;
  checkQuantity(wire.of, at, context);
  if (!names.isDrivable(wire.of, deviceIds[0] ?? "")) reader.refuse(at, `${wire.of} is no input`);
  return { of: wire.of, gain: wire.gain ?? 1, delayUs: reader.duration(wire.delay, 0, `${at}/delay`) };
}

function readOptions(raw: RawWire, model: ScenarioModel, path: string, reader: Reader): Wire["options"] {
  for (const [name, value] of Object.entries(raw.options ?? {})) {
    const at = pointer(path, "options", name);
    const kind = Object.hasOwn(model.options, name) ? model.options[name] : undefined;
    if (kind === undefined) reader.refuse(at, `a ${raw.model} has no such option`);
    const type = typeof value === "string" ? "text" : typeof value;
    if (type !== kind) reader.refuse(at, `must be a ${kind}`);
  }
  return raw.options ?? {};
}

function safeLevel(safe: RawWire["safe"]): 0 | 1 | null {
  if (safe === undefined) return null;
  return safe === "on" || safe === 1 || safe === true ? 1 : 0;
}

/** @throws ScenarioError `model_unknown` and what is wrong with its members. */
export function readWire(raw: RawWire, path: string, context: WiringContext): Wire {
  const { board, reader } = context;
  const model = modelOf(raw.model);
  if (!model) return reader.refuse(`${path}/model`, `there is no model "${raw.model}"`, "model_unknown");
  const place = readPlace(raw, model, path, board, reader);
  if (raw.safe !== undefined && !model.drives)
    reader.refuse(`${path}/safe`, `a ${raw.model} has no safe state`);
  return {
    model: raw.model,
    place,
    target: targetOf(place),
    reads: readReads(raw, model, path, context),
    drives: readDrives(raw, model, path, context),
    activeLow: raw.activeLow ?? false,
    safe: safeLevel(raw.safe),
    loadMa: raw.loadMa ?? 0,
    options: readOptions(raw, model, path, reader),
  };
}

/** Two users of a line, an address, a chip select or a port: `wiring_conflict`. */
export function checkConflicts(
  wires: readonly Wire[],
  path: string,
  board: BoardDefinition,
  reader: Reader,
): void {
  const refuse = (index: number, why: string): never =>
    reader.refuse(`${path}/${index}`, why, "wiring_conflict");
  for (const [index, wire] of wires.entries()) {
    const before = wires.slice(0, index);
    const other = before.find(({ target }) => target === wire.target);
    if (other) refuse(index, `${wire.model} and ${other.model} are both at ${wire.target}`);
    const { place } = wire;
    if (place.bus === "serial") {
      const shared = before.find(({ place: at }) => at.bus === "serial" && at.port === place.port);
      if (shared && shared.model !== wire.model)
        refuse(index, `${wire.model} and ${shared.model} are both at serial-${place.port}`);
    }
    if (place.bus !== "gpio") continue;
    const alternate = board.lines.find(({ line }) => line === place.line)?.alternate;
    const bus = busOfAlternate(alternate);
    const user = bus && wires.find(({ target }) => bus.test(target.split("/")[0] ?? ""));
    if (user) refuse(index, `line ${place.line} is ${alternate} of the ${user.model} at ${user.target}`);
  }
}
