/** I15: everything that a simulated device records or says is marked as simulated (simulator.md 1). */
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import type { DeviceFacts } from "./facts.ts";
import { parseObject } from "./facts.ts";
import { type Invariant, type InvariantContext, isFrom } from "./invariant.ts";

const REAL = /^(gpio|i2c|spi|serial):\/\//;
/** Messages that the daemon itself makes and marks (observability.md 8). */
const MARKED_SCHEMAS = new Set(["imu.status/1", "imu.event/1", "imu.telemetry/1"]);

type Say = (what: string, details: JsonObject) => void;

function checkEntries({ entries, runs }: DeviceFacts, say: Say): void {
  const entry = entries.find(({ entry: { event } }) => event.sim !== true);
  if (entry !== undefined)
    say("An entry of the ledger is not marked as simulated.", {
      index: entry.index,
      kind: entry.entry.event.kind,
    });
  const run = runs.find(({ sim }) => sim !== true);
  if (run !== undefined) say("A run's record is not marked as simulated.", { runId: run.runId });
}

async function checkSources(facts: DeviceFacts, say: Say): Promise<void> {
  for (const { runId } of facts.sample) {
    const real = (await facts.evidenceOf(runId)).find(({ body }) => REAL.test(body.source));
    if (real === undefined) continue;
    const { source, kind } = real.body;
    say("Evidence of a simulated board names a real source.", { runId, evidence: real.id, source, kind });
    return;
  }
}

function checkMessages({ messages }: InvariantContext, { device }: DeviceFacts, say: Say): void {
  for (const message of messages) {
    if (!isFrom(message, device) || message.payload[0] !== 0x7b) continue;
    let body: JsonObject;
    try {
      body = parseObject(message.payload);
    } catch {
      continue; // Begins like an object and is none: no message of the daemon's own.
    }
    if (!isJsonObject(body) || !MARKED_SCHEMAS.has(String(body.schema)) || body.sim === true) continue;
    const { topic, atUs } = message;
    say("A message of a simulated device is not marked.", { topic, atUs, schema: String(body.schema) });
  }
}

export const markedInvariant: Invariant = {
  id: "I15",
  async check(context) {
    for (const facts of context.facts) {
      const actor = facts.device.deviceId;
      const say: Say = (what, details) => context.report({ id: "I15", what, actor, details });
      checkEntries(facts, say);
      await checkSources(facts, say);
      checkMessages(context, facts, say);
    }
  },
};
