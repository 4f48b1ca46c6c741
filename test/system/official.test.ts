/** Statements that others have signed are evidence where a rule of the sources names their keys (evidence.md 11). */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Device } from "../../firmware/composition/device.ts";
import { signStatement } from "../../firmware/core/dsse.ts";
import { type Ed25519KeyPair, keyPairFromPem, keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { keyIdOf } from "../../firmware/core/key-record.ts";
import { OFFICIAL_TYPE } from "../../firmware/evidence/index.ts";
import { irrigation, PUMP_ON, policyWith, withDevice } from "./one-run.ts";

const keyOf = (pair: Ed25519KeyPair): string => keyIdOf(pair.publicKeyHex);
const demanding = policyWith({ requiredKinds: ["official_verified"] });

/** Keeps what it is given, reads it back, and waters. */
const obeys: JsonObject = {
  ...irrigation([
    { op: "CAP", name: "kv.put", args: { key: "permit", value: "$.payload.statement" } },
    { op: "POP" },
    { op: "CAP", name: "kv.get", args: { key: "permit" } },
    { op: "POP" },
    ...PUMP_ON,
  ]),
  capabilities: ["kv.put", "kv.get", "gpio.write"],
};

async function ask(device: Device, statement: Json): Promise<string> {
  const request = { program: "irrigation", trigger: { kind: "interval" }, payload: { statement } };
  const result = await device.parts.runs.start(request);
  if (!result.ok) throw new Error(JSON.stringify(result));
  const { state, outcome } = result.report.record;
  return outcome.error === null ? state : outcome.error.code;
}

/** A device that knows the source `grid`, and whoever speaks for it. */
function withGrid(
  use: (device: Device, sign: (change?: JsonObject, by?: Ed25519KeyPair) => Json) => Promise<void>,
) {
  let dir = "";
  let key = "";
  const prepare = async (folder: string): Promise<JsonObject> => {
    dir = folder;
    const pair = keyPairFromPem(await readFile(join(folder, "operator/operator.key"), "utf8"));
    key = keyOf(pair);
    return {
      schema: "imu.sources/1",
      version: 1,
      issuedAt: 1_700_000_000_000,
      expiresAt: 4_000_000_000_000,
      unknownTrust: 0.5,
      sources: [{ prefix: "official://grid", id: "grid", trust: 0.98, keys: [key], threshold: 1 }],
    };
  };
  return withDevice(
    obeys,
    demanding,
    async (device) => {
      const own = keyPairFromPem(await readFile(join(dir, "operator/operator.key"), "utf8"));
      const now = device.parts.state.clock.wallMs();
      const base = { v: 1, sourceId: "grid", audience: "*", data: { may: "water" }, nonce: "n1" };
      await use(
        device,
        (change = {}, by = own) =>
          signStatement(
            OFFICIAL_TYPE,
            { ...base, issuedAt: now - 1000, expiresAt: now + 60_000, ...change },
            [{ keyId: key, pair: by }],
          ) as object as Json,
      );
    },
    prepare,
  );
}

test("a statement of a known source justifies what demands it, in every run that reads it", async () => {
  await withGrid(async (device, sign) => {
    const permit = sign();
    expect([await ask(device, permit), await ask(device, permit)]).toEqual(["halted", "halted"]);
    expect(await ask(device, sign({ data: { may: "flood" } }))).toBe("replayed");

    const { reader, head } = device.parts.state.ledger;
    const kinds: string[] = [];
    for await (const { entry } of reader.entries(0, head.size)) kinds.push(entry.event.kind);
    expect(kinds.filter((kind) => kind.startsWith("official_"))).toEqual([
      "official_verified",
      "official_rejected",
    ]);
  });
});

test("a statement that does not hold is refused for its reason and counts against its source", async () => {
  await withGrid(async (device, sign) => {
    const { reputation, state } = device.parts;
    const now = state.clock.wallMs();
    const results = [
      await ask(device, sign({ sourceId: "nobody" })),
      await ask(device, sign({ audience: "imu-ffffffffffffffff" })),
      await ask(device, sign({ issuedAt: 1, expiresAt: 2 })),
      await ask(device, sign({}, keyPairFromSeed(new Uint8Array(32).fill(9)))),
      await ask(device, { payloadType: "text/plain", payload: "", signatures: [] }),
    ];
    expect(results).toEqual([
      "unknown_official_source",
      "wrong_audience",
      "statement_expired",
      "bad_signature",
      "no_evidence",
    ]);
    expect(reputation.factor("grid", now)).toBeCloseTo(0.9, 3);
  });
});
