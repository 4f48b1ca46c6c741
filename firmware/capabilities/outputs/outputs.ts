/**
 * The outputs of this device: opened at first use, owned by the daemon, driven to their declared safe state
 * whenever something goes wrong (capabilities.md 9). Driving to safety passes no queue, guard, budget or store.
 */
import { codeOf, messageOf, type Refusal, refusal } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { SAFE_STATE_LIMITS } from "../../core/limits.ts";
import type { Output, SafeState } from "../../policy/types.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GpioLine, Hardware, Level } from "../../ports/hardware.ts";
import type { ChannelDirectory, Observer, SafeProgramRunner } from "../ports.ts";
import { within } from "./deadline.ts";
import { ToggleWindow } from "./toggles.ts";
import { parseUri } from "./uris.ts";

export interface OutputsParts {
  readonly hardware: Hardware;
  readonly clock: Clock;
  readonly channels: ChannelDirectory;
  readonly safePrograms: SafeProgramRunner;
  readonly observer: Pick<Observer, "alert">;
}

export interface WriteResult {
  readonly value: Level;
  /** Level before, null when it was not known. */
  readonly previous: Level | null;
  readonly readback: Level;
}

interface Channel {
  line: Promise<GpioLine> | null;
  level: Level | null;
  readonly toggles: ToggleWindow;
  /** Grows with every drive to safety, so that a write that lands late is noticed. */
  safeDrives: number;
}

const invert = (value: Level, activeLow: boolean): Level => (activeLow ? (value === 0 ? 1 : 0) : value);
const plain = (safe: SafeState): 0 | 1 | "hold" | JsonObject =>
  typeof safe === "object" ? { program: safe.program } : safe;

export class Outputs {
  readonly #parts: OutputsParts;
  readonly #channels = new Map<string, Channel>();

  constructor(parts: OutputsParts) {
    this.#parts = parts;
  }

  /** The level that this device drives on a line, or null if it drives none or does not know. */
  drivenLevel(uri: string): Level | null {
    return this.#channels.get(uri)?.level ?? null;
  }

