/** The real built-in capabilities over an in-memory store and a test board. */
import {
  type Capability,
  coreCapabilities,
  JobService,
  KvSpaces,
  type Outputs,
} from "../../firmware/capabilities/index.ts";
import type { Json } from "../../firmware/core/json.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import type { ManualClock } from "../support/manual-clock.ts";
import { CHANNELS, type TestHardware } from "./harness.ts";

export const entropy: Entropy = (() => {
  let n = 0;
  return {
    bytes: (length: number) => new Uint8Array(length).map(() => n++ & 0xff),
    below: () => 0,
    float: () => 0.5,
  };
})();

export interface Device {
  readonly store: MemoryStore;
  readonly jobs: JobService;
  readonly published: { topic: string; payload: Json }[];
  readonly shared: Map<string, { value: Json; writer: string }>;
  build(parts: { hardware: TestHardware; outputs: Outputs; clock: ManualClock }): readonly Capability[];
}

export async function openDevice(clock: ManualClock, store = new MemoryStore()): Promise<Device> {
  const commit = (ops: Parameters<MemoryStore["batch"]>[0]) => store.batch(ops, { sync: true });
  const jobs = await JobService.open({ store, clock, entropy, commit, alert: () => undefined });
  const published: { topic: string; payload: Json }[] = [];
  const shared = new Map<string, { value: Json; writer: string }>();
  return {
    store,
    jobs,
    published,
    shared,
    build: (parts) =>
      coreCapabilities({
        ...parts,
        channels: CHANNELS,
        sensors: { read: async () => ({ value: 21.5, unit: "Cel", quality: "ok" }) },
        kv: new KvSpaces(store, parts.clock),
        jobs,
        outbox: {
          stage: (_runId, { topic, payload }) => {
            published.push({ topic, payload });
            return { outboxId: `m${published.length}`, ops: [] };
          },
        },
        shared: {
          get: (key) => shared.get(key) ?? null,
          put: (_runId, key, value) => {
            shared.set(key, { value, writer: "d1" });
            return { ops: [] };
          },
        },
        owner: { fleet: "farm", device: "d1" },
      }),
  };
}
