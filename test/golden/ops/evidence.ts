import { fromBase64, fromHex, fromUtf8, utf8 } from "../../../firmware/core/bytes.ts";
import { codeOf } from "../../../firmware/core/errors.ts";
import { hashJson } from "../../../firmware/core/hash.ts";
import type { Json } from "../../../firmware/core/json.ts";
import * as ev from "../../../firmware/evidence/index.ts";
import { put } from "../../../firmware/ports/store.ts";
import { MemoryStore } from "../../../sim/disk/memory-store.ts";
import type { Given, OpModule } from "../registry.ts";

/** A refusal of the product in the flat form of most vectors. */
const flat = (result: { ok: boolean; reason?: string; details?: object }): unknown =>
  result.ok ? result : { ok: false, reason: result.reason, ...result.details };

const profileOf = (kind: string): ev.FreshnessProfile => {
  const rule = ev.BUILT_IN_KINDS.get(kind);
  if (!rule) throw new Error(`the vector names the unknown kind ${kind}`);
  return rule.profile;
};

function sealKeys(keys: Given): ev.SealKeys {
  return (kid) =>
    Object.hasOwn(keys, kid) ? { key: fromHex(keys[kid].keyHex), revoked: keys[kid].revoked } : undefined;
}

function verifyCase(given: Given): unknown {
  const blob = given.blobHex ? fromHex(given.blobHex) : undefined;
  const { minTrust, now } = given;
  return flat(ev.verifyEvidence(given.record, blob, sealKeys(given.keys), { minTrust, now }));
}

function evidenceIdCase({ body, sealKeyHex }: Given): unknown {
  const payload = "payload" in body ? { payloadSha256: hashJson(body.payload) } : {};
  return { ...payload, id: ev.evidenceId(body), mac: ev.sealMac(fromHex(sealKeyHex), body) };
}

async function casCase({ steps }: Given): Promise<unknown> {
  const store = new MemoryStore();
  const cas = new ev.ContentStore({ store, wallMs: () => 0 });
  const run = async (step: Given): Promise<unknown> => {
    switch (step.do) {
      case "put":
        return cas.put(utf8(step.text));
      case "putJson":
        return cas.putJson(JSON.parse(step.jsonText));
      case "get":
        return { text: fromUtf8(await cas.get(step.sha256)) };
      case "link":
        return cas.link(step.name, step.sha256).then(() => "ok");
      case "resolve":
        return (await cas.resolve(step.name)).sha256;
      case "corrupt":
        return store.batch([put("cas", step.sha256, utf8(step.text))], { sync: true }).then(() => "ok");
      default:
        throw new Error(`unknown step ${step.do}`);
    }
  };
  const results: unknown[] = [];
  for (const step of steps) results.push(await run(step).catch((error) => ({ error: codeOf(error) })));
  let objects = 0;
  for await (const _ of store.range("cas")) objects++;
  return { results, objects };
}

function reputationCase({ events, atMs }: Given): unknown {
  let record: ev.Reputation | undefined;
  for (const event of events) {
    for (let i = 0; i < (event.success ?? 0); i++) record = ev.afterEvent(record, "success", event.atMs);
    for (let i = 0; i < (event.violation ?? 0); i++) record = ev.afterEvent(record, "violation", event.atMs);
  }
  return { factor: ev.reputationFactor(record, atMs) };
}

function riskCase({ domainRisk, hint }: Given): unknown {
  const { risk } = ev.decideRisk(domainRisk, hint);
  return { risk, ...ev.RISK_RULES[risk] };
}

function requirementOf(given: Given): ev.Requirement {
  const { minDistinctSources, minTotalTrust, minPointsPerClaim, maxPointsPerSource, ...rest } = given;
  const base = ev.defaultRequirement("gpio.write");
  const named = { minDistinctSources, minTotalTrust, minPointsPerClaim, maxPointsPerSource };
  const points = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  return { ...base, ...rest, points: { ...base.points, ...points } };
}

function tightenCase({ layers }: Given): unknown {
  const [first, ...rest] = layers;
  return ev.tighten({ ...ev.defaultRequirement("gpio.write"), ...first }, ...rest);
}

