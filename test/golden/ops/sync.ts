import { codeOf } from "../../../firmware/core/errors.ts";
import { TokenBucket, takeAll } from "../../../firmware/core/token-bucket.ts";
import { hashBatch } from "../../../firmware/sync/batch.ts";
import { decideOpinions, decisionStrength } from "../../../firmware/sync/consensus.ts";
import {
  gcounterValue,
  incrementDelta,
  mergeGCounter,
  mergePnCounter,
  pncounterValue,
} from "../../../firmware/sync/crdt/counters.ts";
import {
  eventAttributes,
  eventId,
  eventIdentity,
  eventSetOf,
  mergeEventSet,
} from "../../../firmware/sync/crdt/eventset.ts";
import { isForkedStamp, lwwMapValue, mergeEntry, mergeLwwMap } from "../../../firmware/sync/crdt/lww.ts";
import { mergeOrMap, orMapValue } from "../../../firmware/sync/crdt/ormap.ts";
import { mergeOrSet, orSetElements } from "../../../firmware/sync/crdt/orset.ts";
import { DEFAULT_STRENGTH, type Versioned, writeVersioned } from "../../../firmware/sync/crdt/versioned.ts";
import {
  compareStamps,
  deviceOfReplica,
  formatStamp,
  type HlcState,
  parseStamp,
  receive,
  tick,
} from "../../../firmware/sync/hlc.ts";
import { judgeBatch } from "../../../firmware/sync/judge.ts";
import {
  answerLease,
  fence,
  heldLease,
  type LeaseGrantState,
  quorumGate,
} from "../../../firmware/sync/lease.ts";
import { convergence, effectiveBatches, lagOf, summaryOf } from "../../../firmware/sync/measures.ts";
import { judgeSnapshot, snapshotCut, stableCut } from "../../../firmware/sync/stability.ts";
import { nextIntervalMs, resetIntervalMs, shouldTransmit } from "../../../firmware/sync/trickle.ts";
import { countWitnesses, witnessesOf } from "../../../firmware/sync/witnesses.ts";
import type { Given, OpModule } from "../registry.ts";

const coded = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return { error: codeOf(error) };
  }
};
const mapOf = <T>(object: Record<string, T>): Map<string, T> => new Map(Object.entries(object));

function hlcRun(given: Given): unknown {
  let state: HlcState = { ms: given.start.ms, counter: given.start.c };
  const stamps: unknown[] = [];
  for (const step of given.steps) {
    const remote = step.kind === "recv" ? parseStamp(step.remote) : null;
    if (remote === null) state = tick(state, step.wallMs);
    else {
      const result = receive(state, step.wallMs, remote, given.maxDriftMs);
      if (!result.ok) {
        stamps.push({ error: result.code, aheadMs: result.aheadMs });
        continue;
      }
      state = result.state;
    }
    stamps.push(formatStamp(state, given.node));
  }
  return { stamps };
}

function receiveBatch({ state, batch }: Given): unknown {
  const isRevoked = (d: Given): boolean => d.revoked === true || (d.status ?? "active") !== "active";
  const device = (id: string): Given | null => state.roster[id] ?? null;
  return judgeBatch(
    {
      ...batch,
      hlc: formatStamp({ ms: batch.hlcMs, counter: 0 }, batch.origin),
      isSigned: () => {
        const id = deviceOfReplica(batch.origin) ?? "";
        return batch.sigOk && batch.signer === id && batch.alg === device(id)?.alg;
      },
      contentFault: () =>
        batch.writerOk === false ? "writer_denied" : batch.deltaOk === false ? "delta_invalid" : null,
    },
    {
      fleet: state.fleet,
      wallMs: state.wallMs,
      device: (id) => {
        const known = device(id);
        return known && { cut: isRevoked(known) ? (known.revokedAfter ?? {}) : null };
      },
      head: (origin) => {
        const head = state.heads[origin];
        const ms = state.lastHlcMs?.[origin];
        return head
          ? {
              seq: head[0],
              hash: head[1],
              hlc: ms === undefined ? null : formatStamp({ ms, counter: 0 }, origin),
              roster: state.lastRoster?.[origin] ?? null,
            }
          : null;
      },
      hashAt: (origin, seq) => state.known?.[origin]?.[seq],
      excludedFrom: (origin) => state.excluded?.[origin] ?? null,
      knowsRoster: (version) => version <= state.rosterVersion,
    },
  );
}

