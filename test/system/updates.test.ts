/** Releases on a real daemon: activated, refused, rolled back, and cut by kill -9 at every step. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MqttBus } from "../../firmware/adapters/mqtt-bus.ts";
import { mqttConnect } from "../../firmware/adapters/mqtt-link.ts";
import { SystemClock } from "../../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { toBase64 } from "../../firmware/core/bytes.ts";
import { type Ed25519KeyPair, generateKeyPair, keyPairFromPem } from "../../firmware/core/ed25519.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { keyIdOf } from "../../firmware/core/key-record.ts";
import type { Log } from "../../firmware/ports/log.ts";
import {
  type BuiltRelease,
  buildRelease,
  type OtaRun,
  type OtaStatus,
  publishRelease,
  type SelfTestEntry,
} from "../../ota/index.ts";
import { Daemon, TemporaryFolder, until } from "../support/daemon.ts";
import { atRest, deviceFolder, FLEET, program } from "./device-folder.ts";
import { TestBroker } from "./test-broker.ts";

const configOf = (holdMs: number): string =>
  `ota: { holdMs: ${holdMs}, minRuns: 5, maxRuns: 40, guardMs: 1000, evaluateMs: 300 }\n`;
const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** Reads a sensor and counts in a loop, five times a second: enough steps that twice as many weigh something. */
const counter = (version: string, rounds: number): JsonObject =>
  program("climate", {
    version,
    capabilities: ["sensor.read"],
    triggers: [{ on: "interval", everyMs: 200 }],
    code: [
      { op: "CAP", name: "sensor.read", args: { input: "air_temperature" } },
      { op: "POP" },
      { op: "PUSH", value: rounds },
      { op: "STORE", reg: "n" },
      { op: "LABEL", name: "AGAIN" },
      { op: "LOAD", reg: "n" },
      { op: "PUSH", value: 1 },
      { op: "SUB" },
      { op: "STORE", reg: "n" },
      { op: "LOAD", reg: "n" },
      { op: "JNZ", label: "AGAIN" },
      { op: "HALT" },
    ],
  });

interface Site {
  readonly dir: string;
  readonly operator: Ed25519KeyPair;
  readonly policy: JsonObject;
  build(
    releaseId: string,
    version: number,
    programs: readonly JsonObject[],
    options?: {
      readonly selfTest?: readonly SelfTestEntry[];
      readonly signer?: Ed25519KeyPair;
      readonly subjects?: JsonObject;
    },
  ): BuiltRelease;
}

async function site(
  dir: string,
  options: { readonly broker?: string; readonly holdMs?: number } = {},
): Promise<Site> {
  const broker = options.broker === undefined ? {} : { broker: { url: options.broker } };
  await deviceFolder(dir, {
    programs: [counter("1.0.0", 1000)],
    config: configOf(options.holdMs ?? 1500),
    ...broker,
  });
  const operator = keyPairFromPem(await readFile(join(dir, "operator", "operator.key"), "utf8"));
  const policy = JSON.parse(await readFile(join(dir, "policy.json"), "utf8")) as JsonObject;
  return {
    dir,
    operator,
    policy,
    build: (releaseId, version, programs, { selfTest = [], signer = operator, subjects = {} } = {}) => {
      const now = Date.now();
      const next = { ...policy, version, subjects: { ...(policy.subjects as JsonObject), ...subjects } };
      const source = {
        fleet: FLEET,
        audience: "*" as const,
        releaseId,
        version,
        policy: next,
        programs,
        selfTest,
        issuedAt: now - 1000,
        expiresAt: now + 3_600_000,
      };
      return buildRelease(source, [{ keyId: keyIdOf(signer.publicKeyHex), pair: signer }]);
    },
  };
}

const stage = (daemon: Daemon, release: BuiltRelease) =>
  daemon.ask("ota.stage", { statement: toBase64(release.statementBytes), bundle: toBase64(release.bundle) });

async function statusOf(daemon: Daemon): Promise<OtaStatus> {
  return (await daemon.ask("ota.status")) as unknown as OtaStatus;
}

async function ended(daemon: Daemon, releaseId: string): Promise<OtaRun> {
  let found: OtaRun | undefined;
  await until(
    `${releaseId} has ended`,
    async () => {
      const history = (await daemon.ask("ota.history")) as unknown as readonly OtaRun[];
      found = history.find((run) => run.releaseId === releaseId);
      return found !== undefined;
    },
    30_000,
  );
  if (!found) throw new Error("unreachable");
  return found;
}

async function recorded(daemon: Daemon, count: number): Promise<void> {
  await until(
    `${count} runs are recorded`,
    async () =>
      ((await daemon.ask("run.list", { limit: 100 })) as { readonly runs: readonly unknown[] }).runs.length >=
      count,
    20_000,
  );
}

