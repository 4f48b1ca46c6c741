import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ControlServer } from "../../firmware/adapters/control-socket.ts";
import { EmbeddedBroker } from "../../firmware/adapters/embedded-broker.ts";
import { MqttBus } from "../../firmware/adapters/mqtt-bus.ts";
import { mqttConnect } from "../../firmware/adapters/mqtt-link.ts";
import { PinoLog } from "../../firmware/adapters/pino-log.ts";
import { SystemClock } from "../../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { toBase64 } from "../../firmware/core/bytes.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { readAuthority } from "../../firmware/fleet/index.ts";
import { readBundle, releaseHash, verifyStatement } from "../../ota/index.ts";
import { imuctl, tempDir } from "./support.ts";

const log = PinoLog.create("silent");
const entropy = new SystemEntropy();
const clock = new SystemClock({ entropy, floorMs: 0, synchronised: () => true });
const DEVICE = "imu-0123456789abcdef";

describe("imuctl ota", () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let work: string;
  let count = 0;

  beforeAll(async () => {
    dir = await tempDir();
    await imuctl(["init", "--dir", dir.path, "--board", "sim", "--fleet", "plant"]);
  });
  beforeEach(async () => {
    work = join(dir.path, `work-${count++}`);
    await mkdir(work);
  });
  afterAll(() => dir[Symbol.asyncDispose]());

  const build = (...more: string[]) =>
    imuctl([
      ...["ota", "build", "--id", "r2", "--release", "2", "--config", join(dir.path, "imud.yaml")],
      ...["--policy", join(dir.path, "policy.json"), "--programs", join(dir.path, "programs")],
      ...["--key", join(dir.path, "operator/operator.key"), "--out", work, ...more],
    ]);
  const statement = () => join(work, "r2.statement.json");
  const bundle = () => join(work, "r2.bundle.json");

  test("builds what a device's own readers accept, signed by the key of authority.json", async () => {
    const { code, err } = await build();

    expect(code, err).toBe(0);
    const { keys } = readAuthority(await readFile(join(dir.path, "authority.json")), "plant");
    const place = { fleet: "plant", device: DEVICE, groups: [] };
    const verified = verifyStatement(await readFile(statement()), {
      keys,
      k: 1,
      now: clock.wallMs(),
      ...place,
    });
    expect(verified).toMatchObject({ ok: true, statement: { releaseId: "r2", version: 2, audience: "*" } });
    expect(readBundle(await readFile(bundle()))).toMatchObject({ ok: true });
  });

  test("takes a list of sources along, and refuses one that no device would read", async () => {
    const list = { schema: "imu.sources/1", version: 1, issuedAt: 1, expiresAt: 2, unknownTrust: 0.5 };
    const sources = [{ prefix: "spi://0.0", id: "adc", trust: 0.9 }];
    const path = join(work, "sources.json");

    await writeFile(path, JSON.stringify({ ...list, sources }));
    expect((await build("--sources", path)).code).toBe(0);
    const read = readBundle(await readFile(bundle()));
    await writeFile(path, JSON.stringify({ ...list, sources: [...sources, ...sources] }));
    const refused = await build("--id", "r3", "--sources", path);

    expect(read).toMatchObject({ ok: true, bundle: { sources: { version: 1, sources } } });
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain("duplicate_prefix");
  });

  test("never overwrites a release", async () => {
    await build();
    const before = await readFile(statement());

    const { code, err } = await build();

    expect(code).toBe(1);
    expect(err).toContain("file_exists");
    expect(await readFile(statement())).toEqual(before);
  });

  test("offers no program that a device would refuse, and no policy that does not compile", async () => {
    await mkdir(join(work, "programs"));
    await writeFile(join(work, "programs/bad.json"), '{"format":"imu.program/1"}');
    await writeFile(join(work, "policy.json"), "{}");

    const program = await build("--programs", join(work, "programs"));
    const policy = await build("--policy", join(work, "policy.json"));

    expect([program.code, policy.code]).toEqual([1, 1]);
    expect(program.err).toContain("program_invalid: bad.json does not verify");
    expect(policy.err).toContain("policy_invalid");
  });

  test("publishes every chunk before the offer, retained", async () => {
    await build();
    await using broker = new EmbeddedBroker({ log });
    const { port } = await broker.start();

    const { code, err } = await imuctl([
      ...["ota", "publish", statement(), bundle(), "--device", DEVICE],
      ...["--broker", `mqtt://127.0.0.1:${port}`],
    ]);

    expect(code, err).toBe(0);
    const seen = new Map<string, Uint8Array>();
    await using bus = new MqttBus({
      connect: mqttConnect({ host: "127.0.0.1", port }, clock),
      clientId: "late",
      clock,
      entropy,
      log,
    });
    const offered = new Promise<void>((resolve) => {
      void bus.subscribe(`imu/v1/plant/${DEVICE}/ota/#`, ({ topic, payload }) => {
        seen.set(topic, payload);
        if (seen.size === 2) resolve();
      });
    });
    await offered;
    const hash = releaseHash(await readFile(bundle()));
    expect(Buffer.from(seen.get(`imu/v1/plant/${DEVICE}/ota/chunk/${hash}/0`) ?? [])).toEqual(
      await readFile(bundle()),
    );
    expect(Buffer.from(seen.get(`imu/v1/plant/${DEVICE}/ota/offer`) ?? [])).toEqual(
      await readFile(statement()),
    );
  });

  test.each([
    [
      "of another length",
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.from(" ")]),
      "target_length_mismatch",
    ],
    [
      "with a changed byte",
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from("]")]),
      "target_hash_mismatch",
    ],
  ])("does not publish a bundle %s", async (_, change, reason) => {
    await build();
    await writeFile(bundle(), change(await readFile(bundle())));

    const { code, err } = await imuctl([
      "ota",
      "publish",
      statement(),
      bundle(),
      "--device",
      DEVICE,
      "--broker",
      "mqtt://127.0.0.1:1",
    ]);

    expect(code).toBe(1);
    expect(err).toContain(reason);
  });

  test("stages the very bytes with the daemon here, and prints its refusal with all details", async () => {
    await build();
    const runDir = join(dir.path, "run");
    await mkdir(runDir, { recursive: true });
    const asked: unknown[] = [];
    const details = { phi: { active: 0.91, candidate: 0.74 } };
    await using _server = await ControlServer.listen(join(runDir, "imud.sock"), async (method, params) => {
      asked.push(method, params);
      throw new CodedError("phi_gate_reject", "Refused: phi_gate_reject.", { status: 412, details });
    });

    const { code, err } = await imuctl([
      "ota",
      "stage",
      statement(),
      bundle(),
      "--config",
      join(dir.path, "imud.yaml"),
    ]);

    expect(code).toBe(1);
    expect(asked).toEqual([
      "ota.stage",
      { statement: toBase64(await readFile(statement())), bundle: toBase64(await readFile(bundle())) },
    ]);
    expect(err).toContain(`details: ${JSON.stringify(details)}`);
  });
});
