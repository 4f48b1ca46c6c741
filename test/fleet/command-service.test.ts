import { afterEach, describe, expect, it } from "vitest";
import { fromUtf8, toHex, utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { signStatement } from "../../firmware/core/dsse.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { keyIdOf } from "../../firmware/core/key-record.ts";
import { COMMAND_LIMITS } from "../../firmware/core/limits.ts";
import { COMMANDS, decodeCommand } from "../../firmware/fleet/command-store.ts";
import { COMMAND_TYPE, type CommandHandler, newMessageId, type Receipt } from "../../firmware/fleet/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { DEVICE, FLEET, keyRecord, startDevice, topics } from "./device.ts";
import { FakeBus } from "./fake-bus.ts";
import { entropy } from "./support.ts";

const operator = keyPairFromSeed(new Uint8Array(32).fill(1));
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item[Symbol.asyncDispose]();
});

async function build(handler: CommandHandler, store = new MemoryStore(), maxItems = 1000) {
  const clock = new ManualClock();
  const bus = new FakeBus();
  bus.set("online");
  const keys = [keyRecord(operator, ["command"])];
  const device = await startDevice({ bus, store, clock, keys, handlers: { "run.start": handler }, maxItems });
  open.push(device);
  const command = (changes: Record<string, unknown> = {}) => ({
    schema: "imu.command/1",
    id: newMessageId(clock.wallMs(), entropy),
    nonce: toHex(entropy.bytes(16)),
    fleet: FLEET,
    audience: "*",
    name: "run.start",
    args: { program: "pump" },
    issuedAt: clock.wallMs(),
    expiresAt: clock.wallMs() + 60_000,
    ...changes,
  });
  const send = async (statement: unknown, extra = {}): Promise<void> => {
    const signer = { keyId: keyIdOf(operator.publicKeyHex), pair: operator };
    bus.deliver(topics.command, utf8(canonicalize(signStatement(COMMAND_TYPE, statement, [signer]))), extra);
    for (let i = 0; i < 8; i++) await clock.advance(0);
  };
  const receipts = (): Receipt[] =>
    bus.sent.map(({ payload }) => {
      const envelope = JSON.parse(fromUtf8(payload));
      return JSON.parse(Buffer.from(envelope.payload, "base64").toString("utf8"));
    });
  return { clock, bus, device, store, command, send, receipts };
}

const stateOf = async (store: MemoryStore, id: string): Promise<string> =>
  decodeCommand((await store.get(COMMANDS, id)) ?? new Uint8Array()).state;

const ok: CommandHandler = async () => ({ status: 200, details: {} });

