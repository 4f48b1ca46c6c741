import { CodedError } from "../../firmware/core/errors.ts";
import { ResourceRequired, type ResourceRequirement } from "../../firmware/core/resource-required.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type {
  GpioLine,
  GpioRequest,
  Hardware,
  I2cBus,
  SerialLine,
  SerialOptions,
  SpiDevice,
} from "../../firmware/ports/hardware.ts";
import { errnoOf, hardwareError } from "./errno.ts";
import { globalLine } from "./gpio-chips.ts";
import { LinuxGpioLine } from "./linux-gpio.ts";
import { LinuxI2cBus } from "./linux-i2c.ts";
import { LinuxSerialLine } from "./linux-serial.ts";
import { completed, LinuxSpiDevice } from "./linux-spi.ts";
import { isModuleName, type LoadModule, type ModuleName, type NativeModules } from "./native-modules.ts";
import type { NodeState, SystemAccess } from "./system-access.ts";

const GPIO_EXPORT = "/sys/class/gpio/export";

/** What the providers need to know of the board; the data of `boards/` fits. */
export interface LinuxBoard {
  readonly chips: readonly { readonly name: string; readonly label: string }[];
  readonly lines: readonly {
    readonly chip: string;
    readonly line: number;
    readonly reset: { readonly pull: "up" | "down" | "none" };
  }[];
  readonly reserved: readonly { readonly chip: string; readonly line: number; readonly why: string }[];
}

export interface LinuxHardwareOptions {
  readonly board: LinuxBoard;
  readonly clock: Clock;
  readonly system: SystemAccess;
  readonly loadModule: LoadModule;
  /** The remedy for a missing need on this board (boards/resources.ts); null when nothing is missing. */
  readonly requirement: (need: string, node: NodeState) => ResourceRequirement | null;
}

/** The real buses of a Linux board. Opens lazily; the native packages load at their first use. */
export class LinuxHardware implements Hardware {
  readonly simulated = false;
  readonly #options: LinuxHardwareOptions;
  readonly #claims = new Set<string>();
  readonly #open = new Set<AsyncDisposable>();
  readonly #buses = new Map<number, Promise<LinuxI2cBus>>();

  constructor(options: LinuxHardwareOptions) {
    this.#options = options;
  }