function stability(given: Given): unknown {
  const members = Object.entries<Given>(given.roster)
    .filter(([, d]) => d.dormant !== true && d.revoked !== true && (d.status ?? "active") === "active")
    .map(([id]) => id);
  const held = new Map(
    Object.entries<Record<string, string>>(given.held).map(([origin, hashes]) => [
      origin,
      new Map(Object.entries(hashes).map(([seq, hash]) => [Number(seq), hash])),
    ]),
  );
  const acks = new Map(
    Object.entries<Record<string, [number, string]>>(given.acks).map(([member, rows]) => [
      member,
      new Map(Object.entries(rows).map(([origin, [seq, hash]]) => [origin, { seq, hash }])),
    ]),
  );
  const verifiedBefore = new Map(
    Object.entries<Record<string, number>>(given.verifiedBefore ?? {}).map(([m, rows]) => [m, mapOf(rows)]),
  );
  return { stable: Object.fromEntries(stableCut({ members, held, acks, verifiedBefore })) };
}

function versionedWrite(given: Given): unknown {
  let state: Versioned = null;
  const receipts: unknown[] = [];
  for (const write of given.writes) {
    const entry = { strength: DEFAULT_STRENGTH, meta: {}, ...write };
    const done = writeVersioned(state, entry);
    state = done.state;
    receipts.push(done.receipt);
  }
  return { receipts };
}

function takeFromAll(given: Given): unknown {
  const takes = given.buckets.map(({ name, tokens }: Given) => {
    const bucket = new TokenBucket({ rps: 0, burst: 1_000 }, 0);
    bucket.take(1_000 - tokens, 0);
    return { scope: name, bucket, n: given.n };
  });
  const verdict = takeAll(takes, 0);
  const tokens = takes.map(({ bucket }: { bucket: TokenBucket }) => bucket.available(0));
  return { accepted: verdict.ok, tokens, refusedBy: verdict.ok ? null : verdict.scope };
}

function trickleIntervals(given: Given): unknown {
  const config = { iminMs: given.iminMs, doublings: given.doublings, k: given.k ?? 3 };
  let interval = config.iminMs;
  const intervalsMs = given.events.map((event: string) => {
    interval = event === "end" ? nextIntervalMs(config, interval) : resetIntervalMs(config);
    return interval;
  });
  return { intervalsMs };
}

function leaseAcceptor(given: Given): unknown {
  const { token = 0, holder = null, untilMs = 0, bootedAt = null } = given.start;
  let state: LeaseGrantState = { token, holder, untilMs, bootedAtMs: bootedAt };
  const replies = given.requests.map((request: Given) => {
    const answer = answerLease(state, request, request.atMs);
    state = answer.state;
    return answer.reply;
  });
  return { replies };
}

