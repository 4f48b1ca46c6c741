import { type BoardDefinition, resourceRequirement } from "../../boards/index.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { ResourceRequired, type ResourceRequirement } from "../../firmware/core/resource-required.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type {
  GpioLine,
  GpioRequest,
  Hardware,
  I2cBus,
  SerialLine,
  SerialOptions,
  SpiDevice,
} from "../../firmware/ports/hardware.ts";
import type { I2cTarget, SerialTarget, SpiTarget } from "../devices/target.ts";
import { busError, FaultBoard } from "./faults.ts";
import { type LineWiring, SimGpioLine } from "./sim-gpio.ts";
import { SimI2cBus } from "./sim-i2c.ts";
import { SimSerialLine } from "./sim-serial.ts";
import { SimSpiDevice } from "./sim-spi.ts";

const I2C_HZ = 100_000;

export interface SimWiring {
  /** By line of the first chip. */
  readonly gpio: ReadonlyMap<number, LineWiring>;
  readonly i2c: ReadonlyMap<number, ReadonlyMap<number, I2cTarget>>;
  /** By `<bus>.<chipSelect>`. */
  readonly spi: ReadonlyMap<string, SpiTarget>;
  readonly serial: ReadonlyMap<string, SerialTarget>;
}

export interface SimHardwareOptions {
  readonly board: BoardDefinition;
  readonly clock: Clock;
  /** A stream of its own for every consumer, so that a new one disturbs no other. */
  readonly stream: (name: string) => Entropy;
  readonly wiring: SimWiring;
  /** Called with board time before every access, so that the devices see the world of now. */
  readonly advanceWorld?: (nowUs: number) => void;
}

/** The simulated board's hardware: the same contract and the same errors as the real providers. */
export class SimHardware implements Hardware {
  readonly simulated = true;
  readonly faults: FaultBoard;
  readonly #options: SimHardwareOptions;
  readonly #claims = new Set<string>();
  readonly #open = new Set<AsyncDisposable>();
  readonly #buses = new Map<number, SimI2cBus>();
  readonly #absent = new Set<string>();
  readonly #bootMs: number;

  constructor(options: SimHardwareOptions) {
    this.#options = options;
    this.#bootMs = options.clock.monoMs();
    this.faults = new FaultBoard(options.stream("faults"));
  }

  /** Board time in microseconds since this hardware was made. Brings the world up to it. */
  nowUs(): number {
    const now = Math.round((this.#options.clock.monoMs() - this.#bootMs) * 1000);
    this.#options.advanceWorld?.(now);
    return now;
  }

  /** Takes a resource away (`bus:i2c:1`, `serial:ttyAMA0`, …) or gives it back, as a missing overlay or cable does. */
  setPresent(resource: string, present: boolean): void {
    if (present) this.#absent.delete(resource);
    else this.#absent.add(resource);
  }

  async gpio(request: GpioRequest): Promise<GpioLine> {
    const { board, wiring, clock, stream } = this.#options;
    const chip = board.chips.find((entry) => entry.name === request.chip || entry.label === request.chip);
    const name = `gpio:${request.chip}:${request.line}`;
    this.#require(`gpio:${chip?.name ?? request.chip}`);
    if (!chip || !Number.isInteger(request.line) || request.line < 0 || request.line >= chip.lines) {
      throw new CodedError("io_error", `${name}: no such line`, { status: 500, details: { target: name } });
    }
    const reserved = board.reserved.find((entry) => entry.chip === chip.name && entry.line === request.line);
    if (reserved) throw busError("target_busy", `${name} is reserved: ${reserved.why}`, name, false);
    const release = this.#claim(name);
    const line = new SimGpioLine({
      name,
      request,
      wiring: wiring.gpio.get(request.line) ?? null,
      entropy: stream(`gpio:${request.line}`),
      clock,
      nowUs: () => this.nowUs(),
      onRelease: () => {
        release();
        this.#open.delete(line);
      },
    });
    this.#open.add(line);
    return line;
  }

  async i2c(bus: number): Promise<I2cBus> {
    this.#require(`bus:i2c:${bus}`);
    const open = this.#buses.get(bus);
    if (open) return open;
    const { clock, wiring } = this.#options;
    const made = new SimI2cBus({
      bus,
      hz: I2C_HZ,
      clock,
      faults: this.faults,
      targets: wiring.i2c.get(bus) ?? new Map(),
      nowUs: () => this.nowUs(),
    });
    this.#buses.set(bus, made);
    return made;
  }

  async spi(bus: number, chipSelect: number): Promise<SpiDevice> {
    const name = `${bus}.${chipSelect}`;
    this.#require(`bus:spi:${name}`);
    const { clock, stream, wiring } = this.#options;
    return new SimSpiDevice({
      name,
      clock,
      entropy: stream(`spi:${name}`),
      faults: this.faults,
      target: wiring.spi.get(name) ?? null,
      nowUs: () => this.nowUs(),
    });
  }

  async serial(port: string, options: SerialOptions): Promise<SerialLine> {
    this.#require(`serial:${port}`);
    const { clock, stream, wiring } = this.#options;
    const release = this.#claim(`serial:${port}`);
    const line: SimSerialLine = new SimSerialLine({
      port,
      options,
      clock,
      entropy: stream(`serial:${port}`),
      faults: this.faults,
      target: wiring.serial.get(port) ?? null,
      nowUs: () => this.nowUs(),
      onClose: () => {
        release();
        this.#open.delete(line);
      },
    });
    this.#open.add(line);
    return line;
  }

  async probe(resource: string): Promise<ResourceRequirement | null> {
    // Rights and native modules are never missing here.
    if (!/^(bus|serial|gpio):/.test(resource)) return null;
    const { board } = this.#options;
    const node = this.#present(resource) ? "ok" : "missing";
    const verdict = resourceRequirement(resource, { board, user: "imud", node });
    return verdict.kind === "missing" ? verdict.requirement : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const resource of [...this.#open]) await resource[Symbol.asyncDispose]();
    for (const bus of this.#buses.values()) await bus[Symbol.asyncDispose]();
    this.#buses.clear();
  }

  #present(resource: string): boolean {
    const { board } = this.#options;
    if (this.#absent.has(resource)) return false;
    const known = [
      ...board.chips.map((chip) => `gpio:${chip.name}`),
      ...board.i2c.map((entry) => `bus:i2c:${entry.bus}`),
      ...board.spi.map((entry) => `bus:spi:${entry.bus}.${entry.chipSelect}`),
      ...board.serial.map((entry) => `serial:${entry.port}`),
    ];
    return known.includes(resource);
  }

  #require(resource: string): void {
    if (this.#present(resource)) return;
    const { board } = this.#options;
    const verdict = resourceRequirement(resource, { board, user: "imud", node: "missing" });
    if (verdict.kind === "missing") throw new ResourceRequired(verdict.requirement);
  }

  #claim(name: string): () => void {
    if (this.#claims.has(name)) throw busError("target_busy", `${name} has an owner`, name, false);
    this.#claims.add(name);
    return () => this.#claims.delete(name);
  }
}
