import { simBoard } from "../../boards/sim.ts";
import { toHex } from "../../firmware/core/bytes.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import { SimHardware } from "../board/sim-hardware.ts";
import { Bme280Model } from "../devices/bme280.ts";
import { GpsModel } from "../devices/gps.ts";
import { Mcp3008Model } from "../devices/mcp3008.ts";
import { SeededEntropy } from "../time/entropy.ts";
import { GreenhouseWorld } from "./greenhouse-world.ts";

export interface GreenhouseBoardOptions {
  readonly clock: Clock;
  /** Supplies the seed when none is given. */
  readonly entropy: Entropy;
  readonly seed?: string;
  /** Relay modules that switch on at level 0; default false. */
  readonly activeLowRelays?: boolean;
}

export interface GreenhouseBoard {
  readonly hardware: SimHardware;
  readonly world: GreenhouseWorld;
  /** What reproduces this world. */
  readonly seed: string;
}

/**
 * A simulated board in a greenhouse. Wiring: BME280 on I2C bus 1 at 0x76; MCP3008 on SPI 0.0 with 3.3 V reference,
 * soil probe on channel 0 (0 V dry, 3.3 V soaked); GPS on serial port ttyAMA0 at 9600 baud (first fix after 3 s);
 * door contact on gpiochip0 line 23 (0 closed, 1 open); fan relay on line 17 and pump relay on line 27 (1 on).
 */
export function createGreenhouseBoard(options: GreenhouseBoardOptions): GreenhouseBoard {
  const seed = options.seed ?? toHex(options.entropy.bytes(8));
  const { clock } = options;
  const world = new GreenhouseWorld(seed, { activeLow: options.activeLowRelays ?? false });
  const wallOffsetMs = clock.wallMs();
  const bme280 = new Bme280Model({
    sample: () => world.climate(),
  });
  const adc = new Mcp3008Model({ vref: 3.3, volts: (channel) => (channel === 0 ? world.soilVolts() : 0) });
  const gps = new GpsModel({
    coldStartUs: 3_000_000,
    wallMsAt: (atUs) => wallOffsetMs + Math.floor(atUs / 1000),
    fixAt: () => ({ lat: 32.0853, lon: 34.7818, satellites: 8, hdop: 0.9, altitudeM: 34 }),
  });
  const hardware = new SimHardware({
    board: simBoard,
    clock,
    stream: (name) => new SeededEntropy(seed, `device:${name}`),
    wiring: {
      gpio: new Map([
        [17, { kind: "actuator", actuator: world.fan }],
        [27, { kind: "actuator", actuator: world.pump }],
        [23, { kind: "contact", contact: world.door }],
      ]),
      i2c: new Map([[1, new Map([[0x76, bme280]])]]),
      spi: new Map([["0.0", adc]]),
      serial: new Map([["ttyAMA0", gps]]),
    },
    advanceWorld: (nowUs) => world.advanceTo(nowUs),
    pollMs: 5,
  });
  return { hardware, world, seed };
}
