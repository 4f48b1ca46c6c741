import { Debouncer } from "../../../drivers/debouncer.ts";
import { toHex } from "../../../firmware/core/bytes.ts";
import { i2cTransferUs, serialByteUs } from "../../../sim/board/bus-timing.ts";
import { bounce } from "../../../sim/board/contact.ts";
import { ads1115Code, ads1115ConversionUs } from "../../../sim/devices/ads1115-codes.ts";
import {
  centiCelsius,
  DEFAULT_CALIBRATION,
  dataRegisters,
  encodeClimate,
  fineTemperature,
  humidityQ22,
  measureUs,
  pressureQ24,
} from "../../../sim/devices/bme280-codec.ts";
import { Mcp3008Model } from "../../../sim/devices/mcp3008.ts";
import { gga, nmeaSentence } from "../../../sim/devices/nmea.ts";
import { sht31Crc, sht31Frame } from "../../../sim/devices/sht31-frame.ts";
import { readOscillator } from "../../../sim/time/clock-reading.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { EventQueue } from "../../../sim/time/event-queue.ts";
import { TraceHash } from "../../../sim/trace/trace.ts";
import { thermalStep } from "../../../sim/world/thermal.ts";
import type { Given, OpModule } from "../registry.ts";

const calibration = (given: Given) =>
  given.calibration === "default" ? DEFAULT_CALIBRATION : given.calibration;

function compensated(given: Given, adcT: number, adcP: number, adcH: number) {
  const cal = calibration(given);
  const tFine = fineTemperature(cal, adcT);
  return {
    tFine,
    temperatureCentiC: centiCelsius(tFine),
    pressureQ24_8: pressureQ24(cal, tFine, adcP),
    humidityQ22_10: humidityQ22(cal, tFine, adcH),
  };
}

function bmeRaw(given: Given) {
  const raw = encodeClimate(calibration(given), given);
  const back = compensated(given, raw.adcT, raw.adcP, raw.adcH);
  return { ...raw, dataRegsHex: toHex(dataRegisters(raw)), back };
}

function draws(given: Given, draw: (entropy: SeededEntropy) => number) {
  const entropy = new SeededEntropy(given.seed, given.stream);
  return { values: Array.from({ length: given.count }, () => draw(entropy)) };
}

function debounce(given: Given) {
  const debouncer = new Debouncer(given.initial, given.debounceMs * 1000);
  const settled = [];
  for (const edge of given.edges) settled.push(debouncer.push({ at: edge.atUs, value: edge.value }));
  settled.push(debouncer.settle(Number.MAX_SAFE_INTEGER));
  return { events: settled.flatMap((edge) => (edge ? [{ atUs: edge.at, value: edge.value }] : [])) };
}

function mcp3008(given: Given) {
  const model = new Mcp3008Model({ vref: given.vref, volts: (channel) => given.volts[channel] });
  const rx = model.transfer(Uint8Array.from(given.tx), 0);
  return { rx: [...rx], code: (((rx.at(-2) ?? 0) & 3) << 8) | (rx.at(-1) ?? 0) };
}

function order(given: Given) {
  const random = given.mode === "random";
  const queue = new EventQueue<string>(
    random ? { mode: "random", entropy: new SeededEntropy(given.seed, "sched") } : { mode: "fifo" },
  );
  for (const id of given.due ?? []) queue.add(0, 2, id);
  for (const event of given.events ?? []) queue.add(event.atUs, event.class ?? 2, event.id);
  const taken: string[] = [];
  for (let event = queue.take(); event; event = queue.take()) taken.push(event.item);
  return { order: taken };
}

function trace(given: Given) {
  const chain = new TraceHash(given.seed);
  return { hashes: [chain.hash, ...given.records.map((record: Given) => chain.add(record))] };
}

function thermal(given: Given) {
  let { t } = given.state;
  const steps = Array.from({ length: given.steps }, () => {
    t = thermalStep({ ...given.state, t }, given.heater, given.dtMs / 1000);
    return t;
  });
  return { t: steps };
}

export const modules: readonly OpModule[] = [
  {
    area: "simulator",
    ops: {
      "bme280.compensate": (given) => compensated(given, given.adcT, given.adcP, given.adcH),
      "bme280.raw": bmeRaw,
      "bme280.measureUs": (given) => ({ maxUs: measureUs(given.osrsT, given.osrsP, given.osrsH) }),
      "clock.read": (given) => ({
        readings: given.atUs.map((atUs: number) => readOscillator(given.clock, atUs)),
      }),
      "gpio.bounce": (given) => ({
        edges: bounce(new SeededEntropy(given.seed, given.stream), given.atUs, given.level),
      }),
      "gpio.debounce": debounce,
      "i2c.transferUs": (given) => ({
        us: given.cases.map(({ bytes, hz }: Given) => i2cTransferUs(bytes, hz)),
      }),
      "serial.byteUs": (given) => ({
        us: given.cases.map(({ baud, bits }: Given) => serialByteUs(baud, bits)),
      }),
      "ads1115.code": (given) => ({
        codes: given.cases.map(({ volts, pga }: Given) => ads1115Code(volts, pga)),
      }),
      "ads1115.conversionUs": (given) => ({ us: given.dataRates.map(ads1115ConversionUs) }),
      "sht31.crc": (given) => ({ crc: sht31Crc(given.bytes) }),
      "sht31.frame": (given) => {
        const { rawT, rawRH, frame } = sht31Frame(given.temperatureC, given.humidityPct);
        return { rawT, rawRH, frameHex: toHex(frame) };
      },
      "mcp3008.transfer": mcp3008,
      "nmea.sentence": (given) => ({ sentence: nmeaSentence(given.body) }),
      "nmea.gga": (given) => ({ sentence: gga(given.utc, given.fix === 1 ? given : null) }),
      "prng.u32": (given) => draws(given, (entropy) => entropy.u32()),
      "prng.float": (given) => draws(given, (entropy) => entropy.float()),
      "prng.int": (given) => draws(given, (entropy) => entropy.below(given.n)),
      "prng.gauss": (given) => draws(given, (entropy) => Math.round(entropy.gauss() * 1e9) / 1e9),
      "sched.order": order,
      "trace.hash": trace,
      "world.thermal": thermal,
    },
  },
];
