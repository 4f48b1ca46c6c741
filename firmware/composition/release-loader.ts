/** Turns a policy and program documents into what runs: compiled, verified, with its own decisions and sources. */

import type { LoadedRelease } from "../../ota/index.ts";
import { CodedError, messageOf } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { POLICY_LIMITS, PROGRAM_LIMITS, RELEASE_LIMITS } from "../core/limits.ts";
import { parseJson } from "../core/parse-json.ts";
import { shortText } from "../core/short-text.ts";
import {
  FACTORY_SOURCE_RULES,
  readSourceList,
  type SourceList,
  SourceRegistry,
  UNKNOWN_TRUST,
} from "../evidence/index.ts";
import { type CompiledPolicy, compilePolicy, DecisionEngine, evidenceRules } from "../policy/index.ts";
import type { Clock } from "../ports/clock.ts";
import type { Files } from "../ports/files.ts";
import type { InstalledProgram, ReleaseSet } from "../runs/index.ts";
import { type CapabilityView, parseProgram, verifyProgram } from "../vm/index.ts";
import type { Config } from "./config-schema.ts";
import { aboutFile } from "./own-files.ts";

/** The source form of a release: signed documents as JSON values. */
export interface ReleaseSource {
  readonly releaseHash: string | null;
  readonly policy: Uint8Array;
  readonly programs: readonly Json[];
  readonly sources: SourceList | null;
}

export interface LoaderParts {
  readonly clock: Clock;
  readonly board: string;
  readonly runtimeVersion: string;
  readonly simulated: boolean;
  readonly view: CapabilityView;
  /** Told of evidence from a source that no rule matches, once each. */
  readonly onUnregistered?: (source: string) => void;
}

function compile({ policy, sources }: ReleaseSource, parts: LoaderParts): CompiledPolicy {
  const own = [...FACTORY_SOURCE_RULES, ...(sources?.rules ?? [])];
  const result = compilePolicy(policy, {
    board: parts.board,
    runtimeVersion: parts.runtimeVersion,
    sourcePrefixes: own.map(({ prefix }) => prefix),
  });
  if (result.ok) return result.policy;
  const [first] = result.errors;
  const where = first ? `${first.path || "/"}: ${first.code}, ${first.message}` : "unknown";
  throw new CodedError("policy_invalid", `The policy does not compile: ${where}`, {
    status: 422,
    details: {
      errors: result.errors.slice(0, 64).map(({ code, path, message }) => ({ code, path, message })),
    },
  });
}

/** What evidence is recorded and judged by: the signed sources, of which the policy may lower the unknown ones. */
function evidenceOf(
  policy: CompiledPolicy,
  list: SourceList | null,
  { simulated, onUnregistered }: LoaderParts,
): Pick<ReleaseSet, "sources" | "evidence" | "sourceList"> {
  const evidence = evidenceRules(policy);
  const sources = new SourceRegistry({
    simulated,
    unknownTrust: Math.min(evidence.unknownTrust, list?.unknownTrust ?? UNKNOWN_TRUST),
    ...(list ? { rules: list.rules } : {}),
    ...(onUnregistered ? { onUnregistered } : {}),
  });
  return { evidence, sources, sourceList: list };
}

const nameOf = (document: Json): string => {
  const name = isJsonObject(document) ? document.name : undefined;
  return typeof name === "string" ? shortText(name, 64) : "?";
};

/** A program that does not verify is left out with its reason; the others run. @throws CodedError `policy_invalid` (422). */
export function loadRelease(source: ReleaseSource, parts: LoaderParts): ReleaseSet {
  const policy = compile(source, parts);
  const programs = new Map<string, InstalledProgram>();
  const refused: { name: string; reason: string }[] = [];
  const owners = new Map<string, string>();
  for (const document of source.programs) {
    const verified = verifyProgram(document, parts.view);
    if (!verified.ok) {
      refused.push({ name: nameOf(document), reason: verified.issues[0]?.code ?? "program_invalid" });
      continue;
    }
    const { name } = verified.document;
    const problem =
      outputProblem(policy, verified.outputs, owners, name) ??
      (programs.has(name) ? "duplicate_program" : null);
    if (problem) {
      refused.push({ name, reason: problem });
      continue;
    }
    for (const output of verified.outputs) owners.set(output, name);
    programs.set(name, { document: verified.document, programHash: verified.programHash, verified });
  }
  return {
    releaseHash: source.releaseHash ?? policy.policyHash,
    policy,
    decider: new DecisionEngine(policy, parts.clock),
    ...evidenceOf(policy, source.sources, parts),
    programs,
    refused,
  };
}

