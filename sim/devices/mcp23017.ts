import type { Level } from "../../firmware/ports/hardware.ts";
import {
  addressAfter,
  DEFVAL,
  GPINTEN,
  GPIO,
  GPPU,
  INTCAP,
  INTCON,
  INTF,
  IOCON,
  IOCON_INTPOL,
  IOCON_MIRROR,
  IOCON_ODR,
  IODIR,
  IPOL,
  mcp23017Gpio,
  mcp23017ResetRegisters,
  OLAT,
  registerAt,
} from "./mcp23017-registers.ts";
import type { I2cTarget } from "./target.ts";

/** A is bits 0..7 of every 16-bit word here, B bits 8..15. */
export type Mcp23017PortName = "A" | "B";
const PORTS: readonly Mcp23017PortName[] = ["A", "B"];

export interface Mcp23017Options {
  /** Electrical levels of the 16 pins as the world drives them. */
  readonly pins: (atUs: number) => number;
  /** What the part drives: `level` of the pins in `mask`. Called when either changes. */
  readonly onOutputs?: (level: number, mask: number, atUs: number) => void;
  /** Electrical level of an interrupt pin (1 while released). Called when it changes. */
  readonly onInterrupt?: (level: Level, atUs: number, port: Mcp23017PortName) => void;
}

/** MCP23017 16-bit port expander with interrupts (simulator.md 5; Microchip DS20001952, chapter 3). */
export class Mcp23017Model implements I2cTarget {
  readonly #options: Mcp23017Options;
  #registers = mcp23017ResetRegisters();
  #address = 0;
  #pins = 0;
  #outputs = { level: 0, mask: 0 };
  readonly #interrupt: Record<Mcp23017PortName, Level> = { A: 1, B: 1 };

  constructor(options: Mcp23017Options) {
    this.#options = options;
  }

  write(data: Uint8Array, nowUs: number): boolean {
    this.advance(nowUs);
    const [address] = data;
    if (address === undefined) return true;
    this.#address = address;
    for (const byte of data.subarray(1)) {
      const register = registerAt(this.#address, this.#register(IOCON));
      if (register !== null) this.#writeRegister(register, byte, nowUs);
      this.#address = addressAfter(this.#address, this.#register(IOCON));
    }
    this.advance(nowUs);
    return true;
  }

  read(length: number, nowUs: number): Uint8Array {
    this.advance(nowUs);
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const register = registerAt(this.#address, this.#register(IOCON));
      out[i] = register === null ? 0 : this.#readRegister(register);
      this.#address = addressAfter(this.#address, this.#register(IOCON));
    }
    this.advance(nowUs);
    return out;
  }

  /** Looks at the pins: finds interrupt conditions and sets the interrupt lines. */
  advance(nowUs: number): void {
    const pins = this.#options.pins(nowUs) & 0xffff;
    PORTS.forEach((_, port) => {
      this.#detect(port, (pins >> (8 * port)) & 0xff, (this.#pins >> (8 * port)) & 0xff);
    });
    this.#pins = pins;
    this.#reportInterrupts(nowUs);
  }

  /** All pins are inputs again. */
  powerCut(nowUs: number): void {
    this.#registers = mcp23017ResetRegisters();
    this.#address = 0;
    this.#reportOutputs(nowUs);
    this.#reportInterrupts(nowUs);
  }

  powerOn(nowUs: number): void {
    this.#pins = this.#options.pins(nowUs) & 0xffff;
  }

  /** The pins with a pull-up of 100 kΩ. */
  get pullUps(): number {
    return this.#register(GPPU) | (this.#register(GPPU + 1) << 8);
  }

  #register(register: number): number {
    return this.#registers[register] ?? 0;
  }

  #gpio(port: number, pins: number): number {
    return mcp23017Gpio({
      direction: this.#register(IODIR + port),
      polarity: this.#register(IPOL + port),
      latch: this.#register(OLAT + port),
      pins,
    });
  }

  #readRegister(register: number): number {
    const port = register & 1;
    const name = register & ~1;
    const value =
      name === GPIO ? this.#gpio(port, (this.#pins >> (8 * port)) & 0xff) : this.#register(register);
    if (name === GPIO || name === INTCAP) this.#registers[INTF + port] = 0;
    return value;
  }

  #writeRegister(register: number, value: number, nowUs: number): void {
    const name = register & ~1;
    if (name === INTF || name === INTCAP) return;
    if (name === IOCON) {
      // One register under two addresses; bit 0 is not there.
      this.#registers[IOCON] = value & 0xfe;
      this.#registers[IOCON + 1] = value & 0xfe;
    } else if (name === GPIO) this.#registers[OLAT + (register & 1)] = value;
    else this.#registers[register] = value;
    this.#reportOutputs(nowUs);
  }

  /** The first condition of a port counts; others wait until GPIO or INTCAP has been read (DS20001952, 3.6). */
  #detect(port: number, pins: number, before: number): void {
    const compare = this.#register(INTCON + port);
    const differs = (pins ^ this.#register(DEFVAL + port)) & compare;
    const changed = (pins ^ before) & ~compare;
    const hits = (differs | changed) & this.#register(GPINTEN + port) & this.#register(IODIR + port);
    if (hits === 0 || this.#register(INTF + port) !== 0) return;
    this.#registers[INTF + port] = hits;
    this.#registers[INTCAP + port] = this.#gpio(port, pins);
  }

  #reportOutputs(nowUs: number): void {
    const mask = ~(this.#register(IODIR) | (this.#register(IODIR + 1) << 8)) & 0xffff;
    const level = (this.#register(OLAT) | (this.#register(OLAT + 1) << 8)) & mask;
    if (level === this.#outputs.level && mask === this.#outputs.mask) return;
    this.#outputs = { level, mask };
    this.#options.onOutputs?.(level, mask, nowUs);
  }

  #reportInterrupts(nowUs: number): void {
    const iocon = this.#register(IOCON);
    const any = (this.#register(INTF) | this.#register(INTF + 1)) !== 0;
    PORTS.forEach((name, port) => {
      const active = iocon & IOCON_MIRROR ? any : this.#register(INTF + port) !== 0;
      // An open-drain pin ignores the polarity (table 3-5).
      const activeHigh = (iocon & (IOCON_INTPOL | IOCON_ODR)) === IOCON_INTPOL;
      const level: Level = active === activeHigh ? 1 : 0;
      if (level === this.#interrupt[name]) return;
      this.#interrupt[name] = level;
      this.#options.onInterrupt?.(level, nowUs, name);
    });
  }
}
