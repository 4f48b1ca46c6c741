/** Parts that give a device's drivers what was recorded, and the names under which the world holds it. */
import type { LineConfig, SensorConfig } from "../../firmware/composition/config-schema.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { modelOf } from "../scenario/models.ts";

const GPIO = /^gpio:\/\/[^/]+\/(\d+)$/;
const I2C = /^i2c:\/\/(\d+)\/(0x[0-9a-f]{2})\/(\w+)$/;
const SPI = /^spi:\/\/(\d+\.\d+)\/(\w+)$/;
const SERIAL = /^serial:\/\/([\w.-]+)\/(\w+)$/;
const MCP3008_CODES = 1024;
const DEFAULT_VREF = 3.3;

/** A part under construction: its members as a scenario writes them, and its reads. */
interface Part {
  readonly members: JsonObject;
  readonly reads: Record<string, Json>;
}

/** Where a sensor's channel is, as members of a wire, its channel, and its target of faults. */
function placeOf(
  uri: string,
): { readonly place: JsonObject; readonly channel: string; readonly target: string } | null {
  const i2c = I2C.exec(uri);
  if (i2c) {
    const [, bus = "", address = "", channel = ""] = i2c;
    return { place: { bus: `i2c-${bus}`, address }, channel, target: `i2c-${bus}/${address}` };
  }
  const [, select, spiChannel = ""] = SPI.exec(uri) ?? [];
  if (select !== undefined) return { place: { spi: select }, channel: spiChannel, target: `spi-${select}` };
  const [, port, serialChannel = ""] = SERIAL.exec(uri) ?? [];
  if (port !== undefined)
    return { place: { serial: port }, channel: serialChannel, target: `serial-${port}` };
  return null;
}

/** The target of a channel's faults; null for lines. */
export const targetOfUri = (uri: string): string | null => placeOf(uri)?.target ?? null;

const MODEL_OF: Readonly<Record<SensorConfig["driver"], string>> = {
  bme280: "bme280",
  sht31: "sht31",
  ads1115: "ads1115",
  mcp3008: "mcp3008",
  nmea: "gps",
  switch: "button",
};

/** What undoes the driver's scale and offset, so that the world holds what the device said. */
function readOf(of: string, { driver, scale = 1, offset = 0, vref = DEFAULT_VREF }: SensorConfig): Json {
  // The converter rounds down: half a step more makes the same code of the same value.
  const half = driver === "mcp3008" ? vref / MCP3008_CODES / 2 : 0;
  if (scale === 1 && offset === 0 && half === 0) return of;
  return { of, gain: 1 / scale, offset: half - offset / scale };
}

export class RecordedWiring {
  readonly #parts = new Map<string, Part>();
  readonly #world = new Map<string, JsonObject>();

  /** Wires a sensor's channel to a node of the world. @returns false if no model measures it. */
  sensor(row: SensorConfig, name: string, node: JsonObject): boolean {
    if (row.driver === "switch") return this.line(row, name, node);
    const at = placeOf(row.uri);
    const model = MODEL_OF[row.driver];
    const read = Object.entries(modelOf(model)?.reads ?? {}).find(
      ([, { channel }]) => channel === at?.channel,
    )?.[0];
    if (at === null || read === undefined) return false;
    const part = this.#part(at.target, { model, ...at.place, ...optionsOf(row) });
    part.reads[read] = readOf(`${name}.value`, row);
    this.#world.set(name, node);
    return true;
  }

  /** Wires an input line to a node. @returns false for what is no line. */
  line(row: Pick<SensorConfig, "uri" | "activeLow">, name: string, node: JsonObject): boolean {
    const line = GPIO.exec(row.uri)?.[1];
    if (line === undefined) return false;
    // Recorded edges are those that debouncing has let through: the replayed contact does not bounce.
    const part = this.#part(`gpio-${line}`, {
      model: "button",
      line: Number(line),
      ...(row.activeLow === true ? { activeLow: true } : {}),
      options: { bounce: false },
    });
    part.reads.level = `${name}.value`;
    this.#world.set(name, node);
    return true;
  }

  /** Wires a relay to an output that a policy drives, so that it is seen to move. */
  output(uri: string, row: LineConfig | undefined, safe: Json): void {
    const line = GPIO.exec(uri)?.[1];
    if (line === undefined) return;
    this.#part(`gpio-${line}`, {
      model: "relay",
      line: Number(line),
      ...(row?.activeLow === true ? { activeLow: true } : {}),
      ...(safe === 0 || safe === 1 ? { safe: safe === 1 ? "on" : "off" } : {}),
    });
  }

  /** Channels without a reading get a value that a part must have. */
  get wiring(): readonly JsonObject[] {
    return [...this.#parts.values()].map(({ members, reads }) => {
      const needed = Object.entries(modelOf(String(members.model))?.reads ?? {}).filter(
        ([name, { fallback }]) => fallback === null && reads[name] === undefined,
      );
      for (const [name] of needed) reads[name] = `${this.#unrecorded()}.value`;
      return Object.keys(reads).length === 0 ? members : { ...members, reads };
    });
  }

  get world(): JsonObject {
    return Object.fromEntries(this.#world);
  }

  #part(target: string, members: JsonObject): Part {
    const known = this.#parts.get(target);
    if (known) return known;
    const made = { members, reads: {} };
    this.#parts.set(target, made);
    return made;
  }

  #unrecorded(): string {
    this.#world.set("unrecorded", { kind: "signal", base: 0 });
    return "unrecorded";
  }
}

function optionsOf({ vref, baudRate }: SensorConfig): JsonObject {
  const options = {
    ...(vref === undefined ? {} : { vref }),
    ...(baudRate === undefined ? {} : { baudRate }),
  };
  return Object.keys(options).length === 0 ? {} : { options };
}