function guardCase({ run, evidence, requirement, claims, effect, risk }: Given): unknown {
  const records = evidence.map(
    (e: Given): ev.GuardRecord => ({
      id: e.id,
      kind: e.kind,
      source: e.source,
      origin: ev.originOf(e.source),
      foreign: e.runId !== run.runId || e.subject !== run.subject,
      integrity: () => e.integrity === "ok",
      level: () => e.level,
      rawAgeMs: e.ageMs,
      ts: -e.ageMs,
      ttlMs: e.ttlMs,
      declaredTrust: e.declared,
      sourceTrust: e.sourceTrust,
      reputation: e.reputation ?? 1,
      points: e.points ?? 5,
      payload: () => e.payload,
    }),
  );
  return ev.guard({
    effect: effect ?? "gpio.write",
    requirement: requirementOf(requirement),
    records,
    kinds: ev.BUILT_IN_KINDS,
    ...(claims ? { claims } : {}),
    ...(risk ? { risk } : {}),
  });
}

function claimsCase({ effect, claims, evidence, requirement }: Given): unknown {
  const entries = new Map<string, ev.AssessedRecord>(
    evidence.map((e: Given) => [
      e.id,
      {
        record: {
          id: e.id,
          kind: e.kind,
          source: e.source ?? `local://${e.origin}`,
          origin: e.origin,
          foreign: false,
          integrity: () => true,
          level: () => e.level,
          rawAgeMs: e.ageMs,
          ts: e.ts ?? -e.ageMs,
          ttlMs: 600_000,
          sourceTrust: e.trust ?? 1,
          reputation: e.reputation ?? 1,
          points: e.points,
          payload: () => e.payload,
        },
        faults: e.ok ? [] : [e.why],
        trust: e.trust ?? 1,
        level: e.level,
        ageMs: e.ageMs,
      },
    ]),
  );
  const lookup = (id: string) => entries.get(id);
  return flat(ev.checkClaims({ effect, claims, evidence: lookup, requirement: requirementOf(requirement) }));
}

function groupCase({ group, members, policy }: Given): unknown {
  const result = ev.checkGroup(group, members, policy);
  return result.ok ? { ok: true, ...result.resolution } : flat(result);
}

function relationCase({ relations, claims, weights }: Given): unknown {
  const weighted = relations.map((relation: Given) => ({ weights, ...relation }));
  return flat(ev.checkRelations(weighted, (id) => claims[id]));
}

function freshCase(given: Given): unknown {
  const { kind, ttlMs, levelMaxAgeMs, requirementMaxAgeMs, ageMs } = given;
  const limits = { ttlMs, profile: profileOf(kind), levelMaxAgeMs, requirementMaxAgeMs };
  return { fresh: ev.isFresh(ageMs, limits) };
}

function trustNowCase(given: Given): unknown {
  return {
    trust: ev.trustNow({
      base: ev.baseTrust(given.declared, given.sourceTrust),
      ageMs: given.ageMs,
      profileDecayPerDay: profileOf(given.kind).decayPerDay,
      levelDecayPerDay: given.levelDecayPerDay,
      reputation: given.reputation,
    }),
  };
}

function sourceMatchCase({ rules, unknownTrust, source, simulated }: Given): unknown {
  return new ev.SourceRegistry({ rules, unknownTrust, ...(simulated ? { simulated } : {}) }).lookup(source);
}

function schemaCase({ claimId, schema, value }: Given): unknown {
  return flat(ev.checkSchema(claimId, schema, value as Json) ?? { ok: true });
}

function officialCase(given: Given): unknown {
  const { sources, deviceId, fleet, nowMs, skewMs, seen } = given;
  const source = (id: string): ev.OfficialSource | undefined =>
    Object.hasOwn(sources, id)
      ? { threshold: sources[id].threshold, keys: sources[id].keys.map(statementKey) }
      : undefined;
  const replayed = (id: string, nonce: string) => seen.some(([a, b]: Given) => a === id && b === nonce);
  const context = { source, deviceId, fleet, nowMs, skewMs, seen: replayed };
  return flat(ev.verifyOfficial(given.envelope, context));
}

