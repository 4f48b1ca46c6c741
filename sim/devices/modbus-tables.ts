/** One coil, discrete input or register of a slave. Bits are 0 or 1, registers 0..65535. */
export interface ModbusCell {
  read(atUs: number): number;
  /** Absent: a master's write is refused with exception 2. */
  readonly write?: (value: number, atUs: number) => void;
  /** What a loss of power does to it. */
  readonly powerCut?: () => void;
}

/** Cells by address as it stands in a request, from 0 (the documentation's number minus one). */
export type ModbusTable = ReadonlyMap<number, ModbusCell>;

export interface ModbusTables {
  readonly coils?: ModbusTable;
  readonly discreteInputs?: ModbusTable;
  readonly holdingRegisters?: ModbusTable;
  readonly inputRegisters?: ModbusTable;
}

export type ModbusTableName = keyof ModbusTables;

/** A cell with a value of its own, which a master and the test may write. */
export class StoredCell implements ModbusCell {
  readonly #initial: number;
  readonly #retained: boolean;
  #value: number;

  /** @param retained survives a loss of power (a setting in EEPROM) */
  constructor(initial: number, options: { readonly retained?: boolean } = {}) {
    this.#initial = initial;
    this.#retained = options.retained ?? false;
    this.#value = initial;
  }

  get value(): number {
    return this.#value;
  }

  read(): number {
    return this.#value;
  }

  write(value: number): void {
    this.#value = value;
  }

  powerCut(): void {
    if (!this.#retained) this.#value = this.#initial;
  }
}

/** A cell that shows the world: rounded and limited to 0..65535. */
export const mirrorCell = (quantity: (atUs: number) => number): ModbusCell => ({
  read: (atUs) => Math.max(0, Math.min(0xffff, Math.round(quantity(atUs)))),
});

/** Consecutive stored cells from an address on. */
export function storedCells(first: number, values: readonly number[]): Map<number, StoredCell> {
  return new Map(values.map((value, i) => [first + i, new StoredCell(value)]));
}

/**
 * Two registers that show a quantity as IEEE 754 single precision, high word first. Both words of one request come
 * from one reading of the quantity.
 */
export function floatCells(quantity: (atUs: number) => number): readonly [ModbusCell, ModbusCell] {
  const words = new DataView(new ArrayBuffer(4));
  let readUs = -1;
  const word = (offset: 0 | 2): ModbusCell => ({
    read: (atUs) => {
      if (atUs !== readUs) words.setFloat32(0, quantity(atUs));
      readUs = atUs;
      return words.getUint16(offset);
    },
  });
  return [word(0), word(2)];
}
