/** A simulated network with virtual time, for tests of what runs on it. */
import { setImmediate as hostTurn } from "node:timers/promises";
import { MqttBus, type MqttBusOptions } from "../../../firmware/adapters/mqtt-bus.ts";
import type { MqttConnection, MqttConnectionOptions } from "../../../firmware/ports/mqtt-connection.ts";
import { SimNetwork, type SimNetworkOptions } from "../../../sim/network/network.ts";
import type { NetworkHost } from "../../../sim/network/wire.ts";
import { type Steps, UNCUT } from "../../../sim/power/steps.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { VirtualClock, VirtualTime } from "../../../sim/time/virtual-clock.ts";
import { silentLog } from "../../fleet/support.ts";

/** 5 ms each way, always: arrivals can be computed by hand. */
export const STEADY = { minUs: 5000 };

export class SimSite {
  readonly time: VirtualTime;
  readonly network: SimNetwork;
  readonly seed: string;
  readonly records: { readonly actor: string; readonly kind: string }[] = [];

  constructor(options: Partial<Omit<SimNetworkOptions, "time" | "record">> = {}) {
    this.seed = options.seed ?? "1";
    this.time = new VirtualTime({
      order: { mode: "random", entropy: new SeededEntropy(this.seed, "sched") },
      turn: async () => {
        await hostTurn();
      },
    });
    this.network = new SimNetwork({
      link: STEADY,
      ...options,
      seed: this.seed,
      time: this.time,
      record: (actor, kind) => this.records.push({ actor, kind }),
    });
  }

  host(steps: Steps = UNCUT, frozenUntilUs?: () => number): NetworkHost {
    const clock = new VirtualClock({
      time: this.time,
      wall0Ms: 1_700_000_000_000,
      bootId: "00000000000000b1",
      ...(frozenUntilUs ? { frozenUntilUs } : {}),
    });
    return { clock, steps, ...(frozenUntilUs ? { frozenUntilUs } : {}) };
  }

  bus(actor: string, options: Partial<MqttBusOptions> = {}, host = this.host()): MqttBus {
    return new MqttBus({
      connect: this.network.connectFor(actor, host),
      clientId: actor,
      clock: host.clock,
      entropy: new SeededEntropy(this.seed, `device:${actor}`),
      log: silentLog,
      ...options,
    });
  }

  /** One connection, not opened. */
  connection(
    actor: string,
    options: Partial<MqttConnectionOptions> = {},
    host: NetworkHost = this.host(),
  ): MqttConnection {
    return this.network.connectFor(
      actor,
      host,
    )({
      protocol: "5",
      clientId: actor,
      keepaliveSeconds: 15,
      connectTimeoutMs: 10_000,
      ackTimeoutMs: 10_000,
      maxPacketBytes: 65_536,
      onMessage: () => undefined,
      ...options,
    });
  }

  /** An open connection. */
  async opened(
    actor: string,
    options: Partial<MqttConnectionOptions> = {},
    host: NetworkHost = this.host(),
  ): Promise<MqttConnection> {
    const connection = this.connection(actor, options, host);
    await this.time.settle(connection.open());
    return connection;
  }

  async until(what: string, condition: () => boolean, withinMs = 120_000): Promise<void> {
    const endUs = this.time.nowUs + withinMs * 1000;
    while (!condition()) {
      if (this.time.nowUs >= endUs) throw new Error(`Not within ${withinMs} ms: ${what}`);
      await this.time.runFor(1);
    }
  }
}
