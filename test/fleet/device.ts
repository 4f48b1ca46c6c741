/** The fleet part of a device, put together as the daemon does, over a given bus and a committer without a ledger. */
import { type Ed25519KeyPair, keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { sha256Hex } from "../../firmware/core/hash.ts";
import { deviceIdOf, type KeyRecord, keyIdOf, type Scope } from "../../firmware/core/key-record.ts";
import {
  Challenge,
  type CommandHandler,
  CommandService,
  type Committer,
  deviceTopics,
  gapReporter,
  Outbox,
} from "../../firmware/fleet/index.ts";
import type { LedgerEvent } from "../../firmware/ledger/types.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { MessageBus } from "../../firmware/ports/message-bus.ts";
import type { Store } from "../../firmware/ports/store.ts";
import { entropy, silentLog } from "./support.ts";

export const FLEET = "plant";
export const deviceKey = keyPairFromSeed(new Uint8Array(32).fill(7));
export const DEVICE = deviceIdOf(deviceKey.publicKeyHex);
export const topics = deviceTopics(FLEET, DEVICE);

/** Remembers what was committed; `failing` makes the next commits fail as a full disk does. */
export class RecordingCommitter implements Committer {
  readonly events: LedgerEvent[] = [];
  failing = false;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async commit(unit: Parameters<Committer["commit"]>[0]) {
    if (this.failing) throw new Error("no space left on device");
    await this.#store.batch(unit.ops, { sync: true });
    return unit.events.map((event) => ({ index: this.events.push(event) - 1, hash: sha256Hex(event.kind) }));
  }
}

export const keyRecord = (pair: Ed25519KeyPair, scopes: readonly Scope[]): KeyRecord => ({
  keyId: keyIdOf(pair.publicKeyHex),
  publicKey: pair.publicKeyHex,
  alg: "ed25519",
  owner: "test",
  scopes,
  audience: "*",
  notBefore: 0,
  expiresAt: 9_000_000_000_000,
  status: "active",
  retiredAt: null,
  revokedAt: null,
  reason: null,
});

export interface TestDevice extends AsyncDisposable {
  readonly committer: RecordingCommitter;
  readonly outbox: Outbox;
  readonly commands: CommandService;
  readonly challenge: Challenge;
}

export async function startDevice(options: {
  readonly bus: MessageBus;
  readonly store: Store;
  readonly clock: Clock;
  readonly keys: readonly KeyRecord[];
  readonly handlers: Readonly<Record<string, CommandHandler>>;
  readonly maxItems?: number;
}): Promise<TestDevice> {
  const { bus, store, clock, keys, handlers } = options;
  const committer = new RecordingCommitter(store);
  const identity = { id: DEVICE, bootId: clock.bootId, simulated: true };
  const shared = { store, committer, bus, clock, entropy, log: silentLog };
  const outbox = new Outbox({
    ...shared,
    gapMessage: gapReporter(identity, topics, clock),
    ...(options.maxItems === undefined ? {} : { maxItems: options.maxItems }),
  });
  const challenge = new Challenge(entropy, () => undefined);
  const commands = new CommandService({
    ...shared,
    outbox,
    topics,
    device: { id: DEVICE, fleet: FLEET, key: deviceKey },
    groups: () => ["pumps"],
    authority: () => ({ keys: new Map(keys.map((key) => [key.keyId, key])), expiresAt: 9_000_000_000_000 }),
    policyHash: () => null,
    timeFloorMs: () => 0,
    challenge,
    permit: async () => null,
    handlers,
  });
  await outbox.start();
  await commands.start();
  return {
    committer,
    outbox,
    commands,
    challenge,
    async [Symbol.asyncDispose]() {
      await commands[Symbol.asyncDispose]();
      await outbox[Symbol.asyncDispose]();
    },
  };
}
