/** i2c.read, i2c.write and i2c.transfer (capabilities.md 11). A register pointer is a write on the wire. */
import { concat, toHex } from "../../core/bytes.ts";
import type { JsonObject } from "../../core/json.ts";
import { BUS_LIMITS } from "../../core/limits.ts";
import type { Hardware } from "../../ports/hardware.ts";
import type { Capability, DriverOutcome, Invocation } from "../capability.ts";
import { type HardwareUri, parseUri } from "../outputs/uris.ts";
import type { ChannelDirectory } from "../ports.ts";
import { type BusQuestion, busTarget } from "./bus-target.ts";
import { bytes, contract, integer, name, numberArg, object } from "./define.ts";
import { octetsOf, registerPointer, toBytesValue } from "./octets.ts";

/** A request of this many octets at most can be a register pointer; more is a command. */
const POINTER_BYTES = 2;

const address = { bus: integer(0, 255), address: integer(0x08, 0x77) };
const register = {
  register: integer(0, 65_535),
  registerBytes: { type: "integer", enum: [1, 2], default: 1 },
} as const;
const common = {
  resources: [],
  costMilli: 500,
  timeoutMs: BUS_LIMITS.i2cMs,
  action: "read",
} as const;

const readContract = contract({
  ...common,
  id: "i2c.read",
  title: "Read octets from a device",
  class: "read",
  params: object({ input: name, ...address, length: integer(1, 255), ...register }, [
    "input",
    "bus",
    "address",
    "register",
    "registerBytes",
  ]),
  result: object({ data: bytes(0, 255) }),
  topic: "i2c://{bus}/{address}",
  evidence: [{ kind: "i2c_read", source: "i2c://{bus}/{address}" }],
  exclusive: "i2c:{bus}",
  errors: ["nack", "bus_stuck"],
});

const writeContract = contract({
  ...common,
  id: "i2c.write",
  title: "Write octets to an output device",
  class: "effect",
  action: "write",
  params: object({ output: name, data: bytes(1, 255), ...register }, ["register", "registerBytes"]),
  result: object({ written: integer(0, 257) }),
  topic: "output:{output}",
  evidence: [{ kind: "i2c_write", source: "output:{output}" }],
  exclusive: "output:{output}",
  errors: ["nack"],
});

const transferContract = contract({
  ...common,
  id: "i2c.transfer",
  title: "Write, then read with a repeated start",
  class: "read",
  action: "transfer",
  params: object({ input: name, output: name, write: bytes(0, 32), readLength: integer(0, 255) }, [
    "input",
    "output",
  ]),
  positional: [],
  result: object({ data: bytes(0, 255) }),
  topic: "i2c:{input}{output}",
  evidence: [
    { kind: "i2c_read", source: "input:{input}" },
    { kind: "i2c_write", source: "output:{output}" },
  ],
  errors: ["nack"],
});

function questionOf(
  channels: ChannelDirectory,
  args: JsonObject,
  written: number,
  reads: boolean,
): BusQuestion {
  const bus = numberArg(args, "bus");
  const device = numberArg(args, "address");
  const raw: HardwareUri | null =
    bus === undefined || device === undefined ? null : { scheme: "i2c", bus, address: device };
  return {
    scheme: "i2c",
    ...(raw ? { raw } : {}),
    isRead: () => reads && written <= POINTER_BYTES,
    writeBytes: written,
    known: (uri) => uri.scheme === "i2c" && channels.i2c(uri.bus, uri.address)?.known !== false,
  };
}

async function exchange(
  hardware: Hardware,
  call: Invocation,
  write: Uint8Array,
  readLength: number,
): Promise<{ readonly data: Uint8Array; readonly outcome: DriverOutcome }> {
  const uri = parseUri(call.target.uri);
  if (uri?.scheme !== "i2c") throw new Error(`${call.target.uri} is no I2C address`);
  const bus = await hardware.i2c(uri.bus);
  const data = await bus.transfer(uri.address, write, readLength, call.signal);
  const source = call.target.uri;
  const isEffect = call.target.class === "effect";
  const evidence = [
    ...(isEffect ? [{ kind: "i2c_write", source, payload: { bytes: toHex(write) } }] : []),
    ...(readLength > 0 ? [{ kind: "i2c_read", source, payload: { bytes: toHex(data) } }] : []),
  ];
  const outcome = {
    result: { data: toBytesValue(data) },
    evidence,
    readBytes: data.length,
    writtenBytes: write.length,
  };
  return { data, outcome };
}

export function i2cCapabilities(hardware: Hardware, channels: ChannelDirectory): readonly Capability[] {
  const payloadOf = (args: JsonObject): Uint8Array => concat(registerPointer(args), octetsOf(args, "data"));
  return [
    {
      contract: readContract,
      resolve: (ctx, args) =>
        busTarget(ctx, args, questionOf(channels, args, registerPointer(args).length, true)),
      async perform(call) {
        const length = numberArg(call.args, "length") ?? 1;
        return (await exchange(hardware, call, registerPointer(call.args), length)).outcome;
      },
    },
    {
      contract: writeContract,
      resolve: (ctx, args) => busTarget(ctx, args, questionOf(channels, args, payloadOf(args).length, false)),
      rehearse: (args) => ({ written: payloadOf(args).length }),
      async perform(call) {
        const write = payloadOf(call.args);
        const { outcome } = await exchange(hardware, call, write, 0);
        return { ...outcome, result: { written: write.length } };
      },
    },
    {
      contract: transferContract,
      resolve: (ctx, args) =>
        busTarget(
          ctx,
          args,
          questionOf(channels, args, octetsOf(args, "write").length, numberArg(args, "readLength") !== 0),
        ),
      rehearse: (args) => ({ data: { $bytes: "00".repeat(numberArg(args, "readLength") ?? 0) } }),
      async perform(call) {
        const readLength = numberArg(call.args, "readLength") ?? 0;
        return (await exchange(hardware, call, octetsOf(call.args, "write"), readLength)).outcome;
      },
    },
  ];
}
