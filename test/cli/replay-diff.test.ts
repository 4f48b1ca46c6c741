import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../firmware/core/json.ts";
import { type Recorded, recordedDevice, waterOnce } from "./recorded-device.ts";
import { Deformed, imuctl, RUN_ID, stoppedDevice, tempDir } from "./support.ts";

let dir: Awaited<ReturnType<typeof tempDir>>;
let device: Recorded;
let policy: string;

const at = (name: string): string => join(dir.path, name);

beforeAll(async () => {
  dir = await tempDir();
  device = await recordedDevice(at("device"), waterOnce());
  policy = await readFile(at("device/policy.json"), "utf8");
}, 30_000);
afterAll(() => dir[Symbol.asyncDispose]());

async function file(name: string, text: string): Promise<string> {
  await writeFile(at(name), text);
  return at(name);
}

async function compared(path: string, ...more: readonly string[]) {
  const run = ["replay", device.runId, "--config", device.config, "--diff", path];
  const text = await imuctl([...run, ...more]);
  const json = await imuctl([...run, ...more, "--json"]);
  expect(json.code).toBe(text.code);
  return { ...text, value: JSON.parse(json.out) };
}

const withProgram = async (name: string, document: JsonObject) =>
  compared(await file(name, JSON.stringify(document)));

async function withPolicy(name: string, change: (document: Deformed) => void) {
  const document = new Deformed(policy);
  change(document);
  return compared(await file(name, document.text));
}

type Row = Readonly<Record<string, unknown>>;

const PUMP = ["outputs", 1] as const;
const RULES = ["decisions", "rules"] as const;

describe("another program on the recorded journal", () => {
  test("the same decisions end with 0, whatever they cost", async () => {
    const slower = waterOnce({ version: "1.1.0" });
    const code = [{ op: "PUSH", value: 1 }, { op: "POP" }, ...(slower.code as readonly JsonObject[])];

    const { code: exit, out, value } = await withProgram("slower.json", { ...slower, code });

    expect(exit, out).toBe(0);
    expect(out).toMatch(/^result\tsame decisions\n/);
    expect(value.costs.steps.other).toBe(value.costs.steps.recorded + 2);
    expect(value).toMatchObject({ differences: [], unrecorded: [], parting: null });
  });

  test("an effect with other arguments is where they part; what follows is unrecorded", async () => {
    const { code, out, value } = await withProgram("zero.json", waterOnce({ version: "1.1.0" }, 0));

    expect(code).toBe(2);
    expect(out).toContain("they part at\tcall 2: effect gpio.write\n");
    expect(out).toContain('recorded at\tcode:6 CAP gpio.write { output: "pump", value: 1 }\n');
    expect(out).toContain('unrecorded\tcall gpio.write {"output":"pump","value":0}\n');
    expect(value.differences).toHaveLength(1);
    expect(value).toMatchObject({ costs: null, parting: { what: "effect", other: { call: 2 } } });
  });

  test("a call that is not made is shown with the place where the other one ended", async () => {
    const { code, out, value } = await withProgram("dry.json", waterOnce({ version: "1.1.0" }, 1, -1));

    expect(code).toBe(2);
    expect(out).toContain("other ends at\tcode:10 DRY_ENOUGH: RESPOND ");
    expect(value.parting).toMatchObject({ what: "effect", recorded: { call: 2 }, other: null });
    expect(value.ends.other).toMatchObject({ unit: "code", index: 10, label: "DRY_ENOUGH" });
  });

  test("claims, status and body are compared after the same calls", async () => {
    const code = (waterOnce().code as readonly JsonObject[]).slice(0, -2);
    const end = [
      { op: "EVIDENCE", claim: "soil", sources: ["spi://0.0/ch0"] },
      { op: "RESPOND", status: 201, body: { watered: "yes" } },
    ];

    const { code: exit, value } = await withProgram("claims.json", {
      ...waterOnce({ version: "2.0.0" }),
      code: [...code, ...end],
    });

    expect(exit).toBe(2);
    expect(value.differences.map(({ what }: { readonly what: string }) => what)).toEqual([
      "claim",
      "claim",
      "status",
      "body",
    ]);
  });

  test("a call in between is one difference, not the end of the likeness", async () => {
    const document = waterOnce({ version: "1.1.0" });
    const code = document.code as readonly JsonObject[];
    const again = [code[0] ?? {}, { op: "POP" }];

    const { code: exit, value } = await withProgram("twice.json", { ...document, code: [...again, ...code] });

    expect(exit).toBe(2);
    expect(value.unrecorded).toEqual([
      { what: "call", name: "sensor.read", args: { input: "soil_moisture" } },
    ]);
    expect(value.differences).toHaveLength(1);
  });

  test("a text is built first, and its lines are named", async () => {
    const built = await file("zero-text.json", JSON.stringify(waterOnce({ version: "1.1.0" }, 0)));
    const { out: text } = await imuctl(["program", "disasm", built]);
    const source = await file("zero.imu", text);

    const { code, out, value } = await compared(source);

    expect(code, out).toBe(2);
    expect(out).toMatch(/other at\t\S*zero\.imu:\d+:\d+ code:6 /);
    expect(value.parting.other.at.source.line).toBeGreaterThan(1);
  });

  test("a program that does not verify is listed and cannot be compared", async () => {
    const path = await file("broken.json", JSON.stringify(waterOnce({ capabilities: [] })));

    const { code, err } = await imuctl(["replay", device.runId, "--config", device.config, "--diff", path]);

    expect(code).toBe(3);
    expect(err).toContain("capability_undeclared");
    expect(err).toContain("program_invalid");
  });

  test("a record that does not replay is compared with nothing", async () => {
    const exported = await imuctl(["evidence", "export", device.runId, "--config", device.config]);
    const document = new Deformed(exported.out);
    document.set(["record", "vmVersion"], "imu-vm/9.0");
    const run = await file("newer-run.json", document.text);
    const other = await file("v2.json", JSON.stringify(waterOnce({ version: "1.1.0" })));

    const { code, out } = await imuctl(["replay", run, "--diff", other]);

    expect(code).toBe(3);
    expect(out).toContain("cannot compare: vm_version_unsupported");
  });
});

