/** serial.read and serial.write (capabilities.md 11). A port has one owner; framing belongs to the channel data. */
import { toHex } from "../../core/bytes.ts";
import { CodedError } from "../../core/errors.ts";
import { BUS_LIMITS } from "../../core/limits.ts";
import type { Hardware, SerialLine } from "../../ports/hardware.ts";
import type { Capability } from "../capability.ts";
import { parseUri } from "../outputs/uris.ts";
import type { ChannelDirectory } from "../ports.ts";
import { busTarget } from "./bus-target.ts";
import { boolean, bytes, contract, integer, name, numberArg, object } from "./define.ts";
import { octetsOf, toBytesValue } from "./octets.ts";

const MARGIN_MS = 250;

const readContract = contract({
  id: "serial.read",
  title: "Read octets from a bound port",
  class: "read",
  params: object(
    {
      input: name,
      maxBytes: integer(1, BUS_LIMITS.serialBytes),
      until: bytes(1, 8),
      withinMs: { ...integer(0, BUS_LIMITS.serialWaitMs), default: 1000 },
    },
    ["until", "withinMs"],
  ),
  result: object({ data: bytes(0, BUS_LIMITS.serialBytes), timedOut: boolean }),
  topic: "input:{input}",
  action: "read",
  evidence: [{ kind: "serial_read", source: "input:{input}" }],
  costMilli: 500,
  timeoutMs: BUS_LIMITS.serialWaitMs + MARGIN_MS,
  errors: ["framing"],
});

const writeContract = contract({
  id: "serial.write",
  title: "Write octets to an output port",
  class: "effect",
  params: object({ output: name, data: bytes(1, BUS_LIMITS.serialBytes) }),
  result: object({ written: integer(0, BUS_LIMITS.serialBytes) }),
  topic: "output:{output}",
  action: "write",
  evidence: [{ kind: "serial_write", source: "output:{output}" }],
  costMilli: 500,
  timeoutMs: 5000,
});

export function serialCapabilities(hardware: Hardware, channels: ChannelDirectory): readonly Capability[] {
  const open = (uri: string): Promise<SerialLine> => {
    const address = parseUri(uri);
    const options = address?.scheme === "serial" ? channels.serial(address.port) : null;
    if (address?.scheme !== "serial" || !options) {
      throw new CodedError("io_error", "The board has no channel data for this port.", {
        details: { target: uri, touched: false },
      });
    }
    return hardware.serial(address.port, options);
  };
  const known = (port: string): boolean => channels.serial(port) !== null;
  return [
    {
      contract: readContract,
      resolve: (ctx, args) =>
        busTarget(ctx, args, {
          scheme: "serial",
          isRead: () => true,
          writeBytes: 0,
          known: (address) => address.scheme === "serial" && known(address.port),
        }),
      timeoutMs: (args) => (numberArg(args, "withinMs") ?? 1000) + MARGIN_MS,
      async perform({ args, target, signal }) {
        const line = await open(target.uri);
        const until = octetsOf(args, "until");
        const request = {
          maxBytes: numberArg(args, "maxBytes") ?? BUS_LIMITS.serialBytes,
          withinMs: numberArg(args, "withinMs") ?? 1000,
          ...(until.length > 0 ? { until } : {}),
        };
        const { data, timedOut } = await line.read(request, signal);
        return {
          result: { data: toBytesValue(data), timedOut },
          evidence: [{ kind: "serial_read", source: target.uri, payload: { bytes: toHex(data), timedOut } }],
          readBytes: data.length,
        };
      },
    },
    {
      contract: writeContract,
      resolve: (ctx, args) =>
        busTarget(ctx, args, {
          scheme: "serial",
          isRead: () => false,
          writeBytes: octetsOf(args, "data").length,
          known: (address) => address.scheme === "serial" && known(address.port),
        }),
      rehearse: (args) => ({ written: octetsOf(args, "data").length }),
      async perform({ args, target, signal }) {
        const line = await open(target.uri);
        const data = octetsOf(args, "data");
        await line.write(data, signal);
        return {
          result: { written: data.length },
          evidence: [{ kind: "serial_write", source: target.uri, payload: { bytes: toHex(data) } }],
          writtenBytes: data.length,
        };
      },
    },
  ];
}
