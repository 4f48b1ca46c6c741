/** What the evidence section of a policy declares is what runs record and are judged by (policy.md 4). */
import { expect, test } from "vitest";
import type { JsonObject } from "../../firmware/core/json.ts";
import { endOf, irrigation, PUMP_ON, policyWith, read, runOnce, SOIL, withDevice } from "./one-run.ts";

const readsSoil = irrigation([...read("soil_moisture", "soil"), ...PUMP_ON]);

/** The soil's readings have a kind of the policy's own. */
const ownKind = (rule: JsonObject, requires: JsonObject) => (policy: JsonObject) => ({
  ...policyWith(requires, { evidence: { kinds: { x_soil: rule } } })(policy),
  bindings: (policy.bindings as readonly JsonObject[]).map((binding) =>
    binding.name === "soil_moisture" ? { ...binding, kind: "x_soil" } : binding,
  ),
});

test("readings of a binding with a declared kind have that kind, its class and its profile", async () => {
  const policy = ownKind({ class: "observation", profile: "tariff" }, { requiredKinds: ["x_soil"] });

  const bodies = await withDevice(readsSoil, policy, async (device) => {
    const { record } = await runOnce(device);
    expect(record.outcome.error).toBeNull();
    const { evidence } = device.parts.runs.set;
    return evidence.kinds.get("x_soil");
  });

  expect(bodies).toEqual({ class: "observation", profile: { maxTtlMs: 21_600_000, decayPerDay: 0.25 } });
});

test("a declared kind of class derived does not justify a physical effect unless it is demanded by name", async () => {
  expect(await endOf(readsSoil, ownKind({ class: "derived" }, { minCount: 1 }))).toBe("no_evidence");
  expect(await endOf(readsSoil, ownKind({ class: "derived" }, { requiredKinds: ["x_soil"] }))).toBe("halted");
});

test("a unit is known to claims where the policy declares it", async () => {
  const acid = {
    op: "CLAIM",
    text: "acid",
    schema: { type: "number", unit: "pH" },
    value: 5,
    sources: [SOIL],
  };
  const document = irrigation([...read("soil_moisture", "soil"), acid, ...PUMP_ON]);

  expect(await endOf(document, policyWith({ minCount: 1 }))).toBe("schema_unknown_unit");
  expect(await endOf(document, policyWith({ minCount: 1 }, { evidence: { units: ["pH"] } }))).toBe("halted");
});

test("a seal is fresh for as long as the policy says", async () => {
  const late = irrigation([...read("soil_moisture", "soil"), { op: "SLEEP_MS", ms: 30 }, ...PUMP_ON]);
  const policy = (signatureFreshMs: number) =>
    policyWith({ minLevel: 3 }, { evidence: { signatureFreshMs } });

  expect(await endOf(late, policy(20))).toBe("insufficient_evidence");
  expect(await endOf(late, policy(20_000))).toBe("halted");
});

test("trust of an unknown source is what the policy lowers it to", async () => {
  const policy = policyWith({ minCount: 1 }, { evidence: { unknownTrust: 0.2 } });
  const info = await withDevice(readsSoil, policy, async ({ parts }) =>
    parts.runs.set.sources.lookup("odd://x"),
  );
  expect(info).toMatchObject({ id: "unknown", trust: 0.2 });
});