  /** Refuses the level change that would exceed `maxTogglesPerMin`; a change to the safe value is always allowed. */
  checkToggle(output: Output, value: Level): Refusal | null {
    const limit = output.maxTogglesPerMin;
    const channel = this.#channels.get(output.uri);
    if (limit === null || value === output.safe || !channel || channel.level === value) return null;
    return channel.toggles.countAt(this.#parts.clock.monoMs()) >= limit
      ? refusal("value_out_of_range", 422, { limit: "toggles", maxTogglesPerMin: limit, output: output.name })
      : null;
  }

  /**
   * Sets a GPIO output and reads it back. @throws CodedError of the line, `io_error` for an output that is no GPIO.
   */
  async write(output: Output, value: Level): Promise<WriteResult> {
    const channel = this.#channel(output.uri);
    const drivesBefore = channel.safeDrives;
    const previous = channel.level;
    try {
      const readback = await this.#setLevel(output, channel, value);
      return { value, previous, readback };
    } finally {
      // A write that was overtaken by a drive to safety must not have the last word.
      if (channel.safeDrives !== drivesBefore) await this.driveSafe(output, "overtaken");
    }
  }

  /**
   * Drives one output to its declared safe state. Never rejects; what could not be driven is released and told as
   * alert `safe_state_failed`. Idempotent. The answer goes into records: {output, safe, driven, value?}.
   */
  async driveSafe(output: Output, reason: string): Promise<JsonObject> {
    const { safe, name } = output;
    const record = { output: name, safe: plain(safe) };
    const channel = this.#channel(output.uri);
    channel.safeDrives++;
    if (safe === "hold") return { ...record, driven: "held", value: channel.level };
    try {
      if (typeof safe === "object") await this.#runSafeProgram(output, safe.program);
      else await this.#setWithRetries(output, channel, safe);
      return { ...record, driven: true };
    } catch (error) {
      await this.#releaseInTime(output, channel);
      this.#parts.observer.alert("safe_state_failed", {
        output: name,
        reason,
        code: codeOf(error),
        message: messageOf(error),
      });
      return { ...record, driven: false };
    }
  }

  /** Drives every output, in policy order, all at once: each has its own line and its own 300 ms at most. */
  async driveAllSafe(outputs: readonly Output[], reason: string): Promise<readonly JsonObject[]> {
    return Promise.all(outputs.map((output) => this.driveSafe(output, reason)));
  }

  /** Closes all lines as they stand; call after `driveAllSafe` at shutdown. */
  async close(): Promise<void> {
    for (const channel of this.#channels.values()) await this.#closeLine(channel);
  }

  #channel(uri: string): Channel {
    const known = this.#channels.get(uri);
    if (known) return known;
    const fresh: Channel = { line: null, level: null, toggles: new ToggleWindow(), safeDrives: 0 };
    this.#channels.set(uri, fresh);
    return fresh;
  }

  /** `activeLow` is applied here and nowhere else. */
  async #setLevel(output: Output, channel: Channel, value: Level): Promise<Level> {
    const activeLow = this.#activeLow(output.uri);
    const line = await this.#line(output, channel, invert(value, activeLow));
    const before = channel.level;
    channel.level = null;
    await line.write(invert(value, activeLow));
    const readback = invert(await line.read(), activeLow);
    channel.level = readback;
    if (before !== null && before !== readback) channel.toggles.add(this.#parts.clock.monoMs());
    return readback;
  }

  async #setWithRetries(output: Output, channel: Channel, safe: Level): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const readback = await within(
          this.#parts.clock,
          SAFE_STATE_LIMITS.writeMs,
          this.#setLevel(output, channel, safe),
        );
        if (readback === safe) return;
        throw new Error(`the line reads ${readback} instead of ${safe}`);
      } catch (error) {
        if (attempt === SAFE_STATE_LIMITS.attempts) throw error;
      }
    }
  }

  async #runSafeProgram(output: Output, program: string): Promise<void> {
    const abort = new AbortController();
    try {
      const run = this.#parts.safePrograms.run(program, output.name, abort.signal);
      await within(this.#parts.clock, SAFE_STATE_LIMITS.programMs, run);
    } finally {
      abort.abort();
    }
  }

  #activeLow(uri: string): boolean {
    const address = parseUri(uri);
    return address?.scheme === "gpio"
      ? (this.#parts.channels.gpio(address.chip, address.line)?.activeLow ?? false)
      : false;
  }

  /** Opens the line with its safe level where one is declared, so that opening alone never switches anything on. */
  #line(output: Output, channel: Channel, electrical: Level): Promise<GpioLine> {
    const address = parseUri(output.uri);
    if (address?.scheme !== "gpio") {
      return Promise.reject(new Error(`output ${output.name} is no GPIO line`));
    }
    if (!channel.line) {
      const { safe } = output;
      const initial = safe === 0 || safe === 1 ? invert(safe, this.#activeLow(output.uri)) : electrical;
      const { chip, line } = address;
      const opening = this.#parts.hardware.gpio({ chip, line, direction: "out", initial });
      channel.line = opening;
      opening.catch(() => {
        if (channel.line === opening) channel.line = null;
      });
    }
    return channel.line;
  }

  async #releaseInTime(output: Output, channel: Channel): Promise<void> {
    try {
      await within(this.#parts.clock, SAFE_STATE_LIMITS.releaseMs, this.#release(output, channel));
    } catch (error) {
      this.#parts.observer.alert("output_not_released", { output: output.name, message: messageOf(error) });
    }
  }

  /** The last resort for a line that cannot be driven: it becomes an input. */
  async #release(output: Output, channel: Channel): Promise<void> {
    const address = parseUri(output.uri);
    await this.#closeLine(channel);
    channel.level = null;
    if (address?.scheme !== "gpio") return;
    try {
      const { chip, line } = address;
      const { clock, hardware } = this.#parts;
      const opened = hardware.gpio({ chip, line, direction: "in", bias: "none" });
      const input = await within(clock, SAFE_STATE_LIMITS.writeMs, opened);
      await input[Symbol.asyncDispose]();
    } catch (error) {
      this.#parts.observer.alert("output_not_released", { output: output.name, message: messageOf(error) });
    }
  }

  async #closeLine(channel: Channel): Promise<void> {
    const opening = channel.line;
    channel.line = null;
    if (!opening) return;
    try {
      const line = await within(this.#parts.clock, SAFE_STATE_LIMITS.writeMs, opening);
      await within(
        this.#parts.clock,
        SAFE_STATE_LIMITS.writeMs,
        Promise.resolve(line[Symbol.asyncDispose]()),
      );
    } catch (error) {
      this.#parts.observer.alert("output_not_closed", { message: messageOf(error) });
    }
  }
}
