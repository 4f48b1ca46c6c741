/** clock.now (capabilities.md 11). */
import { hashJson } from "../../core/hash.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Capability } from "../capability.ts";
import { contract, object, plainTarget } from "./define.ts";

const MAX_MS = Number.MAX_SAFE_INTEGER;

const clockContract = contract({
  id: "clock.now",
  title: "Read the clocks of this device",
  class: "local",
  params: object({}),
  result: object({
    wallMs: { type: "integer", minimum: 0, maximum: MAX_MS },
    monoMs: { type: "integer", minimum: 0, maximum: MAX_MS },
    state: { enum: ["unknown", "floor", "trusted"] },
  }),
  topic: "local://clock",
  action: "read",
  evidence: [{ kind: "clock_read", source: "local://clock" }],
  costMilli: 100,
});

export function clockCapabilities(clock: Clock): readonly Capability[] {
  return [
    {
      contract: clockContract,
      resolve: () => plainTarget({ uri: "local://clock", action: "read", class: "local" }),
      async perform() {
        const payload = { wallMs: clock.wallMs(), monoMs: Math.floor(clock.monoMs()), state: clock.trust() };
        return { result: payload, evidence: [{ kind: "clock_read", source: "local://clock", payload }] };
      },
    },
  ];
}

/** Evidence of a value that was read from the store: its key and its hash, not the value itself. */
export const kvEvidence = (source: string, key: string, value: unknown, trust?: number) => ({
  kind: "kv_read",
  source,
  payload: { key, valueHash: hashJson(value) },
  ...(trust === undefined ? {} : { declaredTrust: trust }),
});
