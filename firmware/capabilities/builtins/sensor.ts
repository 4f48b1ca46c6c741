/** sensor.read: a bound input through its device driver (capabilities.md 11). */
import type { Binding } from "../../policy/types.ts";
import type { Capability } from "../capability.ts";
import { exclusiveOf, parseUri, resourceOf } from "../outputs/uris.ts";
import type { SensorPort } from "../ports.ts";
import {
  bindingOf,
  contract,
  json,
  name,
  object,
  plainTarget,
  text,
  textArg,
  undefinedTarget,
} from "./define.ts";

const sensorContract = contract({
  id: "sensor.read",
  title: "Read a bound sensor channel",
  class: "read",
  params: object({ input: name }),
  result: object(
    { value: json, unit: { type: ["string", "null"], maxLength: 32 }, raw: json, quality: text(32) },
    ["raw"],
  ),
  topic: "input:{input}",
  action: "read",
  evidence: [{ kind: "sensor_reading", source: "input:{input}" }],
  exclusive: "input:{input}",
  costMilli: 500,
  timeoutMs: 1000,
  errors: ["sensor_fault", "reading_out_of_range"],
});

/** A binding may give its readings a kind that the policy declares. */
const kindOf = (binding: Binding | null | undefined): string =>
  binding?.kind.startsWith("x_") ? binding.kind : "sensor_reading";

export function sensorCapabilities(sensors: SensorPort): readonly Capability[] {
  return [
    {
      contract: sensorContract,
      resolve(ctx, args) {
        const wanted = textArg(args, "input") ?? "";
        const binding = bindingOf(ctx.policy, wanted);
        if (!binding) return undefinedTarget("binding", wanted, "read", "read");
        const address = parseUri(binding.uri);
        const resource = address ? resourceOf(address) : null;
        return plainTarget({
          uri: binding.uri,
          action: "read",
          class: "read",
          resources: resource === null ? [] : [resource],
          exclusive: address ? exclusiveOf(address) : null,
        });
      },
      async perform({ ctx, args, target, signal }) {
        const { value, unit, raw, quality } = await sensors.read(target.uri, signal);
        const payload = { value, unit, ...(raw === undefined ? {} : { raw }), quality };
        return {
          result: payload,
          evidence: [
            {
              kind: kindOf(bindingOf(ctx.policy, textArg(args, "input") ?? "")),
              source: target.uri,
              payload,
            },
          ],
          readBytes: JSON.stringify(payload).length,
        };
      },
    },
  ];
}
