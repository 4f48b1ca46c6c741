/** Claims that go with an effect, in a whole daemon (evidence.md 8 to 10). */
import { expect, test } from "vitest";
import type { JsonObject } from "../../firmware/core/json.ts";
import { AIR, endOf, irrigation, PUMP_ON, policyWith, read, SOIL } from "./one-run.ts";

const claim = (id: string, source: string, more: JsonObject = {}): JsonObject => ({
  op: "CLAIM",
  id,
  type: "reading",
  text: `${id} as read`,
  schema: { type: "number", unit: "%" },
  value: `reg:${id}_value`,
  sources: [source],
  from: { evidence: source, pointer: "/value" },
  ...more,
});

const waters = (...claims: readonly JsonObject[]): JsonObject =>
  irrigation([...read("soil_moisture", "soil"), ...read("air_humidity", "air"), ...claims, ...PUMP_ON]);

const DEMANDS = { requireClaims: true };
const AGREE = { pair: { tolerance: 0.999, maxSpreadMs: 60_000 } };
const both = (more: JsonObject): readonly JsonObject[] => [
  claim("soil", SOIL, more),
  claim("air", AIR, more),
];

test.each<[string, JsonObject, JsonObject, string]>([
  ["needs a claim where the output demands one", waters(), DEMANDS, "claims_required"],
  ["passes with a claim whose value the run has read", waters(claim("soil", SOIL)), DEMANDS, "halted"],
  [
    "is refused beside a value that nobody read",
    waters(claim("soil", SOIL, { value: -1 })),
    { minCount: 1 },
    "claim_value_mismatch",
  ],
  [
    "is refused beside a claim of something this run has not looked at",
    waters(claim("soil", "i2c://1/0x76/temperature")),
    { minCount: 1 },
    "claim_evidence_unknown",
  ],
  [
    "is refused beside a claim without its members",
    waters({ op: "CLAIM", text: "?" }),
    DEMANDS,
    "claim_invalid",
  ],
  [
    "passes if redundant sensors agree",
    waters(...both({ group: "pair" })),
    { ...DEMANDS, requireGroups: true, groups: AGREE },
    "halted",
  ],
  [
    "is refused if redundant sensors do not agree",
    waters(...both({ group: "pair" })),
    { ...DEMANDS, requireGroups: true, groups: { pair: { ...AGREE.pair, absTolerance: 0.0001 } } },
    "inconsistent_values",
  ],
  [
    "is held to the relations of the output",
    waters(...both({})),
    { ...DEMANDS, relations: [{ rel: "leq", a: "soil", b: -5 }] },
    "relation_conflict",
  ],
  [
    "is refused if a value that a relation names is not claimed",
    waters(claim("soil", SOIL)),
    { ...DEMANDS, relations: [{ rel: "geq", a: "air", b: 0 }] },
    "relation_claim_missing",
  ],
])("an effect %s", async (_, document, requires, expected) => {
  expect(await endOf(document, policyWith(requires))).toBe(expected);
});

test("each task's effect goes with the task's own claims", async () => {
  const body = [claim("soil", SOIL, { value: -1 }), { op: "RESPOND", body: {} }] as const;
  const document = irrigation([
    ...read("soil_moisture", "soil"),
    { op: "SPAWN", as: "other", body },
    { op: "SLEEP_MS", ms: 5 },
    claim("soil", SOIL),
    ...PUMP_ON,
  ]);
  expect(await endOf(document, policyWith(DEMANDS))).toBe("halted");
});