  async gpio(request: GpioRequest): Promise<GpioLine> {
    const { board, clock } = this.#options;
    const chip = board.chips.find((entry) => entry.name === request.chip || entry.label === request.chip);
    const name = `gpio:${chip?.name ?? request.chip}:${request.line}`;
    const reserved = board.reserved.find((entry) => entry.chip === chip?.name && entry.line === request.line);
    if (reserved) throw this.#busy(name, `reserved: ${reserved.why}`);
    if (request.direction === "in") this.#checkBias(request, chip?.name ?? "", name);
    return await this.#claimed(name, async (release) => {
      const need = `gpio:${chip?.name ?? request.chip}`;
      await this.#require(need);
      const number = chip ? await globalLine(this.#options.system, chip.label, request.line) : null;
      if (number === null) {
        throw new CodedError("io_error", `${name}: no such line`, {
          details: { target: name, touched: false },
        });
      }
      const onoff = await this.#module("onoff");
      const open = LinuxGpioLine.open({
        onoff,
        globalLine: number,
        name,
        request,
        clock,
        onRelease: release,
      });
      return await this.#orPermission(open, need);
    });
  }

  async i2c(bus: number): Promise<I2cBus> {
    const open = this.#buses.get(bus);
    if (open !== undefined) return await open;
    const opening = (async () => {
      await this.#require(`bus:i2c:${bus}`);
      const module = await this.#module("i2c-bus");
      const handle = await module.openPromisified(bus);
      return new LinuxI2cBus(handle, bus);
    })();
    this.#buses.set(bus, opening);
    try {
      return await opening;
    } catch (error) {
      this.#buses.delete(bus);
      throw hardwareError(error, `i2c:${bus}`, false);
    }
  }

  async spi(bus: number, chipSelect: number): Promise<SpiDevice> {
    const name = `spi:${bus}.${chipSelect}`;
    return await this.#claimed(name, async (release) => {
      await this.#require(`bus:spi:${bus}.${chipSelect}`);
      const module = await this.#module("spi-device");
      let handle: ReturnType<typeof module.open> | null = null;
      await completed((done) => {
        handle = module.open(bus, chipSelect, { mode: 0 }, done);
      }).catch((error: unknown) => {
        throw hardwareError(error, name, false);
      });
      if (!handle) throw hardwareError(new Error("no handle"), name, false);
      return new LinuxSpiDevice(handle, name, release);
    });
  }

  async serial(port: string, options: SerialOptions): Promise<SerialLine> {
    const name = `serial:${port}`;
    return await this.#claimed(name, async (release) => {
      await this.#require(name);
      const module = await this.#module("serialport");
      const { clock } = this.#options;
      const path = `/dev/${port}`;
      return await LinuxSerialLine.open({ module, path, name, serial: options, clock, onClose: release });
    });
  }

  async probe(resource: string): Promise<ResourceRequirement | null> {
    try {
      if (resource.startsWith("permission:")) return await this.#probePath(resource);
      await this.#require(resource);
      const module = moduleOf(resource);
      if (module) await this.#module(module);
      return null;
    } catch (error) {
      if (error instanceof ResourceRequired) return error.requirement;
      throw error;
    }
  }

  /** Closes everything that is open; every one is tried, failures are thrown together. */
  async [Symbol.asyncDispose](): Promise<void> {
    const open: AsyncDisposable[] = [...this.#open];
    for (const bus of this.#buses.values()) open.push(await bus);
    this.#buses.clear();
    const results = await Promise.allSettled(open.map((one) => one[Symbol.asyncDispose]()));
    const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    if (failures.length > 0) throw new AggregateError(failures, "hardware could not be released");
  }

  /** Whether the right that was missing has been given meanwhile. */
  async #probePath(resource: string): Promise<ResourceRequirement | null> {
    const need = needOf(resource.slice("permission:".length));
    if (need === null) return null;
    const node = await this.#nodeState(need);
    return node === "ok" || node === "EBUSY" ? null : this.#options.requirement(need, node);
  }

  /** One owner per line, chip select and port. */
  async #claimed<T extends AsyncDisposable>(
    name: string,
    open: (release: () => void) => Promise<T>,
  ): Promise<T> {
    if (this.#claims.has(name)) throw this.#busy(name, "has an owner");
    this.#claims.add(name);
    let opened: T | null = null;
    const release = () => {
      this.#claims.delete(name);
      if (opened) this.#open.delete(opened);
    };
    try {
      opened = await open(release);
      this.#open.add(opened);
      return opened;
    } catch (error) {
      release();
      throw error;
    }
  }

  async #require(need: string): Promise<void> {
    const node = await this.#nodeState(need);
    if (node === "ok") return;
    if (node === "EBUSY") throw this.#busy(need, "held by another process");
    const requirement = this.#options.requirement(need, node);
    if (requirement) throw new ResourceRequired(requirement);
  }

  async #nodeState(need: string): Promise<NodeState> {
    const { system, board } = this.#options;
    const [, kind, name = ""] = /^(bus:i2c|bus:spi|serial|gpio):([A-Za-z0-9_.-]+)$/.exec(need) ?? [];
    if (kind === "bus:i2c") return await system.nodeState(`/dev/i2c-${name}`);
    if (kind === "bus:spi") return await system.nodeState(`/dev/spidev${name}`);
    if (kind === "serial") return await system.nodeState(`/dev/${name}`);
    if (kind !== "gpio") return "ok";
    const label = board.chips.find((chip) => chip.name === name || chip.label === name)?.label;
    if (label === undefined || (await globalLine(system, label, 0)) === null) return "missing";
    const files = await system.nodeState(GPIO_EXPORT);
    // The kernel makes the export file write-only; only a refused write counts.
    return files === "missing" ? "missing" : "ok";
  }

  async #module<N extends ModuleName>(name: N): Promise<NativeModules[N]> {
    try {
      return await this.#options.loadModule(name);
    } catch (error) {
      const requirement = this.#options.requirement(`module:${name}`, "missing");
      throw requirement
        ? new ResourceRequired(requirement, error)
        : hardwareError(error, `module:${name}`, false);
    }
  }

  /** A right that is missing only shows when the node is used. */
  async #orPermission<T>(opening: Promise<T>, need: string): Promise<T> {
    try {
      return await opening;
    } catch (error) {
      const errno = errnoOf(error instanceof CodedError ? error.cause : error);
      const requirement =
        errno === "EACCES" || errno === "EPERM" ? this.#options.requirement(need, "EACCES") : null;
      throw requirement ? new ResourceRequired(requirement, error) : error;
    }
  }

  /** The sysfs interface cannot set a pull: only the one the line has from power on can be promised. */
  #checkBias(request: GpioRequest & { direction: "in" }, chip: string, name: string): void {
    if (request.bias === "none") return;
    const wanted = request.bias === "pull-up" ? "up" : "down";
    const entry = this.#options.board.lines.find((line) => line.chip === chip && line.line === request.line);
    if (entry?.reset.pull === wanted) return;
    throw new CodedError(
      "io_error",
      `${name}: the pull cannot be set here; use gpio=${request.line}=p${wanted[0]} in config.txt or a resistor, and declare bias none`,
      {
        details: { target: name, touched: false, bias: request.bias },
      },
    );
  }

  #busy(target: string, why: string): CodedError {
    return new CodedError("target_busy", `${target}: ${why}`, {
      status: 409,
      details: { target, touched: false },
    });
  }
}

/** The need whose node a path is; null for paths this provider never opens. */
function needOf(path: string): string | null {
  const [, i2c, spi, other] = /^\/dev\/(?:i2c-(\d+)|spidev(\d+\.\d+)|([A-Za-z0-9_.-]+))$/.exec(path) ?? [];
  if (i2c !== undefined) return `bus:i2c:${i2c}`;
  if (spi !== undefined) return `bus:spi:${spi}`;
  if (other === undefined) return null;
  return other.startsWith("gpiochip") ? `gpio:${other}` : `serial:${other}`;
}

function moduleOf(resource: string): ModuleName | null {
  const name = resource.startsWith("module:") ? resource.slice("module:".length) : "";
  if (isModuleName(name)) return name;
  if (resource.startsWith("bus:i2c:")) return "i2c-bus";
  if (resource.startsWith("bus:spi:")) return "spi-device";
  if (resource.startsWith("serial:")) return "serialport";
  return resource.startsWith("gpio:") ? "onoff" : null;
}
