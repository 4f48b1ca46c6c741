/** Which parts a scenario may wire, what they need and what they give: data for the check and for who builds them. */

export type BusKind = "gpio" | "i2c" | "spi" | "serial";

/** A quantity that a part measures. */
export interface ModelQuantity {
  readonly unit: string;
  /** What it measures while nothing is connected; null: it must be connected. */
  readonly fallback: number | null;
  /** The channel of imud's driver for it; null if imud does not read it by a driver. */
  readonly channel: string | null;
}

export type OptionKind = "number" | "text" | "boolean";

export interface ScenarioModel {
  readonly bus: BusKind;
  /** I2C addresses the part can be strapped to. */
  readonly addresses?: readonly number[];
  /** Several parts share one serial port, each with an address of its own. */
  readonly multidrop?: boolean;
  /** By the name used under `reads`. */
  readonly reads: Readonly<Record<string, ModelQuantity>>;
  /** Whether it moves an input of the world, named by `drives`. */
  readonly drives: boolean;
  /** Whether the board listens to its line or drives it; null for parts on buses. */
  readonly line: "in" | "out" | null;
  /** Driver of imud that reads it, null if there is none. */
  readonly driver: "bme280" | "sht31" | "ads1115" | "mcp3008" | "nmea" | null;
  readonly options: Readonly<Record<string, OptionKind>>;
}

const range = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

const quantity = (unit: string, fallback: number | null, channel: string | null = null): ModelQuantity => ({
  unit,
  fallback,
  channel,
});

/** Numbered inputs such as `ain0` to `ain3`. */
const inputs = (
  prefix: string,
  count: number,
  make: (index: number) => ModelQuantity,
): ScenarioModel["reads"] =>
  Object.fromEntries(range(0, count - 1).map((index) => [`${prefix}${index}`, make(index)]));

const volts = (index: number): ModelQuantity => quantity("V", 0, `ch${index}`);

const onI2c = (
  addresses: readonly number[],
  parts: Partial<Omit<ScenarioModel, "bus" | "addresses">>,
): ScenarioModel => ({
  bus: "i2c",
  addresses,
  reads: {},
  drives: false,
  line: null,
  driver: null,
  options: {},
  ...parts,
});

const onBus = (
  bus: "spi" | "serial",
  parts: Partial<Omit<ScenarioModel, "bus" | "addresses">>,
): ScenarioModel => ({ bus, reads: {}, drives: false, line: null, driver: null, options: {}, ...parts });

const contact = (options: ScenarioModel["options"] = {}): ScenarioModel => ({
  bus: "gpio",
  reads: { level: quantity("1", 0) },
  drives: false,
  line: "in",
  driver: null,
  options: { pull: "text", bounce: "boolean", ...options },
});

const pulses = (): ScenarioModel => ({ ...contact(), reads: { hz: quantity("Hz", null) } });

const actuator = (options: ScenarioModel["options"] = {}): ScenarioModel => ({
  bus: "gpio",
  reads: {},
  drives: true,
  line: "out",
  driver: null,
  options: { pull: "text", ...options },
});

const PMS_UNIT = "ug/m3";

/** By the name used under `model` (simulator.md 5). Unknown names are `model_unknown`. */
export const MODELS: Readonly<Record<string, ScenarioModel>> = {
  bme280: onI2c([0x76, 0x77], {
    reads: {
      t: quantity("Cel", null, "temperature"),
      rh: quantity("%", 50, "humidity"),
      p: quantity("Pa", 101_325, "pressure"),
    },
    driver: "bme280",
  }),
  sht31: onI2c([0x44, 0x45], {
    reads: { t: quantity("Cel", null, "temperature"), rh: quantity("%", 50, "humidity") },
    driver: "sht31",
  }),
  bh1750: onI2c([0x23, 0x5c], { reads: { lux: quantity("lx", null) } }),
  ads1115: onI2c(range(0x48, 0x4b), { reads: inputs("ain", 4, volts), driver: "ads1115" }),
  ina219: onI2c(range(0x40, 0x4f), {
    reads: { current: quantity("A", null), volts: quantity("V", 5) },
    options: { shuntOhm: "number" },
  }),
  mcp23017: onI2c(range(0x20, 0x27), { reads: inputs("pin", 16, () => quantity("1", 0)) }),
  ds3231: onI2c([0x68], { reads: { t: quantity("Cel", 25) }, options: { battery: "boolean" } }),
  at24c32: onI2c(range(0x50, 0x57), {}),
  at24c256: onI2c(range(0x50, 0x57), {}),
  ssd1306: onI2c([0x3c, 0x3d], {}),
  // Behind a PCF8574, or a PCF8574A.
  hd44780: onI2c([...range(0x20, 0x27), ...range(0x38, 0x3f)], {}),
  mcp3008: onBus("spi", {
    reads: inputs("ch", 8, volts),
    driver: "mcp3008",
    options: { vref: "number" },
  }),
  max31855: onBus("spi", { reads: { t: quantity("Cel", null), internal: quantity("Cel", 25) } }),
  modbus: onBus("serial", {
    multidrop: true,
    reads: inputs("r", 32, () => quantity("1", 0)),
    options: { baudRate: "number" },
  }),
  gps: onBus("serial", {
    reads: {
      lat: quantity("deg", 32.0853, "latitude"),
      lon: quantity("deg", 34.7818, "longitude"),
      alt: quantity("m", 34, "altitude"),
      satellites: quantity("1", 8, "satellites"),
    },
    driver: "nmea",
    options: { baudRate: "number", coldStartS: "number" },
  }),
  pms5003: onBus("serial", {
    reads: { pm1: quantity(PMS_UNIT, 0), pm25: quantity(PMS_UNIT, null), pm10: quantity(PMS_UNIT, 0) },
  }),
  button: contact(),
  pir: contact(),
  reed: contact(),
  float: contact(),
  flow: pulses(),
  relay: actuator(),
  contactor: actuator(),
  led: actuator(),
  buzzer: actuator(),
  fan: actuator(),
  valve: actuator(),
};

/** Null for a name that is no model. */
export function modelOf(name: string): ScenarioModel | null {
  return Object.hasOwn(MODELS, name) ? (MODELS[name] ?? null) : null;
}
