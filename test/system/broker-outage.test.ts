import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { fromUtf8 } from "../../firmware/core/bytes.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { Daemon, TemporaryFolder, until } from "../support/daemon.ts";
import { atRest, deviceFolder, program } from "./device-folder.ts";
import { TestBroker } from "./test-broker.ts";

const OUTAGE_MS = Number(process.env.IMUD_SYSTEM_OUTAGE_MS ?? 5000);
const EVERY_MS = 100;
/** The pause before the next try to connect may have grown to 30 s. */
const RECONNECT_MS = 35_000;
/** Says an event and a reading ten times a second, both with the number of its run. */
const teller = program("teller", {
  capabilities: ["sensor.read", "kv.get", "kv.put", "mqtt.publish"],
  outputs: ["telemetry_tick", "event_tick"],
  triggers: [{ on: "interval", everyMs: EVERY_MS }],
  code: [
    { op: "CAP", name: "sensor.read", args: { input: "air_temperature" } },
    { op: "POP" },
    { op: "CAP", name: "kv.get", args: { key: "n" } },
    { op: "STORE", reg: "row" },
    { op: "PUSH", value: 0 },
    { op: "STORE", reg: "n" },
    { op: "GETK", oid: "reg:row", key: "found" },
    { op: "JZ", label: "ADD" },
    { op: "GETK", oid: "reg:row", key: "value" },
    { op: "STORE", reg: "n" },
    { op: "LABEL", name: "ADD" },
    { op: "LOAD", reg: "n" },
    { op: "PUSH", value: 1 },
    { op: "ADD" },
    { op: "STORE", reg: "n" },
    { op: "CAP", name: "kv.put", args: { key: "n", value: "reg:n" } },
    { op: "POP" },
    { op: "CAP", name: "mqtt.publish", args: { output: "telemetry_tick", payload: { n: "reg:n" } } },
    { op: "POP" },
    { op: "CAP", name: "mqtt.publish", args: { output: "event_tick", payload: { n: "reg:n" } } },
    { op: "POP" },
    { op: "HALT" },
  ],
});

const output = (flow: "telemetry" | "event"): JsonObject => ({
  name: `${flow}_tick`,
  uri: `mqtt://site/imu/v1/{fleet}/{device}/${flow}/tick`,
  safe: "hold",
  risk: "low",
  requires: { requiredKinds: ["sensor_reading"] },
});

interface Said {
  readonly flow: "telemetry" | "event";
  readonly n: number;
}

/** What the broker has acknowledged from the teller, in order of arrival. */
function heard(broker: TestBroker, from = 0): readonly Said[] {
  return broker.received.slice(from).flatMap(({ topic, payload }): readonly Said[] => {
    const flow = /\/(telemetry|event)\/tick$/.exec(topic)?.[1];
    if (flow !== "telemetry" && flow !== "event") return [];
    const { n } = JSON.parse(fromUtf8(payload)) as { readonly n: number };
    return [{ flow, n }];
  });
}

const numbers = (said: readonly Said[], flow: Said["flow"]): readonly number[] =>
  said.filter((one) => one.flow === flow).map(({ n }) => n);

const outboxOf = (status: Json): JsonObject => {
  const link = isJsonObject(status) && isJsonObject(status.link ?? null) ? (status.link as JsonObject) : {};
  return isJsonObject(link.outbox ?? null) ? (link.outbox as JsonObject) : {};
};

test(`an outage of the broker of ${OUTAGE_MS / 1000} s loses nothing, repeats nothing, and readings never overtake events`, {
  timeout: OUTAGE_MS + RECONNECT_MS + 60_000,
}, async () => {
  await using folder = await TemporaryFolder.create();
  await using broker = await TestBroker.start();
  await deviceFolder(folder.path, {
    broker: { url: broker.url },
    programs: [teller],
    policy: (policy) => ({
      ...policy,
      rates: { perCapability: { "mqtt.publish": { rps: 100, burst: 100 } } },
      outputs: [output("telemetry"), output("event")],
      subjects: { ...(policy.subjects as JsonObject), "program:teller": { kind: "program", tier: "medium" } },
    }),
  });
  await using daemon = await Daemon.start(folder.path);
  await until("messages arrive", () => numbers(heard(broker), "telemetry").length >= 10);

  await broker.stop();
  const before = heard(broker);
  await wait(OUTAGE_MS);
  const during = await daemon.ask("status");
  const mark = broker.received.length;
  await broker.resume();
  const resumedAt = performance.now();
  // What was queued when the broker came back: nothing of it had ever been sent, except what was in flight at the cut.
  const backlogEnd = Math.max(...numbers(before, "event")) + Math.floor(OUTAGE_MS / EVERY_MS) - 2;
  const arrived = (): readonly Said[] => heard(broker, mark);
  await until(
    "the backlog arrives",
    () => numbers(arrived(), "telemetry").includes(backlogEnd),
    RECONNECT_MS,
  );
  const backAfterMs = (broker.received[mark]?.at ?? Number.NaN) - resumedAt;
  await until("the outbox is empty", async () => outboxOf(await daemon.ask("status")).depth === 0);
  const after = await daemon.ask("status");
  await daemon.end("SIGTERM");

  expect(during).toMatchObject({ link: { state: expect.not.stringMatching("online") } });
  expect(Number(outboxOf(during).depth)).toBeGreaterThanOrEqual((2 * OUTAGE_MS) / EVERY_MS - 10);
  expect(outboxOf(after)).toMatchObject({ dead: 0, dropped: { logic: 0, telemetry: 0, logs: 0 } });
  const all = heard(broker);
  const fresh = arrived();
  for (const flow of ["event", "telemetry"] as const) {
    const last = Math.max(...numbers(all, flow));
    const every = Array.from({ length: last }, (_, i) => i + 1);
    expect(
      [...new Set(numbers(all, flow))].sort((a, b) => a - b),
      `${flow} is complete`,
    ).toEqual(every);
    const known = new Set(numbers(before, flow));
    const first = numbers(fresh, flow).filter((n) => !known.has(n));
    expect(first, `${flow} once and in order`).toEqual([...new Set(first)].sort((a, b) => a - b));
  }
  const backlog = fresh.filter(({ n }) => n <= backlogEnd);
  const lastEvent = backlog.findLastIndex(({ flow }) => flow === "event");
  const overtakers = backlog.slice(0, lastEvent).filter(({ flow }) => flow === "telemetry");
  process.stdout.write(
    `broker away ${OUTAGE_MS} ms: ${backlog.length} queued messages arrived, first ${Math.round(backAfterMs)} ms after its ` +
      `return; ${all.length} in all, ${all.length - new Set(all.map(({ flow, n }) => `${flow} ${n}`)).size} repeated\n`,
  );
  // Each run has queued its reading before its event; all the same no reading goes before the last event.
  expect(overtakers).toEqual([]);
  expect((await atRest(folder.path)).report.ok).toBe(true);
});
