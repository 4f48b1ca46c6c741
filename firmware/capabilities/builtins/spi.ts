/** spi.transfer (capabilities.md 11): a read only where the channel data list the request frame. */
import { toHex } from "../../core/bytes.ts";
import type { JsonObject } from "../../core/json.ts";
import { BUS_LIMITS } from "../../core/limits.ts";
import type { Hardware, SpiOptions } from "../../ports/hardware.ts";
import type { Capability } from "../capability.ts";
import { parseUri } from "../outputs/uris.ts";
import type { ChannelDirectory, SpiChannel } from "../ports.ts";
import { busTarget } from "./bus-target.ts";
import { bytes, contract, integer, name, numberArg, object } from "./define.ts";
import { octetsOf, toBytesValue } from "./octets.ts";

const spiContract = contract({
  id: "spi.transfer",
  title: "Exchange octets under one chip select",
  class: "read",
  params: object(
    {
      input: name,
      output: name,
      data: bytes(1, BUS_LIMITS.spiBytes),
      intent: { enum: ["read", "write"], default: "read" },
      mode: integer(0, 3),
      speedHz: integer(1000, 32_000_000),
      bits: { enum: [8] },
    },
    ["input", "output", "intent", "mode", "speedHz", "bits"],
  ),
  result: object({ data: bytes(0, BUS_LIMITS.spiBytes) }),
  topic: "spi:{input}{output}",
  action: "transfer",
  evidence: [
    { kind: "spi_read", source: "input:{input}" },
    { kind: "spi_write", source: "output:{output}" },
  ],
  costMilli: 500,
  timeoutMs: 250,
});

/** True if the board lists this frame as one that only asks. */
export function isRequestFrame(channel: SpiChannel | null, data: Uint8Array): boolean {
  return (channel?.requestFrames ?? []).some(
    ({ value, mask }) =>
      value.length === data.length &&
      data.every((octet, i) => (octet & (mask[i] ?? 0xff)) === ((value[i] ?? 0) & (mask[i] ?? 0xff))),
  );
}

function optionsOf(args: JsonObject, channel: SpiChannel | null): SpiOptions {
  const asked = numberArg(args, "mode");
  const mode =
    asked === 0 || asked === 1 || asked === 2 || asked === 3 ? asked : (channel?.options.mode ?? 0);
  const speedHz = numberArg(args, "speedHz") ?? channel?.options.speedHz ?? 1_000_000;
  return { mode, speedHz, bitsPerWord: 8 };
}

export function spiCapabilities(hardware: Hardware, channels: ChannelDirectory): readonly Capability[] {
  const channelOf = (uri: string): SpiChannel | null => {
    const address = parseUri(uri);
    return address?.scheme === "spi" ? channels.spi(address.bus, address.chipSelect) : null;
  };
  return [
    {
      contract: spiContract,
      resolve(ctx, args) {
        const data = octetsOf(args, "data");
        return busTarget(ctx, args, {
          scheme: "spi",
          isRead: (address) =>
            args.intent === "read" &&
            address.scheme === "spi" &&
            isRequestFrame(channels.spi(address.bus, address.chipSelect), data),
          writeBytes: data.length,
          known: () => true,
        });
      },
      rehearse: (args) => ({ data: { $bytes: "00".repeat(octetsOf(args, "data").length) } }),
      async perform({ args, target, signal }) {
        const address = parseUri(target.uri);
        if (address?.scheme !== "spi") throw new Error(`${target.uri} is no SPI address`);
        const device = await hardware.spi(address.bus, address.chipSelect);
        const sent = octetsOf(args, "data");
        const got = await device.transfer(sent, optionsOf(args, channelOf(target.uri)), signal);
        const source = target.uri;
        return {
          result: { data: toBytesValue(got) },
          evidence: [
            ...(target.class === "effect"
              ? [{ kind: "spi_write", source, payload: { bytes: toHex(sent) } }]
              : [{ kind: "spi_read", source, payload: { bytes: toHex(got) } }]),
          ],
          readBytes: got.length,
          writtenBytes: sent.length,
        };
      },
    },
  ];
}
