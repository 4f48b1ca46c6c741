import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { readDocument } from "./document-text.ts";
import type { RawScenario } from "./raw-scenario.ts";
import { readExpect } from "./read-expect.ts";
import { groupIds, readGroup } from "./read-groups.ts";
import { readAdversaries, readTimeline } from "./read-timeline.ts";
import { readWorld } from "./read-world.ts";
import { Reader } from "./reader.ts";
import { ScenarioError } from "./scenario-error.ts";
import { SCENARIO_SCHEMA } from "./schema.ts";
import { checkSchema } from "./schema-check.ts";
import { seedsOf } from "./seeds.ts";
import type { Bounds, BrokerPlan, FleetPlan, LinkPlan, Scenario } from "./types.ts";

const CONVERGENCE_US = 60_000_000;
const HOST_TIME_US = 600_000_000;
const EVENTS = 100_000_000;
const CUT_RUNS = 2000;

type LineOf = (pointer: string) => number;

function fleetOf({ fleet }: RawScenario): FleetPlan {
  return { id: fleet?.id ?? "sim", operators: fleet?.operators ?? [] };
}

function brokerOf({ broker = {} }: RawScenario): BrokerPlan {
  return {
    version: (broker.version ?? 5) === 5 ? 5 : 4,
    volatile: broker.volatile ?? false,
    packetBytes: broker.packetBytes ?? null,
    queueMessages: broker.queueMessages ?? null,
    connectionsPerS: broker.connectionsPerS ?? null,
  };
}

function linkOf({ link = {} }: RawScenario): LinkPlan {
  return {
    mode: link.mode ?? "faithful",
    minUs: link.minUs ?? 5000,
    spreadUs: link.spreadUs ?? 20_000,
    tailP: link.tailP ?? 0,
    tailUs: link.tailUs ?? 0,
    loss: link.loss ?? 0,
    duplicate: link.duplicate ?? 0,
    resetP: link.resetP ?? 0,
    bytesPerS: link.bytesPerS ?? null,
  };
}

function boundsOf({ bounds = {} }: RawScenario, reader: Reader): Bounds {
  return {
    convergenceUs: reader.duration(bounds.convergence, CONVERGENCE_US, "/bounds/convergence"),
    events: bounds.events ?? EVENTS,
    hostTimeUs: reader.duration(bounds.hostTime, HOST_TIME_US, "/bounds/hostTime"),
    cutRuns: bounds.cutRuns ?? CUT_RUNS,
  };
}

function checkOperators({ operators }: FleetPlan, reader: Reader): void {
  operators.forEach(({ id }, index) => {
    if (operators.findIndex((other) => other.id === id) !== index)
      reader.refuse(`/fleet/operators/${index}/id`, `the operator "${id}" is there already`);
  });
}

function isScenario(document: Json): document is Json & RawScenario & JsonObject {
  return isJsonObject(document) && checkSchema(document, SCENARIO_SCHEMA as JsonObject) === null;
}

/**
 * Reads a scenario that is a document already. @param file named in errors; paths inside are relative to its folder.
 * @throws ScenarioError (422) `scenario_invalid`, `board_unknown`, `model_unknown`, `wiring_conflict`, each with
 *   {file, line, path, why}.
 */
export function readScenario(document: Json, file: string, lineOf: LineOf = () => 0): Scenario {
  if (!isScenario(document)) {
    const problem = checkSchema(document, SCENARIO_SCHEMA as JsonObject);
    const { path, why } = problem ?? { path: "", why: "must be an object" };
    throw new ScenarioError("scenario_invalid", { file, line: lineOf(path), path }, why);
  }
  const ids = groupIds(document.devices, { file, lineOf });
  const reader = new Reader({ file, lineOf, deviceIds: ids.flatMap((group) => group.ids) });
  const durationUs = reader.duration(document.duration, 0, "/duration");
  if (durationUs === 0) reader.refuse("/duration", "a scenario takes time");
  const { world, each, names } = readWorld(document, ids, reader);
  reader.use(names);
  const groups = document.devices.map((group, index) =>
    readGroup(group, ids[index]?.ids ?? [], `/devices/${index}`, names, reader),
  );
  const fleet = fleetOf(document);
  checkOperators(fleet, reader);
  const context = { reader, endUs: durationUs, groups, fleet, names };
  return {
    name: document.name,
    description: document.description ?? "",
    file,
    seeds: seedsOf(document.seed ?? 1) ?? reader.refuse("/seed", "this range has no seeds, or too many"),
    durationUs,
    order: document.order ?? "random",
    fleet,
    broker: brokerOf(document),
    groups,
    world,
    each,
    link: linkOf(document),
    adversaries: readAdversaries(document, context),
    timeline: readTimeline(document, context),
    expect: readExpect(document, durationUs, reader),
    bounds: boundsOf(document, reader),
    warnings: reader.warnings,
    document,
  };
}

/** Reads a scenario file, YAML or JSON. @param file named in errors. @throws ScenarioError as `readScenario`. */
export function parseScenario(text: string, file: string): Scenario {
  const { value, lineOf } = readDocument(text, file);
  return readScenario(value, file, lineOf);
}
