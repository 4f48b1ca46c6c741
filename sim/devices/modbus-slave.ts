import { concat } from "../../firmware/core/bytes.ts";
import { serialByteUs } from "../board/bus-timing.ts";
import {
  MAX_FRAME_BYTES,
  modbusFrame,
  parseModbusFrame,
  type RtuSilence,
  rtuSilence,
} from "./modbus-frame.ts";
import { isModbusWrite, serveModbus } from "./modbus-server.ts";
import type { ModbusTableName, ModbusTables } from "./modbus-tables.ts";
import { SerialOutbox, type TimedByte } from "./serial-outbox.ts";
import type { SerialTarget } from "./target.ts";

const ANSWER_US = 5_000;
const BROADCAST = 0;
/** Start, eight data bits, stop. */
const CHARACTER_BITS = 10;

export interface ModbusSlaveOptions {
  /** 1..247. */
  readonly address: number;
  /** Default 9600. */
  readonly baudRate?: number;
  readonly tables: ModbusTables;
}

/**
 * A Modbus RTU slave on RS-485 (simulator.md 5; Modbus over serial line V1.02, 2.4 and 2.5.1). A frame ends after 3.5
 * characters of silence, a gap of more than 1.5 spoils it. The request is carried out at the end of that silence; the
 * answer begins 5 ms after the request's last stop bit, or at the end of the silence where that is later. Damaged
 * frames and those for others are passed over. From the end of a request to the end of the answer the slave does not
 * listen: what the master sends meanwhile is lost, and spoils those bytes of the answer that it overlaps.
 */
export class ModbusSlave implements SerialTarget {
  readonly baudRate: number;
  readonly #address: number;
  readonly #tables: ModbusTables;
  readonly #characterUs: number;
  readonly #silence: RtuSilence;
  readonly #outbox: SerialOutbox;
  #frame: Uint8Array = new Uint8Array();
  #spoilt = false;
  #hasPower = true;
  /** End of the last byte on the line, whoever sent it. */
  #lineUs = Number.NEGATIVE_INFINITY;

  constructor(options: ModbusSlaveOptions) {
    this.baudRate = options.baudRate ?? 9600;
    this.#address = options.address;
    this.#tables = options.tables;
    this.#characterUs = serialByteUs(this.baudRate, CHARACTER_BITS);
    this.#silence = rtuSilence(this.baudRate, this.#characterUs);
    this.#outbox = new SerialOutbox(this.#characterUs);
  }

  sentBetween(fromUs: number, toUs: number): Uint8Array {
    return Uint8Array.from(this.timedBetween(fromUs, toUs), (byte) => byte.value);
  }

  /** As `sentBetween`, with the time of each byte. */
  timedBetween(fromUs: number, toUs: number): readonly TimedByte[] {
    this.advanceTo(toUs);
    return this.#outbox.between(fromUs, toUs);
  }

  /** While a request waits for its closing silence: when an answer to it would begin to arrive. */
  nextSentUs(afterUs: number): number | null {
    this.advanceTo(afterUs);
    const sentUs = this.#outbox.nextUs(afterUs);
    if (sentUs !== null || this.#frame.length === 0) return sentUs;
    return this.#answerUs(this.#lineUs + this.#silence.frameUs) + this.#characterUs;
  }

  received(data: Uint8Array, nowUs: number): void {
    if (!this.#hasPower) return;
    data.forEach((byte, i) => {
      this.#hear(byte, nowUs - (data.length - i) * this.#characterUs);
    });
  }

  /** When its last answer is out, -Infinity if it gave none. */
  get sentUntilUs(): number {
    return this.#outbox.endUs;
  }

  /** Another slave speaks until `endUs`: the silence before the next frame begins after that. */
  overhear(endUs: number): void {
    this.advanceTo(endUs);
    this.#lineUs = Math.max(this.#lineUs, endUs);
  }

  /** Carries out the request whose closing silence is over at `nowUs`. */
  advanceTo(nowUs: number): void {
    const endUs = this.#lineUs + this.#silence.frameUs;
    if (this.#frame.length === 0 || nowUs < endUs) return;
    const frame = this.#spoilt ? null : parseModbusFrame(this.#frame);
    this.#frame = new Uint8Array();
    this.#spoilt = false;
    if (frame) this.#serve(frame.address, frame.pdu, endUs);
  }

  /** What a cell holds at `nowUs`, for worlds in which a coil or register moves something. */
  valueOf(table: ModbusTableName, address: number, nowUs: number): number | undefined {
    this.advanceTo(nowUs);
    return this.#tables[table]?.get(address)?.read(nowUs);
  }

  /** Forgets the request and the answer under way, and all values that are not retained. */
  powerCut(nowUs: number): void {
    this.advanceTo(nowUs);
    this.#hasPower = false;
    this.#outbox.cut(nowUs);
    this.#lineUs = Math.min(this.#lineUs, nowUs);
    this.#frame = new Uint8Array();
    this.#spoilt = false;
    const { coils, discreteInputs, holdingRegisters, inputRegisters } = this.#tables;
    for (const table of [coils, discreteInputs, holdingRegisters, inputRegisters]) {
      for (const cell of table?.values() ?? []) cell.powerCut?.();
    }
  }

  powerOn(): void {
    this.#hasPower = true;
  }

  #answerUs(silenceEndUs: number): number {
    return Math.max(this.#lineUs + ANSWER_US, silenceEndUs);
  }

  #hear(byte: number, startUs: number): void {
    this.advanceTo(startUs);
    const endUs = startUs + this.#characterUs;
    const gapUs = startUs - this.#lineUs;
    const deaf = startUs < this.#outbox.endUs;
    if (deaf) this.#outbox.collide(startUs, endUs);
    // Without the silence before it, a byte belongs to what the slave did not hear from its beginning.
    const begins = gapUs >= this.#silence.frameUs;
    const continues = this.#frame.length > 0 && gapUs <= this.#silence.characterUs;
    if (deaf || (!begins && !continues)) this.#spoilt = true;
    if (this.#frame.length <= MAX_FRAME_BYTES) this.#frame = concat(this.#frame, Uint8Array.of(byte));
    this.#lineUs = Math.max(endUs, this.#outbox.endUs);
  }

  #serve(address: number, pdu: Uint8Array, atUs: number): void {
    if (address === BROADCAST) {
      if (isModbusWrite(pdu[0] ?? 0)) serveModbus(this.#tables, pdu, atUs);
      return;
    }
    if (address !== this.#address) return;
    const answer = serveModbus(this.#tables, pdu, atUs);
    const frame = modbusFrame(concat(Uint8Array.of(address), answer));
    this.#lineUs = this.#outbox.send(this.#answerUs(atUs), frame);
  }
}
