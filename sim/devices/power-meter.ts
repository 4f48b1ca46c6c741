import { floatCells, type ModbusCell, type ModbusTables, StoredCell } from "./modbus-tables.ts";

/** What a single-phase meter measures, each as a function of true microseconds. */
export interface PowerMeterQuantities {
  readonly voltageV: (atUs: number) => number;
  readonly currentA: (atUs: number) => number;
  readonly powerW: (atUs: number) => number;
  /** Imported energy since the meter was made, kWh. */
  readonly energyKwh: (atUs: number) => number;
  /** Default 50 Hz. */
  readonly frequencyHz?: (atUs: number) => number;
}

/** Input register addresses of the Eastron SDM120 and SDM230 (Modbus protocol, input registers). */
const VOLTAGE = 0x0000;
const CURRENT = 0x0006;
const ACTIVE_POWER = 0x000c;
const APPARENT_POWER = 0x0012;
const POWER_FACTOR = 0x001e;
const FREQUENCY = 0x0046;
const IMPORT_ENERGY = 0x0048;
const TOTAL_ENERGY = 0x0156;

/** A parameter that the wiring system does not have reads zero. */
const ZERO: ModbusCell = { read: () => 0 };

/**
 * Registers of a single-phase energy meter as an SDM120 has them: single precision, two input registers each. Pulse
 * output and the rest of the settings are left out.
 * Reactive power is taken as zero: apparent power is volts times amperes.
 */
export function powerMeterTables(quantities: PowerMeterQuantities): ModbusTables {
  const { voltageV, currentA, powerW, energyKwh, frequencyHz = () => 50 } = quantities;
  const apparentVa = (atUs: number): number => voltageV(atUs) * currentA(atUs);
  const factor = (atUs: number): number => {
    const apparent = apparentVa(atUs);
    return apparent === 0 ? 1 : Math.max(-1, Math.min(1, powerW(atUs) / apparent));
  };
  const input = new Map<number, ModbusCell>();
  for (let address = 0; address <= IMPORT_ENERGY + 1; address++) input.set(address, ZERO);
  const show = (address: number, quantity: (atUs: number) => number): void => {
    const [high, low] = floatCells(quantity);
    input.set(address, high).set(address + 1, low);
  };
  show(VOLTAGE, voltageV);
  show(CURRENT, currentA);
  show(ACTIVE_POWER, powerW);
  show(APPARENT_POWER, apparentVa);
  show(POWER_FACTOR, factor);
  show(FREQUENCY, frequencyHz);
  show(IMPORT_ENERGY, energyKwh);
  show(TOTAL_ENERGY, energyKwh);
  return {
    inputRegisters: input,
    holdingRegisters: new Map([[0x0014, new StoredCell(0, { retained: true })]]),
  };
}
