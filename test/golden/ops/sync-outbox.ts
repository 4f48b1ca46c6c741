import { FairScheduler } from "../../../firmware/core/fair-scheduler.ts";
import { type OutboxClass, type OutboxMeta, OutboxQueue } from "../../../firmware/fleet/outbox-queue.ts";
import type { Given, OpModule } from "../registry.ts";

function drain(queue: OutboxQueue): string[] {
  const taken: OutboxMeta[] = [];
  for (let item = queue.take(0); item; item = queue.take(0)) {
    taken.push(item);
    queue.remove(item.seq);
  }
  for (const item of taken) queue.restore(item, 0);
  return taken.map((item) => item.id);
}

function sequence(given: Given): unknown {
  const keepNew = new Set(
    Object.entries(given.sameClass ?? {}).flatMap(([name, rule]) =>
      rule === "keep_new" ? [name as OutboxClass] : [],
    ),
  );
  const queue = new OutboxQueue({
    maxItems: given.maxItems ?? 50_000,
    maxBytes: given.maxBytes ?? 64 * 1024 * 1024,
    keepNew,
  });
  const drops = { logic: 0, telemetry: 0, logs: 0 };
  const results: unknown[] = [];
  for (const [seq, op] of given.ops.entries()) {
    if (op.op === "drain") {
      results.push({ order: drain(queue) });
      continue;
    }
    const meta: OutboxMeta = {
      seq,
      id: op.id,
      idem: op.idem ?? null,
      bodyHash: op.hash ?? op.id,
      topic: op.topic ?? op.id,
      class: op.p,
      bytes: op.bytes ?? 1,
      expiresMs: null,
    };
    const admission = queue.admit(meta);
    if (admission.outcome === "accepted") {
      queue.confirm(seq);
      for (const victim of admission.evicted) drops[victim.class]++;
      const [evicted] = admission.evicted;
      results.push({ accepted: true, ...(evicted ? { evicted: evicted.id } : {}) });
    } else if (admission.outcome === "duplicate") results.push({ duplicate: admission.of });
    else if (admission.code === "outbox_full") {
      drops[meta.class]++;
      results.push({ refused: admission.code });
    } else results.push({ error: admission.code });
  }
  return { results, drops };
}

function fairDrain(given: Given): unknown {
  const scheduler = new FairScheduler(given.weights);
  const flows = new Map<string, number[]>();
  const served: Record<string, number> = {};
  const order: string[] = [];
  let seq = 0;
  for (const op of given.ops) {
    if (op.arrive !== undefined) {
      const line = flows.get(op.arrive) ?? [];
      flows.set(op.arrive, line);
      for (let i = 0; i < (op.count ?? 1); i++) line.push(seq++);
      continue;
    }
    for (let i = 0; i < op.dequeue; i++) {
      const heads = [...flows].flatMap(([flow, [head]]) =>
        head === undefined ? [] : [{ flow, seq: head, cost: given.cost ?? 1 }],
      );
      const flow = scheduler.pick(heads);
      if (flow === null) break;
      flows.get(flow)?.shift();
      served[flow] = (served[flow] ?? 0) + 1;
      order.push(flow);
    }
  }
  return { served, order };
}

export const modules: readonly OpModule[] = [
  { area: "sync", ops: { "outbox.sequence": sequence, "fair.drain": fairDrain } },
];
