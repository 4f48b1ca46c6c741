import type { Clock } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { SpiDevice, SpiOptions } from "../../firmware/ports/hardware.ts";
import type { SpiTarget } from "../devices/target.ts";
import { spiTransferUs } from "./bus-timing.ts";
import { busError, type FaultBoard } from "./faults.ts";

/** The kernel's default spidev buffer: longer messages fail with EMSGSIZE. */
const MAX_TRANSFER_BYTES = 4096;

export interface SimSpiOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly faults: FaultBoard;
  /** Absent devices read FFh from the pull-up. */
  readonly target: SpiTarget | null;
  readonly nowUs: () => number;
}

/** A simulated chip select: full duplex; the wrong mode shifts by one bit; too fast a clock gives noise. */
export class SimSpiDevice implements SpiDevice {
  readonly #options: SimSpiOptions;

  constructor(options: SimSpiOptions) {
    this.#options = options;
  }

  async transfer(data: Uint8Array, options: SpiOptions, signal: AbortSignal): Promise<Uint8Array> {
    const { name, clock, faults } = this.#options;
    const target = `spi:${name}`;
    if (signal.aborted) throw busError("io_aborted", `${target}: aborted before the start`, target, false);
    if (data.length > MAX_TRANSFER_BYTES) {
      throw busError(
        "io_error",
        `${target}: more than ${MAX_TRANSFER_BYTES} bytes in one message`,
        target,
        false,
      );
    }
    await clock.sleep(spiTransferUs(data.length, options.speedHz) / 1000, signal);
    return faults.damage(target, this.#answer(data, options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    return;
  }

  #answer(data: Uint8Array, options: SpiOptions): Uint8Array {
    const { target, faults, entropy, name, nowUs } = this.#options;
    if (!target || faults.has(`spi:${name}`, "disappear")) return new Uint8Array(data.length).fill(0xff);
    if (options.speedHz > target.maxHz) return entropy.bytes(data.length);
    const answer = target.transfer(data, nowUs());
    // Modes 0 and 3 sample on the same edge; 1 and 2 are half a clock late and lose a bit.
    if (options.mode === 0 || options.mode === 3) return answer;
    return answer.map((byte, i) => ((byte << 1) | ((answer[i + 1] ?? 0) >> 7)) & 0xff);
  }
}
