/** What the signed list of sources says is what evidence of a running device is worth (evidence.md 4). */
import { expect, test } from "vitest";
import type { JsonObject } from "../../firmware/core/json.ts";
import { endOf, irrigation, PUMP_ON, policyWith, read, withDevice } from "./one-run.ts";

const readsSoil = irrigation([...read("soil_moisture", "soil"), ...PUMP_ON]);
const unchanged = policyWith({ requiredKinds: ["sensor_reading"] });

const list = (rule: JsonObject, more: JsonObject = {}): JsonObject => ({
  schema: "imu.sources/1",
  version: 1,
  issuedAt: 1_700_000_000_000,
  expiresAt: 4_000_000_000_000,
  unknownTrust: 0.3,
  sources: [{ prefix: "spi://0.0", id: "adc", trust: 0.95, ...rule }],
  ...more,
});

test.each<[string, JsonObject, string]>([
  ["as good as the factory's rule", {}, "halted"],
  ["trusted too little", { trust: 0.4 }, "insufficient_evidence"],
  ["for the bare chip, not its readings", { kinds: ["spi_read"] }, "integrity_error"],
  ["of another chip", { prefix: "spi://0.1", trust: 0.1 }, "halted"],
])("a source with a rule %s", async (_, rule, expected) => {
  expect(await endOf(readsSoil, unchanged, list(rule))).toBe(expected);
});

test("a device whose list of sources cannot be read does not start, and is told which file it is", async () => {
  const started = endOf(readsSoil, unchanged, list({ trust: 2 }));
  await expect(started).rejects.toMatchObject({
    code: "malformed",
    message: expect.stringContaining("sources.json"),
  });
});

test("a source without a rule is worth what the list says, and is told of once", async () => {
  const seen = await withDevice(
    readsSoil,
    unchanged,
    async ({ parts }) => {
      const { sources } = parts.runs.set;
      const trusts = [sources.lookup("odd://one").trust, sources.lookup("odd://one").trust];
      const told = parts.alerts.recent.filter(({ code }) => code === "source_unregistered");
      return { trusts, told: told.map(({ details }) => details.source) };
    },
    list({}),
  );

  expect(seen).toEqual({ trusts: [0.3, 0.3], told: ["odd://one"] });
});
