import { toHex } from "../../../firmware/core/bytes.ts";
import { AT24C256, At24cModel, pageWrite } from "../../../sim/devices/at24c.ts";
import { bh1750Raw } from "../../../sim/devices/bh1750.ts";
import { ds3231TemperatureRegisters, ds3231TimeRegisters } from "../../../sim/devices/ds3231-registers.ts";
import { ina219BusRegister, ina219Codes, ina219Math } from "../../../sim/devices/ina219.ts";
import {
  MCP23017_REGISTERS,
  mcp23017Gpio,
  mcp23017ResetRegisters,
} from "../../../sim/devices/mcp23017-registers.ts";
import type { Given, OpModule } from "../registry.ts";

function ina219(given: Given) {
  const codes = ina219Codes(given);
  const { current, power, overflow } = ina219Math(codes, given.calibration);
  return { shunt: codes.shunt, busRegister: ina219BusRegister(codes.bus, true, overflow), current, power };
}

function at24cWrite(given: Given) {
  const data = Uint8Array.from(given.data);
  const model = new At24cModel({ part: { ...AT24C256, pageBytes: given.pageSize } });
  model.write(Uint8Array.of(given.address >> 8, given.address & 0xff, ...data), 0);
  model.write(Uint8Array.of(0, 0), 5000);
  const stored = model.contents();
  const touched = [...pageWrite(given.pageSize, given.address, data).keys()];
  return { memory: Object.fromEntries(touched.map((address) => [address, stored[address]])) };
}

export const modules: readonly OpModule[] = [
  {
    area: "simulator",
    ops: {
      "at24c.write": at24cWrite,
      "bh1750.raw": (given) => ({
        raw: given.cases.map(({ lux, mode }: Given) => bh1750Raw(lux, mode)),
      }),
      "ds3231.registers": (given) => ({ regsHex: toHex(ds3231TimeRegisters(given.utcMs)) }),
      "ds3231.temperature": (given) => ({
        regsHex: given.cases.map((celsius: number) => toHex(ds3231TemperatureRegisters(celsius))),
      }),
      "ina219.registers": ina219,
      "mcp23017.gpio": (given) => ({
        gpio: mcp23017Gpio({
          direction: given.IODIR,
          polarity: given.IPOL,
          latch: given.OLAT,
          pins: given.pins,
        }),
      }),
      "mcp23017.reset": () => {
        const registers = mcp23017ResetRegisters();
        return Object.fromEntries(MCP23017_REGISTERS.map((name, i) => [name, registers[i]]));
      },
    },
  },
];
