/** What the schema cannot say about an act: which parts a device has, which members a kind of fault needs. */
import type { QuantityFault } from "../world/quantity-faults.ts";
import type { DeedAct, FaultAct } from "./acts.ts";
import { modelOf } from "./models.ts";
import type { TimelineContext } from "./read-timeline.ts";
import type { DeviceGroup, Wire } from "./types.ts";

type SensorAct = Extract<FaultAct, { readonly fault: "sensor" }>;

/** Members that each kind of sensor fault needs. */
const SENSOR_NEEDS: Readonly<Record<QuantityFault["kind"], readonly (keyof SensorAct)[]>> = {
  noise: ["sigma"],
  drift: ["perHour"],
  offset: ["by"],
  stuck: [],
  spike: ["by"],
  dropout: [],
};

/** The fault of a quantity that a `sensor` act means, once it has been checked. */
export function quantityFaultOf({ kind, sigma, perHour, by, p, value }: SensorAct): QuantityFault {
  switch (kind) {
    case "noise":
      return { kind, sigma: sigma ?? 0 };
    case "drift":
      return { kind, perHour: perHour ?? 0 };
    case "offset":
      return { kind, by: by ?? 0 };
    case "stuck":
      return { kind, value };
    case "spike":
      return { kind, p: p ?? 0.01, by: by ?? 0 };
    case "dropout":
      return { kind, p: p ?? 1, value: value ?? 0 };
  }
}

function groupOf(id: string, groups: readonly DeviceGroup[]): DeviceGroup | undefined {
  return groups.find(({ ids }) => ids.includes(id));
}

/** The part of each device that a fault names. */
function partsAt(
  ids: readonly string[],
  path: string,
  context: TimelineContext,
  matches: (wire: Wire) => boolean,
  what: string,
): readonly Wire[] {
  return ids.map((id) => {
    const wire = groupOf(id, context.groups)?.wiring.find(matches);
    return wire ?? context.reader.refuse(path, `${id} has nothing at ${what}`);
  });
}

/** `serial-ttyAMA0` names every part at that port, `i2c-1` the whole bus. */
const isAt =
  (target: string) =>
  (wire: Wire): boolean =>
    wire.target === target || wire.target.startsWith(`${target}/`);

function checkSensor(act: SensorAct, path: string, context: TimelineContext): void {
  const { reader } = context;
  for (const member of SENSOR_NEEDS[act.kind])
    if (act[member] === null) reader.refuse(path, `${act.kind} needs "${member}"`);
  const at = (wire: Wire): boolean => wire.target === act.target;
  for (const wire of partsAt(act.devices, `${path}/target`, context, at, act.target)) {
    const reads = modelOf(wire.model)?.reads ?? {};
    if (Object.keys(reads).length === 0) reader.refuse(`${path}/target`, `a ${wire.model} measures nothing`);
    if (act.quantity !== null && !Object.hasOwn(reads, act.quantity))
      reader.refuse(`${path}/quantity`, `a ${wire.model} reads ${Object.keys(reads).join(", ")}`);
  }
}

function checkFault(act: FaultAct, path: string, context: TimelineContext): void {
  const { reader } = context;
  if (act.fault === "sensor") checkSensor(act, path, context);
  if (act.fault === "bus") partsAt(act.devices, `${path}/target`, context, isAt(act.target), act.target);
  if (act.fault === "gpio") {
    const target = `gpio-${act.line}`;
    const contact = act.kind === "welded" || act.kind === "open";
    for (const wire of partsAt(act.devices, `${path}/line`, context, isAt(target), target))
      if (contact && modelOf(wire.model)?.line !== "out")
        reader.refuse(`${path}/kind`, `a ${wire.model} has no contact of a relay`);
  }
  if (act.fault === "cut" && act.label === null && act.nth !== null)
    reader.refuse(`${path}/nth`, '"nth" counts the steps of a "label"');
  if (act.fault === "oneway")
    for (const end of ["from", "to"] as const)
      for (const name of act[end]) if (name !== "broker") reader.devices(name, `${path}/${end}`);
}

function checkOperator(id: string | null, path: string, { reader, fleet }: TimelineContext): void {
  if (id !== null && !fleet.operators.some((one) => one.id === id))
    reader.refuse(path, `there is no operator "${id}"`);
}

function checkDeed(act: DeedAct, path: string, context: TimelineContext): void {
  const { reader, names } = context;
  if (act.do === "publish") {
    if ((act.command === null) === (act.topic === null))
      reader.refuse(path, 'needs exactly one of "command" and "topic"');
    if (act.command !== null && act.as === null) reader.refuse(path, 'a command needs "as"');
    checkOperator(act.as, `${path}/as`, context);
  }
  if (act.do === "ota") for (const id of act.signers) checkOperator(id, `${path}/signers`, context);
  if (act.do === "rotate") checkOperator(act.key, `${path}/key`, context);
  if (act.do === "approve") checkOperator(act.as, `${path}/as`, context);
  if (act.do === "set" && names.worldName(act.target, null) === null)
    reader.refuse(`${path}/target`, `the world has no ${act.target}`);
  if (act.do === "press") {
    const target = `gpio-${act.line}`;
    for (const wire of partsAt(act.devices, `${path}/line`, context, isAt(target), target))
      if (modelOf(wire.model)?.line !== "in")
        reader.refuse(`${path}/line`, `nobody can press a ${wire.model}`);
  }
}

/** @throws ScenarioError for devices, parts, operators and quantities that are not there. */
export function checkAct(act: FaultAct | DeedAct, path: string, context: TimelineContext): void {
  if ("fault" in act) checkFault(act, path, context);
  else checkDeed(act, path, context);
}
