import { serialByteUs } from "../board/bus-timing.ts";
import type { ModbusSlave } from "./modbus-slave.ts";
import type { TimedByte } from "./serial-outbox.ts";
import type { SerialTarget } from "./target.ts";

/**
 * Several Modbus slaves on one pair of wires, all at one speed. Every slave hears the master, and when
 * another answers; two that answer at once
 * (the same address twice) spoil each other's bytes, which arrive as 00h.
 */
export class Rs485Bus implements SerialTarget {
  readonly baudRate: number;
  readonly #slaves: readonly ModbusSlave[];

  constructor(slaves: readonly [ModbusSlave, ...ModbusSlave[]]) {
    this.baudRate = slaves[0].baudRate;
    // A slave set to another speed hears noise: its checksums never fit, so it stays silent.
    this.#slaves = slaves.filter((slave) => slave.baudRate === this.baudRate);
  }

  sentBetween(fromUs: number, toUs: number): Uint8Array {
    const sent = this.#slaves.flatMap((slave) => slave.timedBetween(fromUs, toUs));
    const byTime = new Map<number, TimedByte>();
    for (const byte of sent.sort((a, b) => a.atUs - b.atUs)) {
      byTime.set(byte.atUs, byTime.has(byte.atUs) ? { ...byte, value: 0 } : byte);
    }
    return Uint8Array.from(byTime.values(), (byte) => byte.value);
  }

  nextSentUs(afterUs: number): number | null {
    const next = this.#slaves.flatMap((slave) => slave.nextSentUs(afterUs) ?? []);
    return next.length === 0 ? null : Math.min(...next);
  }

  received(data: Uint8Array, nowUs: number): void {
    const startUs = nowUs - data.length * serialByteUs(this.baudRate, 10);
    for (const slave of this.#slaves) slave.advanceTo(startUs);
    const quietUs = Math.max(...this.#slaves.map((slave) => slave.sentUntilUs));
    for (const slave of this.#slaves) {
      slave.overhear(quietUs);
      slave.received(data, nowUs);
    }
  }

  powerCut(nowUs: number): void {
    for (const slave of this.#slaves) slave.powerCut(nowUs);
  }

  powerOn(): void {
    for (const slave of this.#slaves) slave.powerOn();
  }
}
