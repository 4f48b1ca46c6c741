import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { I2cTarget } from "./target.ts";

/** Size and page of a part (Atmel 0336 for the AT24C32, Microchip DS20006270 for the AT24C256C). */
export interface At24cPart {
  /** A power of two. */
  readonly sizeBytes: number;
  /** A power of two. */
  readonly pageBytes: number;
}

export const AT24C32: At24cPart = { sizeBytes: 4096, pageBytes: 32 };
export const AT24C256: At24cPart = { sizeBytes: 32_768, pageBytes: 64 };

/** tWR, the longest self-timed write cycle. */
const WRITE_CYCLE_US = 5000;
const ERASED = 0xff;

/**
 * Where each byte of a page write goes: the low bits of the address count inside the page, so that a write past its
 * end goes on at its start. Later bytes of more than a page win.
 */
export function pageWrite(pageBytes: number, address: number, data: Uint8Array): Map<number, number> {
  const page = address - (address % pageBytes);
  const cells = new Map<number, number>();
  data.forEach((byte, i) => {
    cells.set(page + ((address + i) % pageBytes), byte);
  });
  return cells;
}

export interface At24cOptions {
  readonly part: At24cPart;
  /** What the part holds at first, from address 0; the rest is erased. */
  readonly contents?: Uint8Array;
}

/** AT24C32/256 EEPROM: two address bytes, page writes of 5 ms in which nothing is acknowledged (simulator.md 5). */
export class At24cModel implements I2cTarget {
  readonly #part: At24cPart;
  readonly #memory: Uint8Array;
  #address = 0;
  /** The cells of the write cycle under way, which still hold their old values. */
  #cycle: { readonly endUs: number; readonly cells: ReadonlyMap<number, number> } | null = null;

  constructor(options: At24cOptions) {
    this.#part = options.part;
    this.#memory = new Uint8Array(options.part.sizeBytes).fill(ERASED);
    this.#memory.set((options.contents ?? new Uint8Array(0)).subarray(0, options.part.sizeBytes));
  }

  write(data: Uint8Array, nowUs: number): boolean {
    if (this.#busy(nowUs)) return false;
    const [high, low] = data;
    // An address cut short sets nothing.
    if (high === undefined || low === undefined) return true;
    this.#address = ((high << 8) | low) % this.#part.sizeBytes;
    if (data.length === 2) return true;
    const { pageBytes } = this.#part;
    const cells = pageWrite(pageBytes, this.#address, data.subarray(2));
    this.#cycle = { endUs: nowUs + WRITE_CYCLE_US, cells };
    const page = this.#address - (this.#address % pageBytes);
    this.#address = page + ((this.#address + data.length - 2) % pageBytes);
    return true;
  }

  /** From the address counter on, over the end of the memory to its start. */
  read(length: number, nowUs: number): Uint8Array | null {
    if (this.#busy(nowUs)) return null;
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++)
      out[i] = this.#memory[(this.#address + i) % this.#part.sizeBytes] ?? ERASED;
    this.#address = (this.#address + length) % this.#part.sizeBytes;
    return out;
  }

  /** A cut in the write cycle leaves the first k of the n written cells new and the others old, k drawn from 0..n. */
  powerCut(nowUs: number, entropy: Entropy): void {
    const cycle = this.#busy(nowUs) ? this.#cycle : null;
    this.#cycle = null;
    this.#address = 0;
    if (!cycle) return;
    const cells = [...cycle.cells].sort(([a], [b]) => a - b);
    this.#store(cells.slice(0, entropy.below(cells.length + 1)));
  }

  /** What is stored, without a write cycle under way. */
  contents(): Uint8Array {
    return Uint8Array.from(this.#memory);
  }

  #busy(nowUs: number): boolean {
    if (this.#cycle && this.#cycle.endUs <= nowUs) {
      this.#store(this.#cycle.cells);
      this.#cycle = null;
    }
    return this.#cycle !== null;
  }

  #store(cells: Iterable<readonly [number, number]>): void {
    for (const [address, byte] of cells) this.#memory[address] = byte;
  }
}
