/** gpio.read and gpio.write (capabilities.md 11). */
import { CodedError, refusal } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { BUS_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GpioLine, Hardware, Level } from "../../ports/hardware.ts";
import type { Capability, Target } from "../capability.ts";
import type { RunContext } from "../context.ts";
import type { Outputs } from "../outputs/outputs.ts";
import { parseUri } from "../outputs/uris.ts";
import type { ChannelDirectory } from "../ports.ts";
import {
  bindingOf,
  contract,
  integer,
  level,
  name,
  numberArg,
  object,
  outputOf,
  plainTarget,
  text,
  textArg,
  undefinedTarget,
  wrongScheme,
} from "./define.ts";

const DEFAULT_CHIP = "gpiochip0";

export interface GpioParts {
  readonly hardware: Hardware;
  readonly channels: ChannelDirectory;
  readonly outputs: Outputs;
  readonly clock: Clock;
}

const readContract = contract({
  id: "gpio.read",
  title: "Read the level of a line",
  class: "read",
  params: object({ input: name, chip: text(32, "^[a-z0-9]+$"), line: integer(0, 255) }, [
    "input",
    "chip",
    "line",
  ]),
  positional: ["input"],
  result: object({ value: level, driven: { type: "boolean" } }, ["driven"]),
  topic: "gpio://{chip}/{line}",
  action: "read",
  resources: ["gpio:{chip}"],
  evidence: [{ kind: "gpio_read", source: "gpio://{chip}/{line}" }],
  exclusive: "gpio://{chip}/{line}",
  costMilli: 200,
  timeoutMs: BUS_LIMITS.gpioMs,
});

const writeContract = contract({
  id: "gpio.write",
  title: "Set an output line",
  class: "effect",
  params: object({ output: name, value: level }),
  result: object({
    value: level,
    previous: { type: ["integer", "null"], minimum: 0, maximum: 1 },
    readback: level,
  }),
  topic: "output:{output}",
  action: "write",
  evidence: [{ kind: "gpio_write", source: "output:{output}" }],
  exclusive: "output:{output}",
  costMilli: 500,
  timeoutMs: BUS_LIMITS.gpioMs,
  errors: ["readback_mismatch"],
});

function readTarget(ctx: RunContext, args: JsonObject, channels: ChannelDirectory): Target {
  const input = textArg(args, "input");
  const binding = input === undefined ? undefined : bindingOf(ctx.policy, input);
  if (input !== undefined && !binding) return undefinedTarget("binding", input, "read", "read");
  const line = numberArg(args, "line");
  const uri = binding?.uri ?? `gpio://${textArg(args, "chip") ?? DEFAULT_CHIP}/${line ?? "?"}`;
  const base = { uri, action: "read", class: "read" as const };
  const address = parseUri(uri);
  if (address?.scheme !== "gpio") return plainTarget({ ...base, problem: wrongScheme(uri, "gpio") });
  return plainTarget({
    ...base,
    bound:
      ctx.policy.bindings.some((one) => one.uri === uri) || ctx.policy.outputs.some((one) => one.uri === uri),
    resources: [`gpio:${address.chip}`],
    exclusive: uri,
    problem: channels.gpio(address.chip, address.line)
      ? null
      : refusal("unknown_target", 404, { target: uri }),
  });
}

/** Input lines stay open: a line that is opened anew for every read would lose its bias in between. */
class InputLines {
  readonly #parts: GpioParts;
  readonly #lines = new Map<string, Promise<GpioLine>>();

  constructor(parts: GpioParts) {
    this.#parts = parts;
  }

  open(uri: string): Promise<GpioLine> {
    const address = parseUri(uri);
    if (address?.scheme !== "gpio") return Promise.reject(new Error(`${uri} is no GPIO line`));
    const known = this.#lines.get(uri);
    if (known !== undefined) return known;
    const { chip, line } = address;
    const bias = this.#parts.channels.gpio(chip, line)?.bias ?? "none";
    const opening = this.#parts.hardware.gpio({ chip, line, direction: "in", bias });
    this.#lines.set(uri, opening);
    opening.catch(() => this.#lines.delete(uri));
    return opening;
  }
}

export function gpioCapabilities(parts: GpioParts): readonly Capability[] {
  const inputs = new InputLines(parts);
  const electrical = (uri: string, value: Level): Level => {
    const address = parseUri(uri);
    const channel = address?.scheme === "gpio" ? parts.channels.gpio(address.chip, address.line) : null;
    return channel?.activeLow ? (value === 0 ? 1 : 0) : value;
  };
  const read: Capability = {
    contract: readContract,
    resolve: (ctx, args) => readTarget(ctx, args, parts.channels),
    async perform({ target }) {
      const driven = parts.outputs.drivenLevel(target.uri);
      if (driven !== null) {
        // The level that this device drives proves its own command, not the world.
        const payload = { value: driven, driven: true };
        return {
          result: payload,
          evidence: [{ kind: "gpio_write", source: target.uri, payload }],
          readBytes: 1,
        };
      }
      const line = await inputs.open(target.uri);
      const value = electrical(target.uri, await line.read());
      return {
        result: { value },
        evidence: [{ kind: "gpio_read", source: target.uri, payload: { value } }],
        readBytes: 1,
      };
    },
  };
  return [read, writeCapability(parts)];
}

function writeCapability(parts: GpioParts): Capability {
  return {
    contract: writeContract,
    resolve(ctx, args) {
      const wanted = textArg(args, "output") ?? "";
      const output = outputOf(ctx.policy, wanted);
      if (!output) return undefinedTarget("output", wanted, "effect", "write");
      const address = parseUri(output.uri);
      const base = { uri: output.uri, action: "write", class: "effect" as const, output };
      if (address?.scheme !== "gpio") {
        return plainTarget({
          ...base,
          problem: refusal("output_mismatch", 422, { output: wanted, uri: output.uri }),
        });
      }
      return plainTarget({
        ...base,
        resources: [`gpio:${address.chip}`],
        exclusive: output.uri,
        safeValue: args.value === output.safe,
        writeBytes: 1,
        problem: parts.channels.gpio(address.chip, address.line)
          ? null
          : refusal("unknown_target", 404, { target: output.uri }),
      });
    },
    rehearse: (args) => ({ value: args.value ?? 0, previous: null, readback: args.value ?? 0 }),
    async perform({ args, target }) {
      const value: Level = args.value === 1 ? 1 : 0;
      const { output } = target;
      if (!output) throw new Error("gpio.write without an output");
      const written = await parts.outputs.write(output, value);
      if (written.readback !== value) {
        throw new CodedError("readback_mismatch", "The line does not follow its command.", {
          status: 500,
          details: { target: output.uri, value: written.readback },
        });
      }
      const payload = { value: written.value, previous: written.previous, readback: written.readback };
      return {
        result: payload,
        evidence: [{ kind: "gpio_write", source: output.uri, payload }],
        writtenBytes: 1,
      };
    },
  };
}
