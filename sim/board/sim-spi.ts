import { CallQueue } from "../../drivers/providers/call-queue.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { SpiDevice, SpiOptions } from "../../firmware/ports/hardware.ts";
import type { SpiTarget } from "../devices/target.ts";
import type { ActiveFaults } from "./active-faults.ts";
import type { Boot } from "./boot.ts";
import { spiTransferUs } from "./bus-timing.ts";
import { busError, type FaultBoard } from "./faults.ts";
import { traceBytes } from "./trace-bytes.ts";

/** The kernel's default spidev buffer: longer messages fail with EMSGSIZE. */
const MAX_TRANSFER_BYTES = 4096;
/** Both sample on the rising edge of the clock; 1 and 2 are half a clock late and lose a bit. */
const USUAL_MODES = [0, 3];

export interface SimSpiOptions {
  /** `<bus>.<chipSelect>` */
  readonly name: string;
  readonly boot: Boot;
  /** Noise of a device that is clocked too fast. */
  readonly entropy: Entropy;
  readonly faults: FaultBoard;
  /** Absent devices read FFh from the pull-up. */
  readonly target: SpiTarget | null;
}

/** A simulated chip select: full duplex; the wrong mode shifts by one bit; too fast a clock gives noise. */
export class SimSpiDevice implements SpiDevice {
  readonly #options: SimSpiOptions;
  readonly #label: string;
  readonly #faultTarget: string;
  readonly #queue: CallQueue;

  constructor(options: SimSpiOptions) {
    this.#options = options;
    this.#label = `spi.transfer:${options.name}`;
    this.#faultTarget = `spi:${options.name}`;
    this.#queue = new CallQueue(this.#faultTarget);
  }

  async transfer(data: Uint8Array, options: SpiOptions, signal: AbortSignal): Promise<Uint8Array> {
    if (data.length > MAX_TRANSFER_BYTES) {
      const message = `${this.#faultTarget}: more than ${MAX_TRANSFER_BYTES} bytes in one message`;
      throw busError("io_error", message, this.#faultTarget, false, "EMSGSIZE");
    }
    const { boot } = this.#options;
    return await this.#queue.run(() => boot.take(this.#label, () => this.#transfer(data, options)), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.idle();
  }

  async #transfer(data: Uint8Array, options: SpiOptions): Promise<Uint8Array> {
    const { boot, faults, name } = this.#options;
    const active = faults.active(this.#faultTarget);
    await boot.wait(Math.round(spiTransferUs(data.length, options.speedHz) * (active?.slowness() ?? 1)));
    const raw = this.#answer(data, options, active);
    // Chips with registers are asked for one by the first byte, whose top bit says read or write; then it comes.
    const answer = active ? active.damage(raw, (data[0] ?? 0) & 0x7f, 1) : raw;
    boot.record?.("spi", { device: name, tx: traceBytes(data), rx: traceBytes(answer) });
    return boot.frozenUntilUs > 0 ? await boot.seen(answer) : answer;
  }

  #answer(data: Uint8Array, options: SpiOptions, active: ActiveFaults | null): Uint8Array {
    const { target, entropy, boot, name } = this.#options;
    if (!target || active?.has("disappear")) return new Uint8Array(data.length).fill(0xff);
    if (options.speedHz > target.maxHz) {
      boot.record?.("spi_overclock", { device: name, hz: options.speedHz, maxHz: target.maxHz });
      return entropy.bytes(data.length);
    }
    const answer = target.transfer(data, boot.nowUs());
    if ((target.modes ?? USUAL_MODES).includes(options.mode)) return answer;
    return answer.map((byte, i) => ((byte << 1) | ((answer[i + 1] ?? 0) >> 7)) & 0xff);
  }
}
