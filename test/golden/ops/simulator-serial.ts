import { fromHex, toHex } from "../../../firmware/core/bytes.ts";
import { serialByteUs } from "../../../sim/board/bus-timing.ts";
import { max31855Frame } from "../../../sim/devices/max31855.ts";
import { modbusFrame } from "../../../sim/devices/modbus-frame.ts";
import { ModbusSlave } from "../../../sim/devices/modbus-slave.ts";
import { storedCells } from "../../../sim/devices/modbus-tables.ts";
import { pms5003Frame } from "../../../sim/devices/pms5003.ts";
import type { Given, OpModule } from "../registry.ts";

const BAUD = 9600;
const SECOND_US = 1_000_000;

/** One request on an idle line, and what came back within a second. */
function modbusSlave(given: Given) {
  const tables = {
    coils: storedCells(0, given.coils ?? []),
    discreteInputs: storedCells(0, given.discreteInputs ?? []),
    holdingRegisters: storedCells(0, given.registers ?? []),
    inputRegisters: storedCells(0, given.inputRegisters ?? given.registers ?? []),
  };
  const slave = new ModbusSlave({ address: given.address, baudRate: BAUD, tables });
  const request = fromHex(given.requestHex);
  const sentUs = request.length * serialByteUs(BAUD, 10);
  slave.received(request, sentUs);
  const answer = slave.sentBetween(sentUs, sentUs + SECOND_US);
  return { responseHex: answer.length === 0 ? null : toHex(answer) };
}

export const modules: readonly OpModule[] = [
  {
    area: "simulator",
    ops: {
      "max31855.frame": (given) => ({
        frames: given.cases.map(({ tc, cj, ...fault }: Given) => toHex(max31855Frame(tc, cj, fault))),
      }),
      "modbus.frame": (given) => ({ frameHex: toHex(modbusFrame(fromHex(given.bytesHex))) }),
      "modbus.slave": modbusSlave,
      "pms5003.frame": (given) => ({
        frameHex: toHex(pms5003Frame({ pm1: given.pm1, pm25: given.pm25, pm10: given.pm10 })),
      }),
    },
  },
];