describe("another policy on the recorded evidence", () => {
  test("the policy of the run says again what it said", async () => {
    const { code, out, value } = await withPolicy("same-policy.json", () => undefined);

    expect(code, out).toBe(0);
    expect(value).toMatchObject({
      basis: "judged",
      missing: null,
      judged: { calls: 2, release: true },
      differences: [],
      unrecorded: [],
    });
  });

  test.each<[string, (document: Deformed) => void, Row]>([
    [
      "a rule that blocks",
      (document) => document.set([...RULES, 3, "decision"], "block"),
      { what: "call", call: 2, given: { outcome: "deny", step: "policy", reason: "rule_block" } },
    ],
    [
      "a guard that demands another kind",
      (document) => document.set([...PUMP, "requires", "requiredKinds"], ["gpio_read"]),
      { what: "call", call: 2, given: { outcome: "deny", step: "guard", reason: "missing_required_kinds" } },
    ],
    [
      "a guard that demands fresher evidence than there was",
      (document) => document.set([...PUMP, "requires", "maxAgeMs"], 0),
      { what: "call", call: 2, given: { outcome: "deny", step: "guard", reason: "insufficient_evidence" } },
    ],
    [
      "a guard that demands claims of a program that made none by then",
      (document) => document.set([...PUMP, "requires", "requireClaims"], true),
      { what: "call", call: 2, given: { outcome: "deny", step: "guard", reason: "claims_required" } },
    ],
    [
      "a start that needs consent",
      (document) => document.set([...RULES, 0, "decision"], "require_consent"),
      { what: "start", given: { outcome: "deny", code: "consent_required" } },
    ],
    [
      "a limit that the run would have met",
      (document) => document.set(["limits"], { cpuSteps: 8 }),
      { what: "limit", name: "cpuSteps", figures: { recorded: 250_000, given: 8 } },
    ],
    [
      "more trust than the evidence has, for every guard",
      (document) => document.set(["evidence"], { guard: { minTrust: 0.99 } }),
      { what: "release", given: { outcome: "deny", reason: "insufficient_evidence" } },
    ],
    [
      "an input that policy no longer binds",
      (document) => document.set(["bindings", 2, "name"], "wetness"),
      { what: "call", call: 1, given: { outcome: "deny", code: "resource_required" } },
    ],
  ])("%s is a decision that parts", async (name, change, row) => {
    const { code, out, value } = await withPolicy(`${name.replaceAll(/\W/g, "-")}.json`, change);

    expect(code, out).toBe(2);
    expect(out).toMatch(/^result\tdecisions part\n/);
    expect(value.differences.find(({ what }: Row) => what === row.what)).toMatchObject(row);
  });

  test("claims made before an effect are judged as the program made them", async () => {
    const code = waterOnce().code as readonly JsonObject[];
    const early = waterOnce({
      code: [
        ...code.slice(0, 6),
        { op: "EVIDENCE", claim: "dry", sources: ["spi://0.0/ch0"] },
        ...code.slice(6),
      ],
    });
    const claiming = await recordedDevice(at("claiming"), early);
    const judged = async (claim: string) => {
      const document = new Deformed(await readFile(at("claiming/policy.json"), "utf8"));
      document.set([...PUMP, "requires"], {
        requireClaims: true,
        requiredKinds: ["sensor_reading"],
        relations: [{ rel: "equal", a: claim, b: 1, tol: 0 }],
      });
      const path = await file(`${claim}-policy.json`, document.text);
      const diff = ["replay", claiming.runId, "--config", claiming.config, "--diff", path, "--json"];
      return JSON.parse((await imuctl(diff)).out).differences;
    };

    expect(await judged("dry")).toMatchObject([{ call: 2, given: { reason: "relation_not_numeric" } }]);
    expect(await judged("wet")).toMatchObject([{ call: 2, given: { reason: "relation_claim_missing" } }]);
  });

  test("a rate that other runs share is unrecorded, not guessed", async () => {
    const { code, out, value } = await withPolicy("rate.json", (document) =>
      document.set([...RULES, 3, "maxRatePerMin"], 5),
    );

    expect(code).toBe(3);
    expect(out).toContain("cannot compare: replay_missing_input");
    expect(value.unrecorded).toMatchObject([{ what: "rate", call: 2, given: { outcome: "unrecorded" } }]);
  });

  test("from an exported file the policy is there as well; an altered one is refused", async () => {
    const exported = await imuctl(["evidence", "export", device.runId, "--config", device.config]);
    const run = await file("run.json", exported.out);
    const forged = new Deformed(exported.out);
    forged.set(["policy", "version"], 9);
    const given = await file("given.json", policy);

    const home = await imuctl(["replay", run, "--diff", given, "--json"]);
    const altered = await imuctl(["replay", await file("forged.json", forged.text), "--diff", given]);

    expect(JSON.parse(home.out)).toMatchObject({ verdict: "same", basis: "judged" });
    expect(altered.code).toBe(3);
    expect(altered.err).toContain("policy_hash_mismatch");
  });

  test("without the recorded policy the record itself is the basis, and that is said", async () => {
    const exported = await imuctl(["evidence", "export", device.runId, "--config", device.config]);
    const whole = JSON.parse(exported.out) as Readonly<Record<string, unknown>>;
    const parts = Object.entries(whole).filter(([name]) => name !== "policy");
    const run = await file("without.json", JSON.stringify(Object.fromEntries(parts)));
    const blocking = new Deformed(policy);
    blocking.set([...RULES, 3, "decision"], "block");

    const same = await imuctl(["replay", run, "--diff", await file("own.json", policy)]);
    const other = await imuctl(["replay", run, "--diff", await file("blocking.json", blocking.text)]);

    expect(same.out).toContain("basis\tthe record alone: policy_not_recorded\n");
    expect(other.code).toBe(2);
    expect(other.out).toContain("deny policy: policy_denied rule_block");
  });

  test("a policy that does not compile is refused with what is wrong", async () => {
    const broken = new Deformed(policy);
    broken.set(["profile"], "party");
    const path = await file("broken-policy.json", broken.text);

    const { code, err } = await imuctl(["replay", device.runId, "--config", device.config, "--diff", path]);

    expect(code).toBe(3);
    expect(err).toContain("policy_invalid");
    expect(err).toContain("/profile");
  });

  test("a run of a policy that was never stored is judged by its record", async () => {
    const stopped = await stoppedDevice(at("stopped"));
    const given = await file("for-sum.json", policy);

    const { code, out } = await imuctl(["replay", RUN_ID, "--config", stopped.config, "--diff", given]);

    expect(out).toContain("policy_not_recorded");
    expect(code).toBe(2);
  });
});