describe("the command service", () => {
  it("records acceptance before the command runs, and the receipt names that entry", async () => {
    const seen: number[] = [];
    const built = await build(async () => {
      seen.push(built.device.committer.events.length);
      return ok({}, { commandId: "", name: "", keyIds: [], signal: new AbortController().signal });
    });
    await built.send(built.command());
    expect(seen).toEqual([1]);
    expect(built.receipts()).toMatchObject([{ outcome: "done", ledger: { seq: 0 } }]);
    expect(built.device.committer.events).toMatchObject([
      { kind: "command", data: { op: "run.start", status: 202 } },
    ]);
  });

  it("neither runs nor acknowledges what it cannot record, and takes the command once it can", async () => {
    let runs = 0;
    const built = await build(async (...call) => {
      runs++;
      return ok(...call);
    });
    const command = built.command();
    built.device.committer.failing = true;
    await built.send(command);
    expect([runs, built.bus.sent.length]).toEqual([0, 0]);
    built.device.committer.failing = false;
    await built.send(command);
    expect(runs).toBe(1);
    expect(built.receipts()).toMatchObject([{ outcome: "done" }]);
  });

  it("answers a command that a power cut interrupted with `interrupted` and never runs it again", async () => {
    const store = new MemoryStore();
    let runs = 0;
    const first = await build(() => {
      runs++;
      return new Promise((_, reject) => {
        cut = () => reject(new Error("power"));
      });
    }, store);
    let cut = (): void => undefined;
    const command = first.command();
    await first.send(command);
    expect(runs).toBe(1);
    const second = await build(async (...call) => {
      runs++;
      return ok(...call);
    }, store);
    for (let i = 0; i < 4; i++) await second.clock.advance(0);
    expect(second.receipts()).toMatchObject([{ commandId: command.id, outcome: "interrupted" }]);
    await second.send(command);
    expect(runs).toBe(1);
    expect(second.receipts().at(-1)).toMatchObject({ outcome: "interrupted" });
    first.device.committer.failing = true;
    cut();
  });

  it("refuses another text under a known id and a known nonce under another id, also after a restart", async () => {
    const store = new MemoryStore();
    let runs = 0;
    const handler: CommandHandler = async (...call) => {
      runs++;
      return ok(...call);
    };
    const first = await build(handler, store);
    const command = first.command();
    await first.send(command);
    expect(runs).toBe(1);

    for (const { send, receipts, clock } of [first, await build(handler, store)]) {
      await send({ ...command, args: { program: "fan" } });
      expect(receipts().at(-1)).toMatchObject({ code: "replay_conflict", status: 409 });
      await send({ ...command, id: newMessageId(clock.wallMs(), entropy) });
      expect(receipts().at(-1)).toMatchObject({ code: "replayed", status: 409 });
    }
    expect(runs).toBe(1);
  });

  it("stores the outcome when the outbox has no room, and gives it to whoever asks again", async () => {
    let runs = 0;
    const handler: CommandHandler = async (...call) => {
      runs++;
      return ok(...call);
    };
    const { bus, clock, device, command, send, receipts } = await build(handler, new MemoryStore(), 1);
    bus.set("offline");
    const full = { topic: "t", class: "logic" as const, body: utf8("{}"), idem: "full" };
    await device.outbox.enqueue(full);
    const statement = command();
    await send(statement);
    expect(runs).toBe(1);
    bus.set("online");
    await clock.advance(1);
    bus.sent.length = 0;
    await send(statement);
    expect(receipts()).toMatchObject([{ outcome: "done", commandId: statement.id }]);
    expect(runs).toBe(1);
  });

  it("stores an answer that it could not store, before anybody is told it", async () => {
    const built = await build(async (...call) => {
      built.device.committer.failing = true;
      return ok(...call);
    });
    const command = built.command();
    await built.send(command);
    await built.send(command);
    expect(built.bus.sent).toEqual([]);

    built.device.committer.failing = false;
    await built.clock.advance(COMMAND_LIMITS.answerRetryMs);
    for (let i = 0; i < 8; i++) await built.clock.advance(0);

    expect(built.receipts()).toMatchObject([{ outcome: "done" }]);
    expect(await stateOf(built.store, command.id)).toBe("done");
  });

  it("stores an answer with the delivery that asks for it again", async () => {
    const built = await build(async (...call) => {
      built.device.committer.failing = true;
      return ok(...call);
    });
    const command = built.command();
    await built.send(command);
    built.device.committer.failing = false;
    await built.send(command);

    expect(built.receipts()).toMatchObject([{ outcome: "done" }]);
    expect(await stateOf(built.store, command.id)).toBe("done");
    await built.clock.advance(COMMAND_LIMITS.answerRetryMs);
    for (let i = 0; i < 8; i++) await built.clock.advance(0);
    expect(new Set(built.bus.sent.map(({ payload }) => fromUtf8(payload))).size).toBe(1);
  });

  it("accepts the current challenge in place of a clock, once", async () => {
    let runs = 0;
    const { clock, device, command, send, receipts } = await build(async (...call) => {
      runs++;
      return ok(...call);
    });
    clock.state = "unknown";
    await send(command());
    expect(receipts().at(-1)).toMatchObject({ code: "clock_untrusted", status: 503 });
    const challenge = device.challenge.current;
    await send(command({ challenge, issuedAt: 5, expiresAt: 1 }));
    expect(receipts().at(-1)).toMatchObject({ outcome: "done" });
    await send(command({ challenge }));
    expect(receipts().at(-1)).toMatchObject({ code: "challenge_mismatch" });
    expect(runs).toBe(1);
  });

  it("changes nothing in a dry run", async () => {
    let runs = 0;
    const { command, send, receipts } = await build(async (...call) => {
      runs++;
      return ok(...call);
    });
    await send(command({ dryRun: true }));
    expect(receipts()).toMatchObject([{ outcome: "dry_run", details: { plan: { name: "run.start" } } }]);
    expect(runs).toBe(0);
  });

  it("answers also on the response topic, with its correlation data, but never on a foreign topic", async () => {
    const { bus, command, send } = await build(ok);
    const correlationData = utf8("c-1");
    await send(command(), { responseTopic: `imu/v1/${FLEET}/reply/console`, correlationData });
    expect(bus.sent.map(({ topic }) => topic)).toContain(`imu/v1/${FLEET}/reply/console`);
    expect(bus.sent.every(({ options }) => options.correlationData?.length === 3)).toBe(true);
    bus.sent.length = 0;
    await send(command(), { responseTopic: `imu/v1/${FLEET}/imu-other/cmd` });
    expect(bus.sent.length).toBe(1);
  });

  it("lets a flood wait and drop, answers strangers rarely, and tells the ledger once a minute", async () => {
    const { bus, clock, device } = await build(ok);
    for (let i = 0; i < 500; i++) bus.deliver(topics.command, utf8("garbage"));
    await clock.advance(100_000);
    expect(device.commands.rejected.get("rate_limited")).toBeGreaterThan(100);
    expect(device.commands.rejected.get("malformed")).toBeLessThan(400);
    expect(bus.sent).toEqual([]);
    const summaries = device.committer.events.filter(({ kind }) => kind === "inbound_rejected");
    expect(summaries.length).toBe(2);
    expect(device.committer.events.length).toBe(2);
  });

  it("stops a key that commands more than sixty times a minute", async () => {
    const { clock, command, send, receipts } = await build(ok);
    for (let i = 0; i < 61; i++) {
      await send(command());
      await clock.advance(100);
    }
    expect(receipts().at(-2)).toMatchObject({ outcome: "done" });
    expect(receipts().at(-1)).toMatchObject({ code: "rate_limited", status: 429 });
    expect(DEVICE).toMatch(/^imu-[0-9a-f]{16}$/);
  });

  it.each([
    ["an unknown member", { extra: 1 }],
    ["a member named __proto__", JSON.parse('{"__proto__":{"x":1}}')],
    ["an id that is no UUIDv7", { id: "1" }],
    ["a short nonce", { nonce: "00" }],
    ["a fraction of a millisecond", { issuedAt: 1.5 }],
    ["an audience of another form", { audience: { all: true } }],
  ])("takes a command with %s for malformed", async (_name, changes) => {
    const { bus, device, command, send } = await build(ok);
    const statement = command();
    for (const [key, value] of Object.entries(changes)) {
      Object.defineProperty(statement, key, { value, enumerable: true, configurable: true, writable: true });
    }
    await send(statement);
    expect(device.commands.rejected.get("malformed")).toBe(1);
    expect(bus.sent).toEqual([]);
  });
});
