/** Vectors of the policy: profiles, lint, decisions, tightening, permissions, channels and buckets. */
import { utf8 } from "../../../firmware/core/bytes.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../firmware/core/json.ts";
import { TokenBucket } from "../../../firmware/core/token-bucket.ts";
import {
  adjustForProfile,
  type CompileFacts,
  compilePolicy,
  type Direction,
  type DirectionTable,
  decide,
  defaultRoles,
  grantLifeMs,
  matchesGlob,
  permit,
  type Rule,
  resolveChannel,
  ruleHash,
  scoreOf,
  tightenValues,
} from "../../../firmware/policy/index.ts";
import type { Given, OpModule, VectorFile } from "../registry.ts";

/** RFC 7386. */
function mergePatch(target: Json, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const out: Record<string, Json> = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = mergePatch(out[key] ?? null, value);
  }
  return out;
}

function lint(given: Given, file: VectorFile): unknown {
  const document = mergePatch(file.fixtures[given.fixture], given.mergePatch) as JsonObject;
  const { activeVersion, activeHash, ...facts } = given.facts ?? {};
  const active =
    activeVersion === undefined && activeHash === undefined
      ? {}
      : { active: { id: document.id, version: activeVersion ?? 0, policyHash: activeHash ?? "" } };
  const result = compilePolicy(utf8(JSON.stringify(document)), { ...facts, ...active } as CompileFacts);
  return result.ok ? { ok: true, warnings: result.warnings } : result;
}

/** Vectors leave out what does not matter to them: ids, the topic and the hash of the rule a grant was given for. */
function decideCase(given: Given): unknown {
  const rules: readonly Rule[] = given.rules;
  const { subject } = given;
  const grants = (given.grants ?? []).map((grant: Given, i: number) => {
    const rule = rules.find((candidate) => candidate.id === grant.ruleId);
    return {
      id: `g${i}`,
      ruleHash: rule ? ruleHash(rule) : "",
      topic: given.topic,
      action: given.action,
      usesLeft: null,
      by: "operator",
      revoked: false,
      ...grant,
    };
  });
  return decide(
    { rules, noRule: given.noRule ?? "block", lowTrust: given.lowTrust ?? "block" },
    {
      subject: subject.known
        ? { ...subject, trust: scoreOf(subject.trust) }
        : { id: subject.id, known: false },
      topic: given.topic,
      action: given.action,
    },
    {
      rateCount: given.rateCount ?? 1,
      grants,
      now: given.now ?? 0,
      clockTrusted: given.clockTrusted ?? true,
    },
  );
}

function tightenCase(given: Given): unknown {
  const directions = given.directions as Readonly<Record<string, Direction>> satisfies DirectionTable;
  return tightenValues(given.base, given.override, directions, given.mode);
}

function bucketCase(given: Given): unknown {
  const bucket = new TokenBucket({ rps: given.ratePerSec, burst: given.burst }, 0);
  return { results: given.takes.map((take: Given) => bucket.take(take.n ?? 1, take.atMs)) };
}

export const modules: readonly OpModule[] = [
  {
    area: "policy",
    ops: {
      "policy.lint": lint,
      "policy.decide": decideCase,
      "policy.glob": (given) => ({ match: matchesGlob(given.pattern, given.topic) }),
      "policy.profile": (given) => adjustForProfile(given.base, given.profile),
      "policy.tighten": tightenCase,
      "policy.channel": (given) => resolveChannel(given.channel, given.section, { strict: given.strict }),
      "policy.bucket": bucketCase,
      "policy.permit": (given) => permit(defaultRoles, given.roles, given.permission),
      "policy.grantTtl": (given) => ({ ttlMs: grantLifeMs(given) }),
    },
  },
];
