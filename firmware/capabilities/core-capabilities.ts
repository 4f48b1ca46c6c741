/** All built-in capabilities of the core, over the parts of one device (capabilities.md 11). */
import type { Clock } from "../ports/clock.ts";
import type { Hardware } from "../ports/hardware.ts";
import type { StoreOp } from "../ports/store.ts";
import { clockCapabilities } from "./builtins/clock.ts";
import { gpioCapabilities } from "./builtins/gpio.ts";
import { i2cCapabilities } from "./builtins/i2c.ts";
import { kvCapabilities } from "./builtins/kv.ts";
import { type KvSpaces, kvOps } from "./builtins/kv-store.ts";
import { mqttCapabilities } from "./builtins/mqtt.ts";
import { queueCapabilities } from "./builtins/queue.ts";
import { sensorCapabilities } from "./builtins/sensor.ts";
import { serialCapabilities } from "./builtins/serial.ts";
import { sharedCapabilities } from "./builtins/shared.ts";
import { spiCapabilities } from "./builtins/spi.ts";
import type { Capability } from "./capability.ts";
import type { RunContext } from "./context.ts";
import type { JobService } from "./jobs/job-service.ts";
import type { Outputs } from "./outputs/outputs.ts";
import type { ChannelDirectory, OutboxPort, SensorPort, SharedStatePort } from "./ports.ts";
import type { TopicOwner } from "./publish-topic.ts";

export interface CoreParts {
  readonly hardware: Hardware;
  readonly clock: Clock;
  readonly channels: ChannelDirectory;
  readonly outputs: Outputs;
  readonly sensors: SensorPort;
  readonly kv: KvSpaces;
  readonly jobs: JobService;
  readonly outbox: OutboxPort;
  readonly shared: SharedStatePort;
  readonly owner: TopicOwner;
}

export function coreCapabilities(parts: CoreParts): readonly Capability[] {
  return [
    ...gpioCapabilities(parts),
    ...i2cCapabilities(parts.hardware, parts.channels),
    ...spiCapabilities(parts.hardware, parts.channels),
    ...serialCapabilities(parts.hardware, parts.channels),
    ...sensorCapabilities(parts.sensors),
    ...kvCapabilities(parts.kv),
    ...queueCapabilities(parts.jobs),
    ...clockCapabilities(parts.clock),
    ...mqttCapabilities(parts.outbox, parts.owner),
    ...sharedCapabilities(parts.shared, parts.owner.device),
  ];
}

/** What a run has staged and makes durable by settling: key-value writes, jobs, outbox items, shared values. */
export const settlementOps = (ctx: RunContext): readonly StoreOp[] => [...kvOps(ctx), ...ctx.staged];
