import { nextStartUs } from "./free-running.ts";
import type { I2cTarget } from "./target.ts";
import { wordBytes } from "./word.ts";

const CONFIG = 0;
const SHUNT = 1;
const BUS = 2;
const POWER = 3;
const CURRENT = 4;
const CALIBRATION = 5;
const CONFIG_RESET = 0x399f;
const RESET_BIT = 0x8000;
const MODE_CONTINUOUS = 4;
const MODE_SHUNT = 1;
const MODE_BUS = 2;
const CONVERSION_READY = 2;
const OVERFLOW = 1;
/** Maximum times of one conversion by ADC setting 0..3 and 8..15 (TI SBOS448, table 5 and 6.5). */
const RESOLUTION_US = [93, 163, 304, 586] as const;
const AVERAGING_US = [586, 1060, 2130, 4260, 8510, 17_020, 34_050, 68_100] as const;

export interface Ina219Sample {
  /** Voltage over the shunt in µV, signed. */
  readonly shuntUv: number;
  readonly busMv: number;
}

export interface Ina219Codes {
  /** Signed, 10 µV. */
  readonly shunt: number;
  /** 0..8000, 4 mV. */
  readonly bus: number;
}

export interface Ina219Math {
  readonly current: number;
  readonly power: number;
  readonly overflow: boolean;
}

/** The ADC's codes in the ranges of a configuration word: ±40 mV·2^PG over the shunt, 16 or 32 V on the bus. */
export function ina219Codes(sample: Ina219Sample, config = CONFIG_RESET): Ina219Codes {
  const shuntLimit = 4000 << ((config >> 11) & 3);
  const busLimit = config & 0x2000 ? 8000 : 4000;
  // + 0 keeps a negative zero out of the registers.
  const shunt = Math.max(-shuntLimit, Math.min(shuntLimit, Math.round(sample.shuntUv / 10))) + 0;
  return { shunt, bus: Math.max(0, Math.min(busLimit, Math.floor(sample.busMv / 4))) };
}

/** Current and power registers (SBOS448, equations 4 and 5); a result out of range saturates and raises OVF. */
export function ina219Math({ shunt, bus }: Ina219Codes, calibration: number): Ina219Math {
  const exactCurrent = Math.trunc((shunt * calibration) / 4096) + 0;
  const current = Math.max(-32_768, Math.min(32_767, exactCurrent));
  const exactPower = Math.trunc((Math.abs(current) * bus) / 5000);
  const power = Math.min(0xffff, exactPower);
  return { current, power, overflow: current !== exactCurrent || power !== exactPower };
}

/** The bus voltage register: code in bits 15..3, conversion ready in bit 1, overflow in bit 0. */
export const ina219BusRegister = (bus: number, ready: boolean, overflow: boolean): number =>
  (bus << 3) | (ready ? CONVERSION_READY : 0) | (overflow ? OVERFLOW : 0);

function adcUs(setting: number): number {
  return setting & 8 ? (AVERAGING_US[setting & 7] ?? 586) : (RESOLUTION_US[setting & 3] ?? 586);
}

/** INA219 current and power monitor (simulator.md 5): pointer register, then 16-bit big-endian words. */
export class Ina219Model implements I2cTarget {
  readonly #sample: (atUs: number) => Ina219Sample;
  #config = CONFIG_RESET;
  #calibration = 0;
  #pointer = CONFIG;
  #codes: Ina219Codes = { shunt: 0, bus: 0 };
  #ready = false;
  #conversion: { readonly endUs: number; readonly codes: Ina219Codes } | null = null;

  /** @param options.sample the voltages at the start of a conversion; the part converts from power-up at `bootUs` on */
  constructor(options: { readonly sample: (atUs: number) => Ina219Sample; readonly bootUs?: number }) {
    this.#sample = options.sample;
    this.powerOn(options.bootUs ?? 0);
  }

  write(data: Uint8Array, nowUs: number): boolean {
    this.#advance(nowUs);
    const [pointer, high, low] = data;
    if (pointer === undefined) return true;
    this.#pointer = pointer & 7;
    if (high === undefined || low === undefined) return true;
    const value = (high << 8) | low;
    if (this.#pointer === CONFIG) this.#configure(value, nowUs);
    // Bit 0 of the calibration cannot be set (SBOS448, 8.6.3.2).
    else if (this.#pointer === CALIBRATION) this.#calibration = value & 0xfffe;
    return true;
  }

  read(length: number, nowUs: number): Uint8Array {
    this.#advance(nowUs);
    const bytes = wordBytes(this.#register(), length);
    if (this.#pointer === POWER && length > 0) this.#ready = false;
    return bytes;
  }

  powerCut(): void {
    this.#forget();
    this.#conversion = null;
  }

  powerOn(nowUs: number): void {
    this.#forget();
    this.#start(nowUs);
  }

  #forget(): void {
    this.#config = CONFIG_RESET;
    this.#calibration = 0;
    this.#pointer = CONFIG;
    this.#codes = { shunt: 0, bus: 0 };
    this.#ready = false;
  }

  #register(): number {
    const { current, power, overflow } = ina219Math(this.#codes, this.#calibration);
    switch (this.#pointer) {
      case CONFIG:
        return this.#config;
      case SHUNT:
        return this.#codes.shunt;
      case BUS:
        return ina219BusRegister(this.#codes.bus, this.#ready, overflow);
      case POWER:
        return power;
      case CURRENT:
        return current;
      case CALIBRATION:
        return this.#calibration;
      default:
        return 0;
    }
  }

  #configure(value: number, nowUs: number): void {
    if (value & RESET_BIT) {
      this.powerOn(nowUs);
      return;
    }
    this.#config = value & 0x3fff;
    this.#conversion = null;
    // Power-down and "ADC off" leave the flag alone (SBOS448, 8.6.3.1).
    if ((value & (MODE_SHUNT | MODE_BUS)) === 0) return;
    this.#ready = false;
    this.#start(nowUs);
  }

  #durationUs(): number {
    const shuntUs = this.#config & MODE_SHUNT ? adcUs((this.#config >> 3) & 15) : 0;
    const busUs = this.#config & MODE_BUS ? adcUs((this.#config >> 7) & 15) : 0;
    return shuntUs + busUs;
  }

  #start(atUs: number): void {
    const measured = ina219Codes(this.#sample(atUs), this.#config);
    const codes = {
      shunt: this.#config & MODE_SHUNT ? measured.shunt : this.#codes.shunt,
      bus: this.#config & MODE_BUS ? measured.bus : this.#codes.bus,
    };
    this.#conversion = { endUs: atUs + this.#durationUs(), codes };
  }

  #advance(nowUs: number): void {
    while (this.#conversion && this.#conversion.endUs <= nowUs) {
      const { endUs, codes } = this.#conversion;
      this.#codes = codes;
      this.#ready = true;
      this.#conversion = null;
      if (this.#config & MODE_CONTINUOUS) this.#start(nextStartUs(endUs, this.#durationUs(), nowUs));
    }
  }
}
