/** The rules about proofs, signed checkpoints, retention and rollups: each finds what it is there for. */
import { beforeAll, describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../../firmware/core/bytes.ts";
import { decodeCbor, encodeCbor } from "../../../firmware/core/cbor.ts";
import { type Ed25519KeyPair, keyPairFromPem } from "../../../firmware/core/ed25519.ts";
import { sha256 } from "../../../firmware/core/hash.ts";
import type { JsonObject } from "../../../firmware/core/json.ts";
import { encodeStored, unframe } from "../../../firmware/ledger/entry.ts";
import { signCheckpoint } from "../../../firmware/ledger/index.ts";
import type { LedgerEntry } from "../../../firmware/ledger/types.ts";
import { readFacts } from "../../../sim/harness/invariants/facts.ts";
import type { LedgerHistory, ObservedDevice } from "../../../sim/harness/invariants/index.ts";
import type { InvariantId } from "../../../sim/harness/violations.ts";
import { type ObservedHouse, observedHouse } from "./observed-house.ts";
import {
  findings,
  like,
  members,
  type Pruned,
  prunedHouse,
  type Rewrite,
  rewritten,
} from "./pruned-house.ts";

const zeros: Rewrite = () => new Uint8Array(32);
const only =
  (wanted: string, change: Rewrite): Rewrite =>
  (key, value) =>
    key === wanted ? change(key, value) : undefined;

interface Case {
  readonly id: InvariantId;
  readonly fault: string;
  readonly finds: RegExp;
  readonly change: (device: ObservedDevice) => Promise<ObservedDevice> | ObservedDevice;
}

const rows = (
  id: InvariantId,
  fault: string,
  finds: RegExp,
  changes: Readonly<Record<string, Rewrite>>,
): Case => ({ id, fault, finds, change: (device) => rewritten(device, changes) });

const history = (
  id: InvariantId,
  fault: string,
  finds: RegExp,
  change: (ledger: LedgerHistory) => Partial<LedgerHistory>,
): Case => ({
  id,
  fault,
  finds,
  change: (device) => {
    if (device.ledger === undefined) throw new Error("Nobody watched the store.");
    const { notes, kept, acts, prunings, isPrunedUnwitnessed } = device.ledger;
    const before = { notes, kept, acts, prunings, isPrunedUnwitnessed };
    return like(device, { ledger: { ...before, ...change(before) } });
  },
});

function keyOf(device: ObservedDevice): Ed25519KeyPair {
  for (const [where, bytes] of device.image())
    if (where.endsWith("/keys/device.key")) return keyPairFromPem(fromUtf8(bytes));
  throw new Error("The device has no key.");
}

const PROOFS: readonly Case[] = [
  rows("I16", "a hash inside the tree is another one", /proof of an entry does not lead/, {
    lgn: (key, value) => (key.startsWith("03!") ? zeros(key, value) : undefined),
  }),
  rows("I16", "a hash inside the tree was not written", /no proof in a checkpoint/, {
    lgn: (key) => (key.startsWith("02!") ? null : undefined),
  }),
  rows("I16", "the root of a full tile is another one", /do not give the root/, {
    lgn: only("08!000000000000", zeros),
  }),
  rows("I16", "a kept entry is another one", /proof of an entry does not lead/, {
    lgkeep: (_key, value) => {
      const { entry } = decodeCbor(value) as { readonly entry: Uint8Array };
      const bytes = utf8(new TextDecoder().decode(entry).replace("ledger_pruned", "ledger_prunex"));
      return encodeStored(bytes, sha256(bytes));
    },
  }),
];

const SIGNED: readonly Case[] = [
  rows("I17", "the log was written anew below a checkpoint", /contradicts its log/, {
    lgn: (key, value) => (key.startsWith("00!") ? zeros(key, value) : undefined),
  }),
  rows("I17", "the log ends before what was signed", /signed more than its log has/, {
    lghead: members(() => ({ size: 500 })),
  }),
  rows("I17", "a hash that a proof of consistency needs is gone", /can be compared have no proof/, {
    lg: (_key, value) => {
      const parts = unframe(value);
      return parts === null ? undefined : encodeStored(parts.bytes, parts.hash);
    },
  }),
  rows("I17", "the signer forgot what it signed", /does not remember/, { lgsigned: () => null }),
  rows("I17", "the signer remembers an older checkpoint", /does not remember/, {
    lgsigned: members(() => ({ size: 3 })),
  }),
];

const RETENTION: readonly Case[] = [
  rows("I18", "the anchor is sealed with another key", /sealed with another key/, {
    lganchor: members(() => ({ mac: "0".repeat(64) })),
  }),
  rows("I18", "the anchor stands for another tree", /another tree than the one/, {
    lganchor: members(({ range }) => ({ range: [...(range as string[])].map(() => "ab".repeat(32)) })),
  }),
  rows("I18", "the anchor lies inside a tile", /inside of a tile/, {
    lganchor: members(({ index }) => ({ index: Number(index) - 1 })),
  }),
  rows("I18", "the root of a pruned tile is gone", /cannot be computed any more/, {
    lgn: (key) => (key.startsWith("08!") || key.startsWith("09!") ? null : undefined),
  }),
  rows("I18", "a leaf hash went with its body", /gone before its time/, {
    lgn: only("00!000000000007", () => null),
  }),
  rows("I18", "a kept entry was forgotten", /stays for ever was pruned/, { lgkeep: () => null }),
  history("I18", "a pruning without a record", /nothing records it/, ({ prunings }) => ({
    prunings: prunings.map((one) => ({ ...one, recordedAt: null })),
  })),
  history("I18", "a pruning before its checkpoint", /before a checkpoint covered/, ({ prunings }) => ({
    prunings: prunings.map((one) => ({ ...one, covered: one.recordedAt ?? 0 })),
  })),
  history("I18", "a pruning beyond every checkpoint", /no checkpoint covers/, ({ prunings }) => ({
    prunings: prunings.map((one) => ({ ...one, covered: 0 })),
  })),
];

describe("a ledger that was pruned", () => {
  let house: Pruned;
  beforeAll(async () => {
    house = await prunedHouse();
  }, 120_000);

  it("is sound, and what it keeps was there to be judged", async () => {
    const ids: readonly InvariantId[] = ["I2", "I10", "I16", "I17", "I18"];
    for (const id of ids) expect(await findings(house.observations, id)).toEqual([]);
    const { ledger } = house.device;
    expect(ledger?.prunings.map(({ index }) => index)).toEqual([256, 512]);
    expect((await readFacts(house.device)).entries[0]?.index).toBe(512);
    expect(ledger?.kept.some(({ index, kind }) => index < 512 && kind === "ledger_pruned")).toBe(true);
    expect(ledger?.notes.length).toBeGreaterThan(8);
  });

  it.each([...PROOFS, ...SIGNED, ...RETENTION])("$id: $fault", async ({ id, finds, change }) => {
    const device = await change(house.device);

    expect(await findings(house.observations, id, { devices: [device] })).toContainEqual(
      expect.stringMatching(finds),
    );
  });

  it("I17: two trees of one size", async () => {
    const { device, observations } = house;
    const { notes = [], kept = [], acts = [], prunings = [] } = device.ledger ?? {};
    const [origin = "", size = ""] = notes.at(-1)?.text.split("\n") ?? [];
    const text = signCheckpoint({ origin, size: Number(size), root: new Uint8Array(32) }, keyOf(device));
    const forked = {
      notes: [...notes, { epoch: 0, size: Number(size), text }],
      kept,
      acts,
      prunings,
      isPrunedUnwitnessed: true,
    };

    expect(await findings(observations, "I17", { devices: [like(device, { ledger: forked })] })).toEqual([
      "A device has signed two trees of one size.",
    ]);
  });

  it("I17: a note that others hold of another tree", async () => {
    const { device, observations } = house;
    const [origin = ""] = device.ledger?.notes.at(-1)?.text.split("\n") ?? [];
    const payload = utf8(signCheckpoint({ origin, size: 600, root: new Uint8Array(32) }, keyOf(device)));
    const message = {
      atUs: 1,
      from: device.name,
      topic: "imu/v1/x/gossip/checkpoint",
      payload,
      retain: true,
    };

    expect(await findings(observations, "I17", { messages: [...observations.messages, message] })).toContain(
      "A checkpoint that a device once signed contradicts its log.",
    );
  });

  it("I17: a fingerprint of another tree", async () => {
    const messages = house.observations.messages.map((message) =>
      message.topic.endsWith("/event/checkpoint")
        ? {
            ...message,
            payload: utf8(
              new TextDecoder()
                .decode(message.payload)
                .replace(/"sha256":"[0-9a-f]{64}"/, `"sha256":"${"0".repeat(64)}"`),
            ),
          }
        : message,
    );

    expect(await findings(house.observations, "I17", { messages })).toEqual([
      "A fingerprint that was sent is that of another tree.",
    ]);
  });

  it("I17: a fingerprint of a checkpoint that was never signed", async () => {
    const messages = house.observations.messages.map((message) =>
      message.topic.endsWith("/event/checkpoint")
        ? {
            ...message,
            payload: utf8(new TextDecoder().decode(message.payload).replace(/"index":\d+/, '"index":1')),
          }
        : message,
    );

    expect(await findings(house.observations, "I17", { messages })).toEqual([
      "A fingerprint was sent of a checkpoint that nobody has.",
    ]);
  });

  it("I17: an epoch that nothing explains", async () => {
    const device = await rewritten(house.device, {});
    const { store } = device;
    const copy = store();
    await copy.batch([{ type: "put", sub: "lgepoch", key: "0", value: encodeCbor(1) }], { sync: true });

    expect(await findings(house.observations, "I17", { devices: [device] })).toContain(
      "An epoch does not begin with what explains it.",
    );
  });

  it("I18: entries that too few others have signed for", async () => {
    const { device, observations } = house;
    const { notes = [], kept = [], acts = [], prunings = [] } = device.ledger ?? {};
    const ledger = { notes, kept, acts, prunings, isPrunedUnwitnessed: false };

    const alone = { devices: [like(device, { ledger })], fleetSize: 1 };
    expect(await findings(observations, "I18", alone)).toEqual([]);
    expect(await findings(observations, "I18", { ...alone, fleetSize: 3 })).toEqual([
      "Entries were pruned that too few others have signed for.",
    ]);
  });
});

describe("runs that share an entry", () => {
  let house: ObservedHouse;
  beforeAll(async () => {
    house = await observedHouse();
  }, 120_000);

  it("I18: one of them is gone", async () => {
    const { runs } = await readFacts(house.first);
    const shared = runs.find((run) => (run as unknown as JsonObject).rollup === run.runId);
    const device = await rewritten(house.first, { run: (key) => (key === shared?.runId ? null : undefined) });

    expect(await findings(house.observations, "I18", { devices: [device] })).toEqual([
      "Runs are kept whose rollup proves them no more, because others of it are gone.",
    ]);
  });

  it("I2: their rollup comes after a later entry of the program", async () => {
    const { entries } = await readFacts(house.first);
    const rollup = entries.find(({ entry: { event } }) => event.kind === "run_rollup");
    const first = String(rollup?.entry.event.data.firstRunId);
    const later = `r${(Number.parseInt(first.slice(1, 13), 16) + 1).toString(16).padStart(12, "0")}00000000`;
    const before = entries.findLast(
      ({ index, entry: { event } }) =>
        event.kind === "run" && event.actor === rollup?.entry.event.actor && index < (rollup?.index ?? 0),
    );
    const device = await rewritten(house.first, {
      lg: (key, value) => {
        if (Number(key) !== before?.index) return undefined;
        const { entry } = decodeCbor(value) as { readonly entry: Uint8Array };
        const parsed = JSON.parse(new TextDecoder().decode(entry)) as LedgerEntry;
        const bytes = utf8(JSON.stringify({ ...parsed, event: { ...parsed.event, runId: later } }));
        return encodeStored(bytes, sha256(bytes));
      },
    });

    expect(await findings(house.observations, "I2", { devices: [device] })).toContain(
      "A rollup was written after a later entry of its program.",
    );
  });
});