describe("a release", () => {
  test("that is better arrives over MQTT and is activated; worse, foreign and broken ones are not", async () => {
    await using folder = await TemporaryFolder.create();
    await using broker = await TestBroker.start();
    const { dir, build } = await site(folder.path, { broker: broker.url });
    await using daemon = await Daemon.start(dir);
    await recorded(daemon, 12);

    const better = build("better", 2, [counter("1.1.0", 900)]);
    const entropy = new SystemEntropy();
    const clock = new SystemClock({ entropy, floorMs: 0, synchronised: () => true });
    const { hostname, port } = new URL(broker.url);
    {
      await using bus = new MqttBus({
        connect: mqttConnect({ host: hostname, port: Number(port) }, clock),
        clientId: "publisher",
        clock,
        entropy,
        log: silent,
      });
      await until("the publisher is online", () => bus.state === "online");
      const device = ((await daemon.ask("status")) as JsonObject).deviceId;
      await publishRelease(bus, better, { fleet: FLEET, device: String(device) });
    }
    expect(await ended(daemon, "better")).toMatchObject({ state: "committed" });
    expect((await statusOf(daemon)).running).toBe(better.releaseHash);

    await recorded(daemon, 30);
    await stage(daemon, build("twice-the-steps", 3, [counter("1.2.0", 1800)]));
    const worse = await ended(daemon, "twice-the-steps");
    const phi = worse.gateResults
      .flatMap(({ violations }) => violations)
      .find(({ code }) => code === "phi_regression");
    expect(worse).toMatchObject({ state: "rejected" });

    expect(Number(phi?.details.candidatePhi)).toBeGreaterThan(Number(phi?.details.activePhi));

    const foreign = build("foreign", 4, [counter("1.3.0", 900)], { signer: generateKeyPair() });
    await expect(stage(daemon, foreign)).rejects.toMatchObject({ code: "unknown_key" });

    const broken = program("broken", { code: [{ op: "FAIL", reason: "does_not_work" }] });
    const subjects = { "program:broken": { kind: "program", tier: "medium" } };
    const selfTest: SelfTestEntry[] = [
      { program: "broken", payload: {}, expect: { ended: "halted", status: 200 } },
    ];
    await stage(daemon, build("broken", 5, [counter("1.1.0", 900), broken], { selfTest, subjects }));
    expect(await ended(daemon, "broken")).toMatchObject({
      state: "rolled_back",
      reason: "self_test",
      to: better.releaseHash,
    });
    expect((await statusOf(daemon)).running).toBe(better.releaseHash);

    await daemon.end("SIGTERM");
    const { report, entries } = await atRest(dir);
    const kinds = entries.map(({ entry }) => entry.event.kind);
    expect(report.ok).toBe(true);
    expect(kinds).toEqual(
      expect.arrayContaining([
        "policy_received",
        "policy_active",
        "policy_committed",
        "policy_rejected",
        "policy_rolling_back",
        "policy_rolled_back",
      ]),
    );
  }, 120_000);

  test("that is cut by kill -9 at any step leaves the old or the new one, never half", async () => {
    await using folder = await TemporaryFolder.create();
    const { dir, build } = await site(folder.path);
    const release = build("next", 2, [counter("1.1.0", 900)]);
    const seen: string[] = [];
    {
      await using daemon = await Daemon.start(dir);
      await recorded(daemon, 12);
      await daemon.end("SIGTERM");
    }
    for (let cut = 0; cut < 10; cut++) {
      await using daemon = await Daemon.start(dir);
      const before = await statusOf(daemon);
      if (cut === 0) await stage(daemon, release);
      // The early steps take a few ms each, the trial seconds: the cuts lie close together first, then further apart.
      await new Promise((resolve) => setTimeout(resolve, cut < 6 ? 5 * 2 ** cut : 600));
      await daemon.end("SIGKILL");
      seen.push(before.run?.state ?? "none");
    }

    await using daemon = await Daemon.start(dir);
    const last = await ended(daemon, "next");
    const { pointer, running } = await statusOf(daemon);

    expect(["committed", "rolled_back", "rejected"]).toContain(last.state);
    expect([release.releaseHash, pointer.factory]).toContain(running);
    expect(running).toBe(pointer.active);
    expect(seen.length).toBe(10);
    await daemon.end("SIGTERM");
    expect((await atRest(dir)).report.ok).toBe(true);
  }, 120_000);

  test("on trial is given up after a crash", async () => {
    await using folder = await TemporaryFolder.create();
    const { dir, build } = await site(folder.path);
    await using first = await Daemon.start(dir);
    await recorded(first, 12);
    await stage(first, build("next", 2, [counter("1.1.0", 900)]));
    await until("the trial runs", async () => (await statusOf(first)).run?.state === "canary", 20_000);
    await first.end("SIGKILL");

    await using second = await Daemon.start(dir);
    const undone = await ended(second, "next");

    expect(undone).toMatchObject({ state: "rolled_back", reason: "trial_crash" });
  }, 60_000);

  test("on trial is given up at its third restart", async () => {
    await using folder = await TemporaryFolder.create();
    const { dir, build } = await site(folder.path, { holdMs: 60_000 });
    {
      await using first = await Daemon.start(dir);
      await recorded(first, 12);
      await stage(first, build("next", 2, [counter("1.1.0", 900)]));
      await until("the trial runs", async () => (await statusOf(first)).run?.state === "canary", 20_000);
      await first.end("SIGTERM");
    }
    for (const restart of [1, 2]) {
      await using again = await Daemon.start(dir);
      await until("the trial goes on", async () => (await statusOf(again)).run?.state === "canary", 20_000);
      expect((await statusOf(again)).run?.trialRestarts).toBe(restart);
      await again.end("SIGTERM");
    }

    await using last = await Daemon.start(dir);

    expect(await ended(last, "next")).toMatchObject({ state: "rolled_back", reason: "trial_restart_limit" });
  }, 90_000);
});
