import type { ModbusCell, ModbusTable, ModbusTableName, ModbusTables } from "./modbus-tables.ts";

const ILLEGAL_FUNCTION = 1;
const ILLEGAL_ADDRESS = 2;
const ILLEGAL_VALUE = 3;

/** Most elements of one request (Modbus application protocol V1.1b3, 6.1 to 6.12). */
const MAX_READ_BITS = 2000;
const MAX_READ_REGISTERS = 125;
const MAX_WRITE_BITS = 1968;
const MAX_WRITE_REGISTERS = 123;

const COIL_ON = 0xff00;

type Answer = readonly number[];
type Table = (name: ModbusTableName) => ModbusTable;

const exception = (code: number): { readonly exception: number } => ({ exception: code });
type Outcome = Answer | ReturnType<typeof exception>;

const word = (data: Uint8Array, offset: number): number =>
  ((data[offset] ?? 0) << 8) | (data[offset + 1] ?? 0);
const bytesOf = (value: number): readonly [number, number] => [value >> 8, value & 0xff];

/** The cells of a contiguous range, or null if one of them does not exist. */
function range(table: ModbusTable, first: number, count: number): readonly ModbusCell[] | null {
  const cells: ModbusCell[] = [];
  for (let i = 0; i < count; i++) {
    const cell = table.get(first + i);
    if (!cell) return null;
    cells.push(cell);
  }
  return cells;
}

function packBits(bits: readonly number[]): number[] {
  const bytes = new Array<number>(Math.ceil(bits.length / 8)).fill(0);
  bits.forEach((bit, i) => {
    if (bit !== 0) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7));
  });
  return bytes;
}

interface Request {
  readonly data: Uint8Array;
  readonly atUs: number;
}

function read(table: ModbusTable, { data, atUs }: Request, kind: "bits" | "registers"): Outcome {
  const count = word(data, 2);
  const most = kind === "bits" ? MAX_READ_BITS : MAX_READ_REGISTERS;
  if (data.length !== 4 || count < 1 || count > most) return exception(ILLEGAL_VALUE);
  const cells = range(table, word(data, 0), count);
  if (!cells) return exception(ILLEGAL_ADDRESS);
  const values = cells.map((cell) => cell.read(atUs));
  const bytes = kind === "bits" ? packBits(values) : values.flatMap(bytesOf);
  return [bytes.length, ...bytes];
}

/** Writes all cells or, if one is missing or read-only, none. */
function store(table: ModbusTable, first: number, values: readonly number[], atUs: number): boolean {
  const cells = range(table, first, values.length);
  if (!cells?.every((cell) => cell.write !== undefined)) return false;
  cells.forEach((cell, i) => {
    cell.write?.(values[i] ?? 0, atUs);
  });
  return true;
}

function writeOne(table: ModbusTable, { data, atUs }: Request, kind: "bits" | "registers"): Outcome {
  const value = word(data, 2);
  if (data.length !== 4) return exception(ILLEGAL_VALUE);
  if (kind === "bits" && value !== 0 && value !== COIL_ON) return exception(ILLEGAL_VALUE);
  const stored = kind === "bits" ? (value === COIL_ON ? 1 : 0) : value;
  return store(table, word(data, 0), [stored], atUs) ? [...data] : exception(ILLEGAL_ADDRESS);
}

function writeMany(table: ModbusTable, { data, atUs }: Request, kind: "bits" | "registers"): Outcome {
  const count = word(data, 2);
  const most = kind === "bits" ? MAX_WRITE_BITS : MAX_WRITE_REGISTERS;
  const bytes = kind === "bits" ? Math.ceil(count / 8) : count * 2;
  if (count < 1 || count > most || data[4] !== bytes || data.length !== 5 + bytes) {
    return exception(ILLEGAL_VALUE);
  }
  const values = Array.from({ length: count }, (_, i) =>
    kind === "bits" ? ((data[5 + (i >> 3)] ?? 0) >> (i & 7)) & 1 : word(data, 5 + 2 * i),
  );
  return store(table, word(data, 0), values, atUs) ? [...data.subarray(0, 4)] : exception(ILLEGAL_ADDRESS);
}

function run(code: number, table: Table, request: Request): Outcome {
  switch (code) {
    case 0x01:
      return read(table("coils"), request, "bits");
    case 0x02:
      return read(table("discreteInputs"), request, "bits");
    case 0x03:
      return read(table("holdingRegisters"), request, "registers");
    case 0x04:
      return read(table("inputRegisters"), request, "registers");
    case 0x05:
      return writeOne(table("coils"), request, "bits");
    case 0x06:
      return writeOne(table("holdingRegisters"), request, "registers");
    case 0x0f:
      return writeMany(table("coils"), request, "bits");
    case 0x10:
      return writeMany(table("holdingRegisters"), request, "registers");
    default:
      return exception(ILLEGAL_FUNCTION);
  }
}

const EMPTY: ModbusTable = new Map();

/**
 * Answers one request PDU (Modbus application protocol V1.1b3, 6 and 7): functions 01 to 06, 0F and 10; exception 1
 * for any other, 3 for a count, value or length that cannot be, 2 for addresses that do not exist or are read-only.
 * @param atUs when the quantities behind registers are read
 */
export function serveModbus(tables: ModbusTables, pdu: Uint8Array, atUs: number): Uint8Array {
  const code = pdu[0] ?? 0;
  const outcome = run(code, (name) => tables[name] ?? EMPTY, { data: pdu.subarray(1), atUs });
  if ("exception" in outcome) return Uint8Array.of(code | 0x80, outcome.exception);
  return Uint8Array.of(code, ...outcome);
}

/** Functions that change the slave and are obeyed when broadcast. */
export const isModbusWrite = (code: number): boolean => [0x05, 0x06, 0x0f, 0x10].includes(code);
