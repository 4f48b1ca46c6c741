/** Parts on buses: each model with the quantities that the scenario connects. */
import { CodedError } from "../../firmware/core/errors.ts";
import { Ads1115Model } from "../devices/ads1115.ts";
import { AT24C32, AT24C256, At24cModel } from "../devices/at24c.ts";
import { Bh1750Model } from "../devices/bh1750.ts";
import { Bme280Model } from "../devices/bme280.ts";
import { Ds3231Model } from "../devices/ds3231.ts";
import { GpsModel } from "../devices/gps.ts";
import { Ina219Model } from "../devices/ina219.ts";
import { LcdBackpackModel } from "../devices/lcd-backpack.ts";
import { Max31855Model } from "../devices/max31855.ts";
import { Mcp3008Model } from "../devices/mcp3008.ts";
import { Mcp23017Model } from "../devices/mcp23017.ts";
import { ModbusSlave } from "../devices/modbus-slave.ts";
import { mirrorCell } from "../devices/modbus-tables.ts";
import { Pms5003Model } from "../devices/pms5003.ts";
import { Sht31Model } from "../devices/sht31.ts";
import { Ssd1306Model } from "../devices/ssd1306.ts";
import type { I2cTarget, SerialTarget, SpiTarget } from "../devices/target.ts";
import type { PartContext } from "./parts.ts";

const MODBUS_REGISTERS = 32;
const DEFAULT_SHUNT_OHM = 0.1;
const DEFAULT_VREF = 3.3;
const HDOP = 0.9;

const option = ({ wire }: PartContext, name: string, fallback: number): number => {
  const value = wire.options[name];
  return typeof value === "number" ? value : fallback;
};

const unknown = (model: string): never => {
  throw new CodedError("model_unknown", `There is no part "${model}".`, { status: 422, details: { model } });
};

/** A factor of the part's own within limits, as parts of one type differ. */
const spread = ({ stream }: PartContext, least: number, most: number): number =>
  least + stream("spread").float() * (most - least);

function ina219(context: PartContext): I2cTarget {
  const [current, volts] = [context.quantity("current"), context.quantity("volts")];
  const ohm = option(context, "shuntOhm", DEFAULT_SHUNT_OHM);
  return new Ina219Model({
    sample: (atUs) => ({ shuntUv: current(atUs) * ohm * 1e6, busMv: volts(atUs) * 1000 }),
  });
}

function mcp23017(context: PartContext): I2cTarget {
  const pins = Array.from({ length: 16 }, (_, index) => context.quantity(`pin${index}`));
  return new Mcp23017Model({
    pins: (atUs) => pins.reduce((all, pin, index) => all | (pin(atUs) >= 0.5 ? 1 << index : 0), 0),
  });
}

function climate(context: PartContext): I2cTarget {
  const [t, rh, p] = [context.quantity("t"), context.quantity("rh"), context.quantity("p")];
  if (context.wire.model === "sht31")
    return new Sht31Model({ sample: (atUs) => ({ temperatureC: t(atUs), humidityPct: rh(atUs) }) });
  return new Bme280Model({
    sample: (atUs) => ({ temperatureC: t(atUs), humidityPct: rh(atUs), pressurePa: p(atUs) }),
  });
}

export function i2cPart(context: PartContext): I2cTarget {
  const { wire, quantity, stream, wallMsAt } = context;
  switch (wire.model) {
    case "bme280":
    case "sht31":
      return climate(context);
    case "ads1115": {
      const inputs = Array.from({ length: 4 }, (_, index) => quantity(`ain${index}`));
      return new Ads1115Model({
        volts: (input, atUs) => inputs[input]?.(atUs) ?? 0,
        slowness: spread(context, 0.9, 1.1),
      });
    }
    case "bh1750":
      return new Bh1750Model({ lux: quantity("lux"), slowness: spread(context, 1, 1.5) });
    case "ina219":
      return ina219(context);
    case "mcp23017":
      return mcp23017(context);
    case "ds3231":
      return new Ds3231Model({
        utcMsAt: wallMsAt,
        temperatureC: quantity("t"),
        ppm: stream("ppm").below(5) - 2,
      });
    case "at24c32":
      return new At24cModel({ part: AT24C32 });
    case "at24c256":
      return new At24cModel({ part: AT24C256 });
    case "ssd1306":
      return new Ssd1306Model();
    case "hd44780":
      return new LcdBackpackModel();
    default:
      return unknown(wire.model);
  }
}

export function spiPart(context: PartContext): SpiTarget {
  const { wire, quantity } = context;
  if (wire.model === "max31855")
    return new Max31855Model({ thermocoupleC: quantity("t"), junctionC: quantity("internal") });
  if (wire.model !== "mcp3008") return unknown(wire.model);
  const channels = Array.from({ length: 8 }, (_, index) => quantity(`ch${index}`));
  return new Mcp3008Model({
    vref: option(context, "vref", DEFAULT_VREF),
    volts: (channel, atUs) => channels[channel]?.(atUs) ?? 0,
  });
}

export function serialPart(context: PartContext): SerialTarget {
  const { wire, quantity, wallMsAt } = context;
  if (wire.model === "pms5003") {
    const [pm1, pm25, pm10] = [quantity("pm1"), quantity("pm25"), quantity("pm10")];
    return new Pms5003Model({ matter: (atUs) => ({ pm1: pm1(atUs), pm25: pm25(atUs), pm10: pm10(atUs) }) });
  }
  if (wire.model !== "gps") return unknown(wire.model);
  const [lat, lon, alt, satellites] = [
    quantity("lat"),
    quantity("lon"),
    quantity("alt"),
    quantity("satellites"),
  ];
  return new GpsModel({
    fixAt: (atUs) => ({
      lat: lat(atUs),
      lon: lon(atUs),
      altitudeM: alt(atUs),
      satellites: Math.round(satellites(atUs)),
      hdop: HDOP,
    }),
    wallMsAt,
    coldStartUs: option(context, "coldStartS", 30) * 1e6,
    baudRate: option(context, "baudRate", 9600),
  });
}

export function modbusPart(context: PartContext): ModbusSlave {
  const { wire, quantity } = context;
  const { place } = wire;
  const inputRegisters = new Map(
    Array.from({ length: MODBUS_REGISTERS }, (_, index) => [index, mirrorCell(quantity(`r${index}`))]),
  );
  return new ModbusSlave({
    address: place.bus === "serial" && place.address !== null ? place.address : 1,
    baudRate: option(context, "baudRate", 9600),
    tables: { inputRegisters, holdingRegisters: inputRegisters },
  });
}