const merges = {
  "gcounter.merge": ({ a, b }: Given) => {
    const state = mergeGCounter(a, b);
    return { state, value: gcounterValue(state) };
  },
  "gcounter.value": ({ state }: Given) => ({ value: gcounterValue(state) }),
  "gcounter.inc": ({ amounts, state = {}, replica = "a.1", by }: Given) =>
    amounts === undefined
      ? coded(() => ({ state: mergeGCounter(state, incrementDelta(state, replica, by)) }))
      : {
          errors: amounts.map(
            (amount: unknown) => (coded(() => incrementDelta(state, replica, amount)) as Given).error ?? null,
          ),
        },
  "pncounter.merge": ({ a, b }: Given) => {
    const state = mergePnCounter(a, b);
    return { ...state, value: pncounterValue(state) };
  },
  "lww.merge": ({ a, b }: Given) => ({ ...mergeEntry(a, b), equivocation: isForkedStamp(a, b) }),
  "lwwmap.merge": ({ a, b }: Given) => {
    const entries = mergeLwwMap(a, b);
    return { entries, visible: lwwMapValue(entries) };
  },
  "orset.merge": ({ a, b }: Given) => {
    const state = mergeOrSet(a, b);
    return { ...state, elements: orSetElements(state) };
  },
  "ormap.merge": ({ a, b }: Given) => {
    const state = mergeOrMap(a, b);
    return { ...state, visible: orMapValue(state) };
  },
  "eventset.merge": ({ a, b }: Given) => {
    const merged = mergeEventSet(eventSetOf(a), eventSetOf(b));
    const ids = Object.keys(merged).sort();
    return { events: ids.map((id) => ({ id, attrs: eventAttributes(merged[id] as Given) })) };
  },
  "eventset.importTimes": ({ events, times }: Given) => {
    let state = {};
    for (let i = 0; i < times; i++) state = mergeEventSet(state, eventSetOf(events));
    return { size: Object.keys(state).length };
  },
  "event.id": ({ event }: Given) => coded(() => ({ id: eventId(event), identityJcs: eventIdentity(event) })),
};

export const modules: readonly OpModule[] = [
  {
    area: "sync",
    ops: {
      ...merges,
      "hlc.run": hlcRun,
      "hlc.sort": ({ stamps }) => ({ sorted: [...stamps].sort(compareStamps) }),
      "versioned.write": versionedWrite,
      "batch.hash": ({ payload }) => ({ hash: hashBatch(payload) }),
      "batch.receive": receiveBatch,
      "equivocation.apply": ({ appliedSeqs, forkSeq, laterProofForkSeq }) =>
        effectiveBatches(appliedSeqs, [
          forkSeq,
          ...(laterProofForkSeq === undefined ? [] : [laterProofForkSeq]),
        ]),
      "digest.summary": ({ heads }) => ({ summary: summaryOf(heads) }),
      "convergence.ratio": ({ peers }) => convergence(peers.map(({ summary }: Given) => summary)),
      "convergence.lag": ({ own, best }) => lagOf(mapOf(own), mapOf(best)),
      "stability.cut": stability,
      "stability.snapshotCut": ({ stable, align }) => ({
        cut: Object.fromEntries(snapshotCut(mapOf(stable), align)),
      }),
      "snapshot.import": (given) => ({ result: judgeSnapshot(given) }),
      "witness.select": ({ device, roster, witnesses }) => ({
        witnesses: witnessesOf(device, roster, witnesses),
      }),
      "witness.count": ({ device, roster, min, cosigners }) => {
        const distinct = countWitnesses(device, roster, cosigners);
        return { distinct, witnessed: distinct >= min };
      },
      "trickle.intervals": trickleIntervals,
      "trickle.transmit": ({ iminMs, k, consistentHeardBeforeT }) => ({
        transmit: shouldTransmit({ iminMs, k, doublings: 6 }, consistentHeardBeforeT),
      }),
      "bucket.take": ({ rate, burst, takes }) => {
        const bucket = new TokenBucket({ rps: rate, burst }, takes[0]?.atMs ?? 0);
        return { ok: takes.map(({ atMs, n }: Given) => bucket.take(n, atMs).ok) };
      },
      "bucket.takeAll": takeFromAll,
      "consensus.strength": (given) => ({ strength: decisionStrength(given) }),
      "consensus.decide": ({ opinions, threshold, minOpinions }) =>
        decideOpinions(opinions, { threshold, minOpinions }),
      "lease.acceptor": leaseAcceptor,
      "lease.fence": ({ tokens }) => {
        let largest = 0;
        const results = tokens.map((token: number) => {
          const isOk = fence(largest, token);
          if (isOk) largest = token;
          return isOk ? "ok" : "stale_fencing_token";
        });
        return { results };
      },
      "lease.holder": ({ members, requestSentMs, ttlMs, grants }) =>
        heldLease(members, grants.filter((row: Given) => row.grant).length, requestSentMs, ttlMs),
      "quorum.gate": ({ members, alive, leaseHolder, require }) =>
        quorumGate(members, alive, leaseHolder !== null, require),
    },
  },
];
