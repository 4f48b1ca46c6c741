import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import {
  readSourceList,
  type SourceList,
  sourceListJson,
  sourceListProblem,
} from "../../firmware/evidence/index.ts";

const NOW = 1_700_000_000_000;
const rule = { prefix: "i2c://1/0x76", id: "bme280", trust: 0.9 } as const;
const document = (more: JsonObject = {}): JsonObject => ({
  schema: "imu.sources/1",
  version: 3,
  issuedAt: NOW,
  expiresAt: NOW + 1,
  unknownTrust: 0.5,
  sources: [rule],
  ...more,
});
const withRule = (more: JsonObject): JsonObject => document({ sources: [{ ...rule, ...more }] });

function read(value: Json): SourceList {
  const result = readSourceList(value);
  if (!result.ok) throw new Error(`${result.code} ${JSON.stringify(result.details)}`);
  return result.list;
}

describe("a list of sources", () => {
  it("is read and written again without a change", () => {
    const full = withRule({
      points: 4,
      kinds: ["sensor_reading"],
      maxTtlMs: 1000,
      keys: ["k1", "k2"],
      threshold: 2,
    });
    expect(sourceListJson(read(full))).toEqual(full);
  });

  it.each<[string, JsonObject, string, string]>([
    ["another schema", document({ schema: "imu.sources/2" }), "malformed", "/schema"],
    ["a member it does not know", document({ note: "x" }), "malformed", "/note"],
    ["a member that is missing", { schema: "imu.sources/1" }, "malformed", "/"],
    ["more trust in the unknown than .5", document({ unknownTrust: 0.6 }), "malformed", "/unknownTrust"],
    ["an end before its beginning", document({ expiresAt: NOW - 1 }), "malformed", "/expiresAt"],
    ["a trust above 1", withRule({ trust: 1.1 }), "malformed", "/sources/0/trust"],
    ["more than 5 points", withRule({ points: 6 }), "malformed", "/sources/0/points"],
    ["a kind that is no name", withRule({ kinds: ["Reading"] }), "malformed", "/sources/0/kinds"],
    [
      "a threshold above its keys",
      withRule({ keys: ["k"], threshold: 2 }),
      "malformed",
      "/sources/0/threshold",
    ],
    ["a member of a rule it does not know", withRule({ weight: 1 }), "malformed", "/sources/0/weight"],
    [
      "a rule without trust",
      document({ sources: [{ prefix: "i2c://1", id: "x" }] }),
      "malformed",
      "/sources/0/trust",
    ],
    ["a prefix that is no URI", withRule({ prefix: "i2c:1" }), "bad_source", "/sources/0"],
    ["the id that unknown sources have", withRule({ id: "unknown" }), "bad_source", "/sources/0"],
    ["trust in what is simulated", withRule({ prefix: "sim://i2c" }), "bad_source", "/sources/0"],
    ["a prefix twice", document({ sources: [rule, rule] }), "duplicate_prefix", "/sources/1"],
  ])("is refused with %s", (_, value, code, at) => {
    expect(readSourceList(value)).toMatchObject({ ok: false, code, details: { at } });
  });

  it("takes the place of no newer one, and of none once it has expired", () => {
    const list = read(document());
    expect(sourceListProblem(list, null, NOW)).toBeNull();
    expect(sourceListProblem(list, list, NOW + 1)).toBeNull();
    expect(sourceListProblem(list, { ...list, version: 4 }, NOW)).toMatchObject({ code: "list_rollback" });
    expect(sourceListProblem(null, list, NOW)).toMatchObject({ code: "list_rollback" });
    expect(sourceListProblem(list, null, NOW + 2)).toMatchObject({ code: "authority_expired" });
  });
});
