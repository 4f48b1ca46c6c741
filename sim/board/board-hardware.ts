import { resourceRequirement } from "../../boards/index.ts";
import { ResourceRequired, type ResourceRequirement } from "../../firmware/core/resource-required.ts";
import type {
  GpioLine,
  GpioRequest,
  Hardware,
  I2cBus,
  SerialLine,
  SerialOptions,
  SpiDevice,
} from "../../firmware/ports/hardware.ts";
import type { Boot } from "./boot.ts";
import { busError, type FaultBoard } from "./faults.ts";
import type { SimBoard } from "./sim-board.ts";
import { SimGpioLine } from "./sim-gpio.ts";
import { i2cAddress, SimI2cBus } from "./sim-i2c.ts";
import { SimSerialLine } from "./sim-serial.ts";
import { SimSpiDevice } from "./sim-spi.ts";

/** Where the board's data say nothing. */
const DEFAULT_I2C_HZ = 100_000;

/** A simulated board's hardware in one life of a process: the same contract and the same errors as the real providers. */
export class BoardHardware implements Hardware {
  readonly simulated = true;
  readonly #board: SimBoard;
  readonly #boot: Boot;
  readonly #claims = new Set<string>();
  readonly #gpioLines = new Set<SimGpioLine>();
  readonly #serialLines = new Set<SimSerialLine>();
  readonly #buses = new Map<number, SimI2cBus>();

  constructor(board: SimBoard, boot: Boot) {
    this.#board = board;
    this.#boot = boot;
  }

  get board(): SimBoard {
    return this.#board;
  }

  get faults(): FaultBoard {
    return this.#board.faults;
  }

  async gpio(request: GpioRequest): Promise<GpioLine> {
    const { definition } = this.#board;
    const chip = definition.chips.find(
      (entry) => entry.name === request.chip || entry.label === request.chip,
    );
    const name = `gpio:${request.chip}:${request.line}`;
    this.#require(`gpio:${chip?.name ?? request.chip}`);
    if (!chip || !Number.isInteger(request.line) || request.line < 0 || request.line >= chip.lines) {
      throw busError("io_error", `${name}: no such line`, name, false, "EINVAL");
    }
    const reserved = definition.reserved.find(
      (entry) => entry.chip === chip.name && entry.line === request.line,
    );
    if (reserved) {
      throw busError("target_busy", `${name} is reserved: ${reserved.why}`, name, false, "EACCES");
    }
    const release = this.#claim(`gpio:${chip.name}:${request.line}`);
    const line: SimGpioLine = await SimGpioLine.open({
      name,
      request,
      lines: this.#board.lines,
      boot: this.#boot,
      entropy: this.#board.stream(`gpio:${request.line}`),
      pollMs: this.#board.pollMs,
      onRelease: () => {
        release();
        this.#gpioLines.delete(line);
      },
    });
    this.#gpioLines.add(line);
    return line;
  }

  async i2c(bus: number): Promise<I2cBus> {
    this.#require(`bus:i2c:${bus}`);
    const open = this.#buses.get(bus);
    if (open) return open;
    const board = this.#board;
    const made = new SimI2cBus({
      bus,
      hz: board.definition.i2c.find((entry) => entry.bus === bus)?.defaultHz ?? DEFAULT_I2C_HZ,
      clock: this.#boot.clock,
      faults: board.faults,
      targets: board.wiring.i2c.get(bus) ?? new Map(),
      nowUs: this.#boot.nowUs,
      boot: this.#boot,
      entropy: (address) => board.stream(`i2c-${bus}:${i2cAddress(address)}`),
      onTouched: (target) => board.selfActing.touched(target),
    });
    this.#buses.set(bus, made);
    return made;
  }

  async spi(bus: number, chipSelect: number): Promise<SpiDevice> {
    const name = `${bus}.${chipSelect}`;
    this.#require(`bus:spi:${name}`);
    return new SimSpiDevice({
      name,
      boot: this.#boot,
      entropy: this.#board.stream(`spi:${name}`),
      faults: this.#board.faults,
      target: this.#board.wiring.spi.get(name) ?? null,
    });
  }

  async serial(port: string, options: SerialOptions): Promise<SerialLine> {
    this.#require(`serial:${port}`);
    const release = this.#claim(`serial:${port}`);
    const line: SimSerialLine = new SimSerialLine({
      port: this.#board.port(port),
      options,
      boot: this.#boot,
      entropy: this.#board.stream(`serial:${port}`),
      faults: this.#board.faults,
      onClose: () => {
        release();
        this.#serialLines.delete(line);
      },
    });
    this.#serialLines.add(line);
    return line;
  }

  async probe(resource: string): Promise<ResourceRequirement | null> {
    // Rights and native modules are never missing here.
    if (!/^(bus|serial|gpio):/.test(resource)) return null;
    const board = this.#board.definition;
    const node = this.#board.isPresent(resource) ? "ok" : "missing";
    const verdict = resourceRequirement(resource, { board, user: "imud", node });
    return verdict.kind === "missing" ? verdict.requirement : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of [...this.#gpioLines]) await line[Symbol.asyncDispose]();
    for (const line of [...this.#serialLines]) await line[Symbol.asyncDispose]();
    for (const bus of this.#buses.values()) await bus[Symbol.asyncDispose]();
    this.#buses.clear();
  }

  /** This life is over: nothing of it settles or changes anything any more. */
  end(how: "power" | "process"): void {
    if (!this.#boot.end()) return;
    for (const bus of this.#buses.values()) bus.end(how);
    for (const line of this.#serialLines) line.end(how);
    for (const line of this.#gpioLines) line.end();
  }

  freeze(untilUs: number): void {
    const nowUs = this.#boot.nowUs();
    for (const line of this.#serialLines) line.freeze(nowUs);
    this.#boot.freeze(untilUs);
  }

  #require(resource: string): void {
    if (this.#board.isPresent(resource)) return;
    const board = this.#board.definition;
    const verdict = resourceRequirement(resource, { board, user: "imud", node: "missing" });
    if (verdict.kind === "missing") throw new ResourceRequired(verdict.requirement);
  }

  #claim(name: string): () => void {
    if (this.#claims.has(name)) throw busError("target_busy", `${name} has an owner`, name, false, "EBUSY");
    this.#claims.add(name);
    return () => this.#claims.delete(name);
  }
}
