/** Builds what a scenario wires to a device: models of parts, connected with the world. */
import { CodedError } from "../../firmware/core/errors.ts";
import type { Level } from "../../firmware/ports/hardware.ts";
import type { LineWiring } from "../board/line-wiring.ts";
import type { SimWiring } from "../board/sim-board.ts";
import type { LevelSink } from "../devices/edge-timeline.ts";
import type { ModbusSlave } from "../devices/modbus-slave.ts";
import type { RelayModel } from "../devices/relay.ts";
import { Rs485Bus } from "../devices/rs485-bus.ts";
import type { I2cTarget, SerialTarget, SpiTarget } from "../devices/target.ts";
import { modelOf } from "../scenario/models.ts";
import type { Wire } from "../scenario/types.ts";
import type { WorldNames } from "../scenario/world-names.ts";
import { SeededEntropy } from "../time/entropy.ts";
import { constantQuantity, type Quantity } from "../world/quantity.ts";
import { QuantityFaults } from "../world/quantity-faults.ts";
import type { World } from "../world/world.ts";
import { i2cPart, modbusPart, serialPart, spiPart } from "./bus-parts.ts";
import { linePart } from "./line-parts.ts";

/** What a part is built from. */
export interface PartContext {
  readonly wire: Wire;
  /** A connected quantity, or the model's fallback. */
  readonly quantity: (name: string) => Quantity;
  /** A stream of the part's own. */
  readonly stream: (name: string) => SeededEntropy;
  /** Wall ms of the true calendar at a true time. */
  readonly wallMsAt: (atUs: number) => number;
  /** Connects the part's effect with the input of the world that the scenario names. */
  readonly drive: (source: (atUs: number) => number) => void;
}

export interface DeviceParts {
  readonly wiring: SimWiring;
  /** By the wire's target: what can be wrong with each quantity it measures. */
  readonly faults: ReadonlyMap<string, ReadonlyMap<string, QuantityFaults>>;
  readonly relays: ReadonlyMap<number, RelayModel>;
  /** Contacts that people and the timeline may move. */
  readonly contacts: ReadonlyMap<number, LevelSink>;
  /** Models that look at the world by themselves: called at each of its steps. */
  readonly followers: readonly ((nowUs: number) => void)[];
}

export interface PartsOptions {
  readonly deviceId: string;
  readonly seed: string;
  readonly wires: readonly Wire[];
  readonly world: World;
  readonly names: WorldNames;
  readonly wallMsAt: (atUs: number) => number;
}

interface Building {
  readonly gpio: Map<number, LineWiring>;
  readonly i2c: Map<number, Map<number, I2cTarget>>;
  readonly spi: Map<string, SpiTarget>;
  readonly serial: Map<string, SerialTarget>;
  readonly slaves: Map<string, ModbusSlave[]>;
  readonly relays: Map<number, RelayModel>;
  readonly contacts: Map<number, LevelSink>;
  readonly followers: ((nowUs: number) => void)[];
}

const unknownName = (name: string): never => {
  throw new CodedError("scenario_invalid", `The world has no ${name}.`, {
    status: 422,
    details: { path: name, why: "not in the world" },
  });
};

/** The quantities of one wire, each with its faults. */
function quantitiesOf(
  wire: Wire,
  options: PartsOptions,
): {
  readonly quantity: (name: string) => Quantity;
  readonly faults: ReadonlyMap<string, QuantityFaults>;
} {
  const faults = new Map<string, QuantityFaults>();
  const quantities = new Map<string, Quantity>();
  const { deviceId, seed, world, names } = options;
  for (const [name, known] of Object.entries(modelOf(wire.model)?.reads ?? {})) {
    const own = new QuantityFaults(new SeededEntropy(seed, `device:${deviceId}:${wire.target}:${name}`));
    const read = wire.reads[name];
    if (!read) {
      const constant = constantQuantity(known.fallback ?? 0);
      faults.set(name, own);
      quantities.set(name, (atUs) => own.apply(constant(atUs), atUs));
      continue;
    }
    const { gain, offset, delayUs, noise } = read;
    if (noise > 0) own.add({ kind: "noise", sigma: noise });
    faults.set(name, own);
    const worldName = names.worldName(read.of, deviceId) ?? unknownName(read.of);
    quantities.set(name, world.quantity(worldName, { gain, offset, delayUs, faults: own }));
  }
  return { quantity: (name) => quantities.get(name) ?? constantQuantity(0), faults };
}

function place(building: Building, context: PartContext): void {
  const { wire } = context;
  const at = wire.place;
  if (at.bus === "i2c") {
    const bus = building.i2c.get(at.number) ?? new Map<number, I2cTarget>();
    building.i2c.set(at.number, bus.set(at.address, i2cPart(context)));
  } else if (at.bus === "spi") {
    building.spi.set(at.select, spiPart(context));
  } else if (at.bus === "serial") {
    if (wire.model === "modbus")
      building.slaves.set(at.port, [...(building.slaves.get(at.port) ?? []), modbusPart(context)]);
    else building.serial.set(at.port, serialPart(context));
  } else {
    const part = linePart(context);
    building.gpio.set(at.line, part.wiring);
    if (part.relay) building.relays.set(at.line, part.relay);
    if (part.contact) building.contacts.set(at.line, part.contact);
    if (part.follow) building.followers.push(part.follow);
  }
}

/** @throws CodedError `scenario_invalid` (422) for names that the world does not have. */
export function buildParts(options: PartsOptions): DeviceParts {
  const { deviceId, seed, wires, world, names, wallMsAt } = options;
  const faults = new Map<string, ReadonlyMap<string, QuantityFaults>>();
  const building: Building = {
    gpio: new Map(),
    i2c: new Map(),
    spi: new Map(),
    serial: new Map(),
    slaves: new Map(),
    relays: new Map(),
    contacts: new Map(),
    followers: [],
  };
  for (const wire of wires) {
    const { quantity, faults: own } = quantitiesOf(wire, options);
    faults.set(wire.target, own);
    place(building, {
      wire,
      quantity,
      stream: (name) => new SeededEntropy(seed, `device:${deviceId}:${wire.target}:${name}`),
      wallMsAt,
      drive: (source) => {
        if (!wire.drives) return;
        const { of, gain, delayUs } = wire.drives;
        world.input(names.worldName(of, deviceId) ?? unknownName(of), source, { gain, delayUs });
      },
    });
  }
  for (const [port, [first, ...rest]] of building.slaves)
    if (first) building.serial.set(port, new Rs485Bus([first, ...rest]));
  const { gpio, i2c, spi, serial, relays, contacts, followers } = building;
  return { wiring: { gpio, i2c, spi, serial }, faults, relays, contacts, followers };
}

/** The level of a part's input while nobody drives it: as the scenario says, else the one that leaves it off. */
export function idleLevel({ options, activeLow }: Wire): Level {
  if (options.pull === "up") return 1;
  if (options.pull === "down") return 0;
  return activeLow ? 1 : 0;
}
