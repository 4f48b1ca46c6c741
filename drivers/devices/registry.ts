import { CodedError } from "../../firmware/core/errors.ts";
import { Bme280 } from "./bme280.ts";
import { Mcp3008 } from "./mcp3008.ts";
import { type GpsQuantity, NmeaGps } from "./nmea-gps.ts";
import { Plausibility } from "./plausibility.ts";
import type { ChannelConfig, Measurement, Reading, SensorContext, SensorDriver } from "./sensor.ts";
import { Switch } from "./switch.ts";

type Measure = (channel: ChannelConfig, signal: AbortSignal) => Promise<Measurement>;

/** An opened device that may serve several channels, one reading at a time. */
interface SharedDevice extends AsyncDisposable {
  readonly measure: (quantity: string, channel: ChannelConfig, signal: AbortSignal) => Promise<Measurement>;
}

const DEFAULT_VREF = 3.3;
const DEFAULT_BAUD = 9600;

function unfit(uri: string, why: string): CodedError {
  return new CodedError("bad_args", `${uri}: ${why}`, { status: 422, details: { uri, why } });
}

function climateDevice(device: Bme280, uri: string): SharedDevice {
  return {
    measure: async (quantity, _channel, signal) => {
      const climate = await device.read(signal);
      if (quantity === "temperature" || quantity === "pressure" || quantity === "humidity")
        return climate[quantity];
      throw unfit(uri, `a BME280 does not measure ${quantity}`);
    },
    // The bus belongs to the hardware, other devices share it.
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function openDevice(
  uri: string,
  channel: ChannelConfig,
  context: SensorContext,
): Promise<SharedDevice> {
  const { hardware, clock } = context;
  const i2c = /^i2c:\/\/(\d{1,3})\/0x([0-7][0-9a-f])(?:\/|$)/.exec(uri);
  if (i2c && channel.driver === "bme280") {
    const bus = await hardware.i2c(Number(i2c[1]));
    const address = Number.parseInt(i2c[2] ?? "", 16);
    return climateDevice(new Bme280({ bus, address, clock, source: deviceOf(uri) }), uri);
  }
  const spi = /^spi:\/\/(\d{1,2})\.(\d{1,2})(?:\/|$)/.exec(uri);
  if (spi && channel.driver === "mcp3008") {
    const device = await hardware.spi(Number(spi[1]), Number(spi[2]));
    const adc = new Mcp3008(device, deviceOf(uri));
    return {
      measure: async (quantity, config, signal) => {
        const [, number] = /^ch([0-7])$/.exec(quantity) ?? [];
        if (number === undefined) throw unfit(uri, "channels of an MCP3008 are ch0 to ch7");
        return await adc.read(Number(number), config.vref ?? DEFAULT_VREF, signal);
      },
      [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
    };
  }
  const serial = /^serial:\/\/([A-Za-z0-9_.-]+)(?:\/|$)/.exec(uri);
  if (serial && channel.driver === "nmea") return await openGps(serial[1] ?? "", uri, channel, context);
  const gpio = /^gpio:\/\/([A-Za-z0-9_-]+)\/(\d{1,3})$/.exec(uri);
  if (gpio && channel.driver === "switch") {
    const bias = channel.bias ?? "none";
    const line = await hardware.gpio({ chip: gpio[1] ?? "", line: Number(gpio[2]), direction: "in", bias });
    const contact = new Switch(line, { activeLow: channel.activeLow ?? false });
    return { measure: () => contact.read(), [Symbol.asyncDispose]: () => line[Symbol.asyncDispose]() };
  }
  throw unfit(uri, `the driver ${channel.driver} does not fit the address`);
}

const GPS_QUANTITIES: readonly GpsQuantity[] = ["latitude", "longitude", "altitude", "satellites"];

async function openGps(
  port: string,
  uri: string,
  channel: ChannelConfig,
  { hardware }: SensorContext,
): Promise<SharedDevice> {
  const baudRate = channel.baudRate ?? DEFAULT_BAUD;
  const line = await hardware.serial(port, { baudRate, parity: "none", stopBits: 1 });
  const gps = new NmeaGps(line, deviceOf(uri));
  return {
    measure: async (quantity, _channel, signal) => {
      const known = GPS_QUANTITIES.find((other) => other === quantity);
      if (!known) throw unfit(uri, `a GPS receiver gives ${GPS_QUANTITIES.join(", ")}`);
      return await gps.read(known, signal);
    },
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  };
}

/** The part of a URI that names the device: scheme, bus and address. GPIO lines are devices of their own. */
function deviceOf(uri: string): string {
  const [, scheme = "", rest = ""] = /^([a-z0-9]+):\/\/(.*)$/.exec(uri) ?? [];
  const parts = rest.split("/");
  return `${scheme}://${parts.slice(0, scheme === "i2c" || scheme === "gpio" ? 2 : 1).join("/")}`;
}

/** Opens sensors by URI. Channels of one device share it; each channel has its own checks and history. */
export class SensorRegistry implements AsyncDisposable {
  readonly #context: SensorContext;
  readonly #devices = new Map<string, Promise<SharedDevice>>();
  readonly #tails = new Map<string, Promise<unknown>>();

  constructor(context: SensorContext) {
    this.#context = context;
  }

  /**
   * A driver for `i2c://1/0x76/temperature`, `spi://0.0/ch0`, `serial://ttyAMA0/latitude` or `gpio://gpiochip0/23`.
   * Nothing is opened before the first reading; a failed opening is tried again at the next one.
   */
  openSensor(uri: string, config: ChannelConfig): SensorDriver {
    const key = deviceOf(uri);
    const history = new Plausibility(uri);
    const measure: Measure = async (channel, signal) => {
      const device = await this.#device(key, uri, channel);
      const quantity = channel.quantity ?? uri.slice(uri.lastIndexOf("/") + 1);
      return await this.#oneAtATime(key, () => device.measure(quantity, channel, signal));
    };
    return {
      read: async (channel, signal): Promise<Reading> => {
        const effective = { ...config, ...channel };
        const measured = await measure(effective, signal);
        return history.check(effective, measured, this.#context.clock.monoMs());
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  /** Releases all devices; every one is tried, failures are thrown together. */
  async [Symbol.asyncDispose](): Promise<void> {
    const devices = [...this.#devices.values()];
    this.#devices.clear();
    const results = await Promise.allSettled(
      devices.map(async (device) => (await device)[Symbol.asyncDispose]()),
    );
    const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    if (failures.length > 0) throw new AggregateError(failures, "sensors could not be released");
  }

  async #device(key: string, uri: string, channel: ChannelConfig): Promise<SharedDevice> {
    const opened = this.#devices.get(key);
    if (opened !== undefined) return await opened;
    const opening = openDevice(uri, channel, this.#context);
    this.#devices.set(key, opening);
    try {
      return await opening;
    } catch (error) {
      this.#devices.delete(key);
      throw error;
    }
  }

  #oneAtATime<T>(key: string, work: () => Promise<T>): Promise<T> {
    const result = (this.#tails.get(key) ?? Promise.resolve()).then(work);
    this.#tails.set(
      key,
      result.catch(() => undefined),
    );
    return result;
  }
}