/** capabilities.md 9: the output exists, and no other enabled program drives it. */
function outputProblem(
  policy: CompiledPolicy,
  outputs: readonly string[],
  owners: ReadonlyMap<string, string>,
  program: string,
): string | null {
  for (const output of outputs) {
    if (!policy.outputs.some(({ name }) => name === output)) return `resource_required:output:${output}`;
    const owner = owners.get(output);
    if (owner !== undefined && owner !== program) return `target_busy:${output}`;
  }
  return null;
}

/** The list of sources that came with the installation, null without one. */
async function factorySources(files: Files, path: string | null): Promise<SourceList | null> {
  if (path === null) return null;
  return aboutFile(path, "Correct the list of sources, or take `sourcesFile` out of imud.yaml.", async () => {
    const bytes = await files.read(path, POLICY_LIMITS.documentBytes);
    const read = readSourceList(
      parseJson(bytes, { maxBytes: POLICY_LIMITS.documentBytes, maxDepth: POLICY_LIMITS.documentDepth }),
    );
    if (read.ok) return read.list;
    const { code, status, details } = read;
    throw new CodedError(code, "The list of sources is refused.", { status, details });
  });
}

/**
 * The factory release from files. A program that cannot be read or does not verify is left out with its reason.
 * @throws CodedError `policy_invalid`, `not_found`, `too_large`; those of `readSourceList`.
 */
export async function loadFactory(
  files: Files,
  paths: Pick<Config, "policyFile" | "programsDir" | "sourcesFile">,
  parts: LoaderParts,
): Promise<{ readonly policyFile: Uint8Array; readonly set: ReleaseSet }> {
  const { programsDir } = paths;
  const aboutPolicy = <T>(work: () => Promise<T> | T): Promise<T> =>
    aboutFile(paths.policyFile, "Correct the factory policy, or restore it from where it was made.", work);
  const policyFile = await aboutPolicy(() => files.read(paths.policyFile, POLICY_LIMITS.documentBytes));
  const names = (await files.list(programsDir)).filter((name) => name.endsWith(".json"));
  if (names.length > RELEASE_LIMITS.programs) {
    throw new CodedError(
      "too_large",
      `${programsDir} holds ${names.length} programs, the limit is ${RELEASE_LIMITS.programs}.`,
      { status: 422 },
    );
  }
  const programs: Json[] = [];
  const unread: { name: string; reason: string }[] = [];
  for (const name of names) {
    const path = `${programsDir}/${name}`;
    try {
      programs.push(parseProgram(await files.read(path, PROGRAM_LIMITS.documentBytes)));
    } catch (error) {
      // Whatever is wrong with one file, the programs of the others run.
      const code = error instanceof CodedError ? error.code : "file_unusable";
      const why = messageOf(error);
      const where = why.includes(path) ? "" : `${path}: `;
      unread.push({ name: name.slice(0, -".json".length), reason: `${code}: ${where}${why}` });
    }
  }
  const sources = await factorySources(files, paths.sourcesFile);
  const set = await aboutPolicy(() =>
    loadRelease({ releaseHash: null, policy: policyFile, programs, sources }, parts),
  );
  return { policyFile, set: { ...set, refused: [...unread, ...set.refused] } };
}

/** What a stored release brings, compiled and verified already. */
export function setOfRelease(release: LoadedRelease, parts: LoaderParts): ReleaseSet {
  const { hash, policy, programs } = release;
  const installed = [...programs].map(([name, verified]): [string, InstalledProgram] => [
    name,
    { document: verified.document, programHash: verified.programHash, verified },
  ]);
  return {
    releaseHash: hash,
    policy,
    decider: new DecisionEngine(policy, parts.clock),
    ...evidenceOf(policy, release.sources, parts),
    programs: new Map(installed),
    refused: [],
  };
}
