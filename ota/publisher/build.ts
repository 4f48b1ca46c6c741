/** The publisher's side: a policy and programs become a bundle and the statement that offers it. Pure. */
import { jcs } from "../../firmware/core/canonical-json.ts";
import { signStatement } from "../../firmware/core/dsse.ts";
import type { Ed25519KeyPair } from "../../firmware/core/ed25519.ts";
import { CodedError, type Refusal } from "../../firmware/core/errors.ts";
import { hashJson } from "../../firmware/core/hash.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { readSourceList } from "../../firmware/evidence/index.ts";
import { bundleBytes, readBundle, releaseHash, type SelfTestEntry } from "../release/bundle.ts";
import {
  RELEASE_TYPE,
  type ReleaseAudience,
  type ReleaseStatement,
  readStatement,
  STATEMENT_SCHEMA,
} from "../release/statement.ts";

export interface ReleaseSource {
  readonly fleet: string;
  readonly audience: ReleaseAudience;
  readonly releaseId: string;
  readonly version: number;
  readonly policy: JsonObject;
  readonly programs: readonly JsonObject[];
  /** A list of `imu.sources/1`; default: the factory's rules. */
  readonly sources?: JsonObject;
  readonly selfTest?: readonly SelfTestEntry[];
  /** Wall ms. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly repairs?: readonly string[];
  readonly notes?: string;
}

export interface Signer {
  readonly keyId: string;
  readonly pair: Ed25519KeyPair;
}

export interface BuiltRelease {
  readonly releaseHash: string;
  readonly statement: ReleaseStatement;
  /** What is offered to devices: the DSSE envelope as JSON. */
  readonly statementBytes: Uint8Array;
  readonly bundle: Uint8Array;
}

function orThrow<T extends { readonly ok: true }>(result: T | Refusal): T {
  if (result.ok) return result;
  throw new CodedError(result.code, "The release cannot be built from this.", {
    status: result.status,
    details: result.details,
  });
}

/**
 * Builds and signs; what a device would refuse to read is refused here first.
 * @throws CodedError with the codes of `readSourceList`, `readBundle` and `readStatement`; `not_canonical`.
 */
export function buildRelease(source: ReleaseSource, signers: readonly Signer[]): BuiltRelease {
  const { releaseId, version, policy, programs, issuedAt, expiresAt, notes = "" } = source;
  const selfTest = source.selfTest ?? [];
  const listed = source.sources === undefined ? {} : { sources: source.sources };
  if (listed.sources !== undefined) orThrow(readSourceList(listed.sources));
  const parts = { releaseId, version, policy, programs, selfTest, issuedAt, expiresAt, notes };
  const bundle = bundleBytes({ ...parts, ...listed });
  orThrow(readBundle(bundle));
  const draft: ReleaseStatement = {
    schema: STATEMENT_SCHEMA,
    fleet: source.fleet,
    audience: source.audience,
    releaseId,
    version,
    bundle: { sha256: releaseHash(bundle), length: bundle.length },
    policyHash: hashJson(policy),
    issuedAt,
    expiresAt,
    repairs: source.repairs ?? [],
    notes,
  };
  const { statement } = orThrow(
    readStatement({ ...draft, bundle: { ...draft.bundle }, audience: audienceJson(draft) }),
  );
  const envelope = signStatement(RELEASE_TYPE, statement, signers);
  return { releaseHash: statement.bundle.sha256, statement, statementBytes: jcs(envelope), bundle };
}

const audienceJson = ({ audience }: ReleaseStatement): "*" | JsonObject =>
  audience === "*" ? "*" : { devices: audience.devices, groups: audience.groups };
