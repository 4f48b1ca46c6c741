/** Claims that go with an effect, in a whole daemon (evidence.md 8 to 10). */
import { expect, test } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { warnings } from "../cli/recorded-device.ts";
import { TemporaryFolder, until } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder, program } from "./device-folder.ts";

const SOIL = "spi://0.0/ch0";
const AIR = "i2c://1/0x76/humidity";

const read = (input: string, name: string): readonly JsonObject[] => [
  { op: "CAP", name: "sensor.read", args: { input }, evidence: `${name}_ids` },
  { op: "STORE", reg: name },
  { op: "GETK", oid: `reg:${name}`, key: "value" },
  { op: "STORE", reg: `${name}_value` },
];

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

const ACT = [
  { op: "CAP", name: "gpio.write", args: { output: "pump", value: 1 } },
  { op: "POP" },
  { op: "HALT" },
] as const;

const waters = (...claims: readonly JsonObject[]): JsonObject =>
  program("irrigation", {
    capabilities: ["sensor.read", "gpio.write"],
    outputs: ["pump"],
    code: [...read("soil_moisture", "soil"), ...read("air_humidity", "air"), ...claims, ...ACT],
  });

/** What the run came to under a policy whose pump demands this. */
async function runOf(document: JsonObject, requires: JsonObject): Promise<Json> {
  await using folder = await TemporaryFolder.create();
  const made = await deviceFolder(folder.path, {
    programs: [document],
    policy: (policy) => ({
      ...policy,
      outputs: (policy.outputs as readonly JsonObject[]).map((output) =>
        output.name === "pump" ? { ...output, requires } : output,
      ),
    }),
  });
  await using device = await openDevice(await loadConfig(new NodeFiles(), made.configPath), warnings().log);
  await device.start();
  await until("the board is locked", () => device.parts.boot.state === "locked");
  const result = await device.parts.runs.start({ program: "irrigation", trigger: { kind: "command" } });
  if (!result.ok) throw new Error(JSON.stringify(result));
  const { state, outcome } = result.report.record;
  return outcome.error === null ? state : outcome.error.code;
}

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
  expect(await runOf(document, requires)).toBe(expected);
});

test("each task's effect goes with the task's own claims", async () => {
  const body = [claim("soil", SOIL, { value: -1 }), { op: "RESPOND", body: {} }] as const;
  const document = program("irrigation", {
    capabilities: ["sensor.read", "gpio.write"],
    outputs: ["pump"],
    code: [
      ...read("soil_moisture", "soil"),
      { op: "SPAWN", as: "other", body },
      { op: "SLEEP_MS", ms: 5 },
      claim("soil", SOIL),
      ...ACT,
    ],
  });
  expect(await runOf(document, DEMANDS)).toBe("halted");
});
