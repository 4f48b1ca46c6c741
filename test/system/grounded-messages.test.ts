/** Messages that say something about the world go out with evidence of their run, or not at all (evidence.md 14). */
import { expect, test } from "vitest";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { endOf, irrigation, policyWith, read } from "./one-run.ts";

const FOREIGN = "0".repeat(64);
const unchanged = policyWith({ minCount: 1 });
const strict = (policy: JsonObject): JsonObject => ({
  ...unchanged(policy),
  subjects: {
    ...(policy.subjects as JsonObject),
    "program:irrigation": { kind: "program", tier: "medium", strict: true },
  },
});

const publishes = (payload: Json): JsonObject => ({
  ...irrigation([
    ...read("soil_moisture", "soil"),
    ...read("air_humidity", "air"),
    { op: "CAP", name: "mqtt.publish", args: { output: "telemetry_air", payload } },
    { op: "POP" },
    { op: "HALT" },
  ]),
  capabilities: ["mqtt.publish", "sensor.read"],
  outputs: ["telemetry_air"],
});

const claim = (evidence: Json): JsonObject => ({ type: "reading", text: "the soil is wet", evidence });
const report = (...claims: readonly Json[]): JsonObject => ({
  op: "report",
  bundle: { text: "wet", claims: [...claims] },
});

test.each<[string, JsonObject, typeof strict, string]>([
  ["with evidence of its run", report(claim("reg:soil_ids")), unchanged, "halted"],
  ["without a bundle", { op: "report" }, unchanged, "bundle_missing_fields"],
  ["without a claim", report(), unchanged, "bad_types_or_empty_claims"],
  ["whose claim names no evidence", report(claim([])), unchanged, "claim_missing_evidence"],
  ["whose claim names evidence of nobody here", report(claim([FOREIGN])), unchanged, "not_enough_sources"],
  ["of a strict subject with one witness", report(claim("reg:soil_ids")), strict, "not_enough_sources"],
  ["that only acknowledges", { op: "ack" }, unchanged, "halted"],
  ["that is plain data", { wet: true }, unchanged, "halted"],
])("a message %s", async (_, payload, policy, expected) => {
  expect(await endOf(publishes(payload), policy)).toBe(expected);
});
