/** The capabilities of this product as the verifier and replay see them, without a device: nothing here can act. */
import {
  CapabilityRegistry,
  type ChannelDirectory,
  coreCapabilities,
  JobService,
  KvSpaces,
  Outputs,
  type TopicOwner,
} from "../capabilities/index.ts";
import { CodedError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Hardware } from "../ports/hardware.ts";
import type { Store } from "../ports/store.ts";

const detached = (): never => {
  throw new CodedError(
    "no_device",
    "No device is attached here; contracts can be read, nothing can be done.",
  );
};
const refuse = async (): Promise<never> => detached();

const noHardware: Hardware = {
  simulated: false,
  gpio: refuse,
  i2c: refuse,
  spi: refuse,
  serial: refuse,
  probe: refuse,
  [Symbol.asyncDispose]: async () => undefined,
};

const noChannels: ChannelDirectory = {
  gpio: () => null,
  i2c: () => null,
  spi: () => null,
  serial: () => null,
};

const emptyStore: Store = {
  get: async () => undefined,
  getMany: async (_sub, keys) => keys.map(() => undefined),
  batch: refuse,
  async *range() {
    yield* [];
  },
  [Symbol.asyncDispose]: async () => undefined,
};

/** Every line and port: for judging a record, which does not say what the board had. */
export const ANY_CHANNELS: ChannelDirectory = {
  gpio: () => ({ activeLow: false, bias: "none" }),
  i2c: () => ({ known: true }),
  spi: () => ({ options: { mode: 0, speedHz: 1_000_000, bitsPerWord: 8 }, requestFrames: [] }),
  serial: () => ({ baudRate: 9600, parity: "none", stopBits: 1 }),
};

export interface DetachedParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Default: a board without any. */
  readonly channels?: ChannelDirectory;
  /** Whose topics are reserved; default: nobody's. */
  readonly owner?: TopicOwner;
}

/** Outputs that nobody can drive. */
export const detachedOutputs = ({ clock, channels = noChannels }: DetachedParts): Outputs =>
  new Outputs({
    hardware: noHardware,
    clock,
    channels,
    safePrograms: { run: refuse },
    observer: { alert: () => undefined },
  });

/** The same contracts as a running device has, in the same registry version. */
export async function detachedRegistry(parts: DetachedParts): Promise<CapabilityRegistry> {
  const { clock, entropy, channels = noChannels, owner = { fleet: "none", device: "none" } } = parts;
  const outputs = detachedOutputs(parts);
  const jobs = await JobService.open({
    store: emptyStore,
    clock,
    entropy,
    commit: refuse,
    alert: () => undefined,
  });
  return new CapabilityRegistry(
    coreCapabilities({
      hardware: noHardware,
      clock,
      channels,
      outputs,
      sensors: { read: refuse },
      kv: new KvSpaces(emptyStore, clock),
      jobs,
      outbox: { stage: detached },
      shared: { get: () => null, put: detached },
      owner,
    }),
  );
}
