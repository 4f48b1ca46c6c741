/**
 * Hardware buses as the daemon sees them. Real providers stand on onoff, i2c-bus, spi-device and serialport,
 * simulated ones answer at register level; the same device drivers run on both.
 * Every fault is a CodedError with one of: `nack`, `bus_stuck`, `framing`, `io_error`, `io_timeout`, `io_aborted`,
 * `target_busy`, `readback_mismatch`; a missing node, right or module is a ResourceRequired.
 * `details.touched: false` states that the bus was not touched.
 */
import type { ResourceRequirement } from "../core/resource-required.ts";

export type Level = 0 | 1;
export type Edge = "rising" | "falling" | "both";
export type Bias = "none" | "pull-up" | "pull-down";

export interface GpioEdge {
  readonly value: Level;
  /** Monotonic ms at which the edge was seen. */
  readonly monoMs: number;
}

export interface GpioLine extends AsyncDisposable {
  /** Electrical level. */
  read(): Promise<Level>;
  /** @throws CodedError `io_error` when the line is an input. */
  write(value: Level): Promise<void>;
  /** Edges after debouncing: a level counts once it has been stable for `debounceMs`. */
  watch(edge: Edge, debounceMs: number, handler: (edge: GpioEdge) => void): Disposable;
}

export type GpioRequest =
  | { readonly chip: string; readonly line: number; readonly direction: "in"; readonly bias: Bias }
  | { readonly chip: string; readonly line: number; readonly direction: "out"; readonly initial: Level };

export interface I2cBus extends AsyncDisposable {
  /**
   * One combined transfer: writes `write` (may be empty), then with a repeated start reads `readLength` bytes.
   * @param address 7-bit address, 0x08..0x77.
   * @throws CodedError `nack`, `bus_stuck`, `io_timeout`, `io_error`.
   */
  transfer(address: number, write: Uint8Array, readLength: number, signal: AbortSignal): Promise<Uint8Array>;
}

export interface SpiOptions {
  readonly mode: 0 | 1 | 2 | 3;
  readonly speedHz: number;
  readonly bitsPerWord: 8;
}

export interface SpiDevice extends AsyncDisposable {
  /** Full duplex under one chip select; the answer has the length of `data`. */
  transfer(data: Uint8Array, options: SpiOptions, signal: AbortSignal): Promise<Uint8Array>;
}

export interface SerialOptions {
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
}

export interface SerialLine extends AsyncDisposable {
  write(data: Uint8Array, signal: AbortSignal): Promise<void>;
  /**
   * Up to `maxBytes`, ending after `until` if given, or when `withinMs` is over (then `timedOut`, with what came).
   */
  read(
    request: { readonly maxBytes: number; readonly until?: Uint8Array; readonly withinMs: number },
    signal: AbortSignal,
  ): Promise<{ readonly data: Uint8Array; readonly timedOut: boolean }>;
}

/** Everything physical of one board. `open…` is called lazily; nothing native loads before. */
export interface Hardware extends AsyncDisposable {
  /** True only for the simulator, which marks all that is recorded (simulator.md 1). */
  readonly simulated: boolean;
  gpio(request: GpioRequest): Promise<GpioLine>;
  i2c(bus: number): Promise<I2cBus>;
  spi(bus: number, chipSelect: number): Promise<SpiDevice>;
  serial(port: string, options: SerialOptions): Promise<SerialLine>;
  /**
   * Passive check of a resource (`bus:i2c:1`, `bus:spi:0.0`, `serial:ttyAMA0`, `gpio:gpiochip0`): does the node
   * exist, may it be opened, does the module load. Null when present.
   */
  probe(resource: string): Promise<ResourceRequirement | null>;
}