const statementKey = (key: Given): ev.StatementKey => ({
  keyId: key.keyid,
  publicKey: key.publicKeyHex,
  status: key.revoked ? "revoked" : key.retired ? "retired" : "active",
  ...(key.expiresAt === undefined ? {} : { expiresAt: key.expiresAt }),
});

function bundleCase({ envelope, responseText, keys, scope, nowMs }: Given): unknown {
  const signedAt = JSON.parse(fromUtf8(fromBase64(envelope.payload))).ts;
  return flat(
    ev.verifyBundle(envelope, utf8(responseText), {
      keys: keys.map((key: Given) => ({
        ...statementKey(key),
        rosterDevice: key.rosterDevice,
        scopes: key.scopes ?? [],
      })),
      scope,
      requirement: ev.defaultRequirement("RESPOND"),
      sources: new ev.SourceRegistry(),
      nowMs: nowMs ?? signedAt,
    }),
  );
}

function sinkCase({ opName, bundle, minSources, minScore, tier, channel }: Given): unknown {
  const resolve = (reference: Json) => reference as Given;
  const limits = { minSources, minScore, ...(tier ? { tier } : {}), ...(channel ? { channel } : {}) };
  return flat(ev.checkGrounded(opName, bundle, { resolve, ...limits }));
}

function inboundCase({ failing }: Given): unknown {
  const checks = Object.fromEntries(failing.map((reason: string) => [reason, () => true]));
  return { reason: ev.firstInboundFailure(checks) };
}

const held =
  (list: Given) =>
  (id: string): ev.PresentedEvidence | undefined =>
    list.find((entry: Given) => entry.id === id);

export const modules: readonly OpModule[] = [
  {
    area: "evidence",
    ops: {
      evidence_id: evidenceIdCase,
      verify_evidence: verifyCase,
      compare_held: (given) => flat(ev.compareHeld(given.presented, held(given.held))),
      cas: casCase,
      source_match: sourceMatchCase,
      origin: ({ source }) => ({ origin: ev.originOf(source) }),
      source_valid: ({ source }) => (ev.parseSource(source) ? { ok: true } : { reason: "bad_source" }),
      ttl: (given) => ({ ttlMs: ev.clampTtl(given.requestedMs, profileOf(given.kind), given.ruleMaxTtlMs) }),
      fresh: freshCase,
      trust_now: trustNowCase,
      aggregate: ({ evidence }) => ({ aggTrust: ev.aggregateTrust(evidence) }),
      session_trust: ({ evidence }) => ({
        value: ev.sessionTrust(evidence.map((e: Given) => ({ ...e, declared: e.trust }))),
      }),
      points: (given) => flat(ev.countPoints(given.evidence, given)),
      reputation: reputationCase,
      level: (given) => ({ level: ev.provenanceLevel(given) }),
      risk: riskCase,
      tighten: tightenCase,
      guard: guardCase,
      claim_id: ({ text }) => ({ id: ev.claimId(text) }),
      claim_schema: schemaCase,
      claims: claimsCase,
      group: groupCase,
      relation: relationCase,
      official: officialCase,
      inbound_order: inboundCase,
      sink: sinkCase,
      bundle: bundleCase,
      gate_set: ({ evidence, risk, hint }) => flat(ev.gateSet(evidence, risk, hint)),
      bindings: (given) => flat(ev.checkBindings(given.bindings, given.evidence, given)),
      channels: (given) =>
        flat(ev.checkChannels(given.expected, given.described, given.schemaEvidence, given)),
      sampling: ({ spec, samples, fetched }) => flat(ev.checkSamples(spec, samples, fetched)),
      drift: ({ prev, content, blockOnDrift }) => flat(ev.checkDrift(prev, content, blockOnDrift)),
      fallback_text: ({ reason, details }) => ({ text: ev.fallbackText(reason, details) }),
      compute_claim: ({ vmTrace }) => ev.computeClaim(vmTrace, "trace"),
      trust_word: ({ minimumWord, evidenceWord }: Given) => ({
        ok: ev.meetsTrust(
          ev.TRUST_WORDS[evidenceWord as ev.TrustWord],
          ev.MINIMUM_WORDS[minimumWord as Exclude<ev.TrustWord, "unknown">],
        ),
      }),
    },
  },
];
