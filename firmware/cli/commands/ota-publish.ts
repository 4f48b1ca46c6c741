/** The publisher's side of updates: build and sign a release, put it on the broker, take it off again. */
import { join } from "node:path";
import type { Command } from "commander";
import {
  type BuiltRelease,
  buildRelease,
  MAX_BUNDLE_BYTES,
  MAX_STATEMENT_BYTES,
  publishRelease,
  type ReleaseAudience,
  type ReleaseSource,
  releaseHash,
  type SelfTestEntry,
  withdrawRelease,
} from "../../../ota/index.ts";
import { payloadBytes, readEnvelope } from "../../core/dsse.ts";
import { keyPairFromPem } from "../../core/ed25519.ts";
import { CodedError } from "../../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { keyIdOf } from "../../core/key-record.ts";
import { FILE_LIMITS, RELEASE_LIMITS } from "../../core/limits.ts";
import { parseJson } from "../../core/parse-json.ts";
import { FACTORY_SOURCE_RULES, readSourceList } from "../../evidence/index.ts";
import { type CompileFacts, compilePolicy } from "../../policy/index.ts";
import { parseProgram, verifyProgram } from "../../vm/index.ts";
import { BROKER_OPTIONS, openBroker } from "../broker.ts";
import { act, add, type Cli, countOption, type Handler, type OptionValue, textOption } from "../command.ts";
import { UsageError } from "../errors.ts";
import { OK } from "../exit-codes.ts";
import { jsonFile, objectIn } from "../json-input.ts";
import { configIfAny, operatorKey } from "../operator.ts";
import type { Session } from "../session.ts";
import { productView } from "../state-access.ts";
import { pairs } from "../text.ts";

const MAX_DAYS = 3650;
const DAY_MS = 86_400_000;
const FILE_MODE = 0o644;

type Options = Readonly<Record<string, OptionValue>>;

function listOption(value: OptionValue): readonly string[] {
  return Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : [];
}

function required(options: Options, name: string, flag: string): string {
  const value = textOption(options[name]);
  if (value === null) throw new UsageError(`${flag} is missing.`);
  return value;
}

/** Prefixes that bindings may use; a list that no device would read is refused when the release is built. */
function prefixesOf(sources: JsonObject | undefined): Pick<CompileFacts, "sourcePrefixes"> {
  const read = sources === undefined ? null : readSourceList(sources);
  if (!read?.ok) return {};
  return { sourcePrefixes: [...FACTORY_SOURCE_RULES, ...read.list.rules].map(({ prefix }) => prefix) };
}

async function policyOf(
  session: Session,
  path: string,
  sources: JsonObject | undefined,
): Promise<JsonObject> {
  const bytes = await session.io.files.read(session.path(path), FILE_LIMITS.authoredBytes);
  const compiled = compilePolicy(bytes, prefixesOf(sources));
  if (!compiled.ok) {
    const errors = compiled.errors.map(({ code, path: at, message }) => ({ code, path: at, message }));
    const [first] = errors;
    throw new CodedError("policy_invalid", `${path} does not compile: ${first?.path} ${first?.code}.`, {
      status: 422,
      details: { errors },
    });
  }
  return objectIn(
    parseJson(bytes, { maxBytes: FILE_LIMITS.authoredBytes, maxDepth: FILE_LIMITS.authoredDepth }),
  );
}

/** What no device would load is not offered to any. */
async function programsOf(session: Session, folder: string): Promise<readonly JsonObject[]> {
  const dir = session.path(folder);
  const names = (await session.io.files.list(dir)).filter((name) => name.endsWith(".json"));
  if (names.length === 0) throw new UsageError(`${dir} holds no programs.`);
  const view = await productView(session);
  const programs: JsonObject[] = [];
  for (const name of names) {
    const document = parseProgram(await session.io.files.read(join(dir, name), FILE_LIMITS.authoredBytes));
    const verified = verifyProgram(document, view);
    if (!verified.ok) {
      throw new CodedError("program_invalid", `${name} does not verify: ${verified.issues[0]?.code}.`, {
        status: 422,
        details: { remedy: `imuctl program check ${join(folder, name)} names every problem.` },
      });
    }
    programs.push(objectIn(document));
  }
  return programs;
}

function audienceOf(options: Options): ReleaseAudience {
  const devices = listOption(options.device);
  const groups = listOption(options.group);
  return devices.length + groups.length === 0 ? "*" : { devices, groups };
}

async function sourcesOf(session: Session, path: string | null): Promise<{ readonly sources?: JsonObject }> {
  if (path === null) return {};
  const limits = { maxBytes: FILE_LIMITS.authoredBytes, maxDepth: FILE_LIMITS.authoredDepth };
  return { sources: objectIn(await jsonFile(session, path, limits)) };
}

async function selfTestOf(session: Session, path: string | null): Promise<readonly SelfTestEntry[]> {
  if (path === null) return [];
  const value = await jsonFile(session, path, {
    maxBytes: FILE_LIMITS.authoredBytes,
    maxDepth: FILE_LIMITS.authoredDepth,
  });
  if (!Array.isArray(value)) throw new UsageError("--self-test must be a file with a JSON array.");
  // The bundle reader of the device judges every entry when the release is built.
  return value.filter((entry: Json): entry is JsonObject & SelfTestEntry => isJsonObject(entry));
}

async function sourceOf(session: Session, options: Options): Promise<ReleaseSource> {
  const issuedAt = session.io.clock.wallMs();
  const days = countOption(options.days, "--days", MAX_DAYS);
  const fleet = textOption(options.fleet) ?? (await configIfAny(session))?.fleet;
  if (fleet === undefined)
    throw new UsageError("which fleet?", "name it: --fleet <name>, or give a --config.");
  const listed = await sourcesOf(session, textOption(options.sources));
  return {
    fleet,
    audience: audienceOf(options),
    releaseId: required(options, "id", "--id"),
    version: countOption(options.release, "--release", Number.MAX_SAFE_INTEGER),
    policy: await policyOf(session, required(options, "policy", "--policy"), listed.sources),
    programs: await programsOf(session, required(options, "programs", "--programs")),
    ...listed,
    selfTest: await selfTestOf(session, textOption(options.selfTest)),
    issuedAt,
    expiresAt: issuedAt + days * DAY_MS,
    repairs: listOption(options.repairs),
    notes: textOption(options.notes) ?? "",
  };
}

const build: Handler = async (session, { options }) => {
  const { files } = session.io;
  const keys = listOption(options.key);
  if (keys.length === 0)
    throw new UsageError("--key is missing.", "name a private key of scope deploy: --key operator.key.");
  const pairsOfKeys = await Promise.all(
    keys.map(async (file) => keyPairFromPem(await operatorKey(session, file))),
  );
  const signers = pairsOfKeys.map((pair) => ({ keyId: keyIdOf(pair.publicKeyHex), pair }));
  const source = await sourceOf(session, options);
  const built = buildRelease(source, signers);
  const out = session.path(textOption(options.out) ?? ".");
  const statement = join(out, `${source.releaseId}.statement.json`);
  const bundle = join(out, `${source.releaseId}.bundle.json`);
  for (const path of [statement, bundle]) {
    if (await files.info(path))
      throw new CodedError("file_exists", `${path} exists already; nothing was written.`, { status: 409 });
  }
  await files.writeAtomic(bundle, built.bundle, FILE_MODE);
  await files.writeAtomic(statement, built.statementBytes, FILE_MODE);
  const { version, policyHash } = built.statement;
  session.result(
    { releaseHash: built.releaseHash, version, policyHash, statement, bundle, bytes: built.bundle.length },
    pairs([
      ["release", built.releaseHash],
      ["version", version],
      ["policy", policyHash],
      ["programs", source.programs.length],
      ["bundle", bundle],
      ["statement", statement],
      ...signers.map(({ keyId }) => ["signed by", keyId] as const),
    ]),
  );
  return OK;
};

type Published = Pick<BuiltRelease, "releaseHash" | "statementBytes" | "bundle"> & { readonly fleet: string };

/** Statement and bundle as they lie, refused if they do not belong together; signatures are judged by the devices. */
async function releaseFiles(session: Session, args: readonly string[]): Promise<Published> {
  const { files } = session.io;
  const [statementPath = "", bundlePath = ""] = args;
  const statementBytes = await files.read(session.path(statementPath), MAX_STATEMENT_BYTES);
  const bundle = await files.read(session.path(bundlePath), MAX_BUNDLE_BYTES);
  const envelope = readEnvelope(
    parseJson(statementBytes, { maxBytes: MAX_STATEMENT_BYTES, maxDepth: RELEASE_LIMITS.envelopeDepth }),
  );
  const payload = envelope && payloadBytes(envelope, MAX_STATEMENT_BYTES);
  if (!payload)
    throw new CodedError("malformed", `${statementPath} is not a signed statement.`, { status: 400 });
  const statement = objectIn(
    parseJson(payload, { maxBytes: MAX_STATEMENT_BYTES, maxDepth: RELEASE_LIMITS.payloadDepth }),
  );
  const named = objectIn(statement.bundle);
  const hash = releaseHash(bundle);
  if (named.length !== bundle.length || named.sha256 !== hash) {
    const code = named.length !== bundle.length ? "target_length_mismatch" : "target_hash_mismatch";
    throw new CodedError(code, `${bundlePath} is not the bundle that ${statementPath} names.`, {
      status: 422,
    });
  }
  if (typeof statement.fleet !== "string")
    throw new CodedError("malformed", `${statementPath} names no fleet.`, { status: 400 });
  return { releaseHash: hash, statementBytes, bundle, fleet: statement.fleet };
}

function devicesOf(options: Options): readonly string[] {
  const devices = listOption(options.device);
  if (devices.length === 0)
    throw new UsageError("--device is missing.", "name every device: --device <id> --device <id>.");
  return devices;
}

const publish: Handler = async (session, { args, options }) => {
  const release = await releaseFiles(session, args);
  const devices = devicesOf(options);
  await using bus = await openBroker(session, options);
  const rows: [string, unknown][] = [];
  for (const device of devices) {
    const { chunks } = await publishRelease(
      bus,
      release,
      { fleet: release.fleet, device },
      session.io.signal,
    );
    rows.push([device, `${chunks} chunks and the offer`]);
  }
  session.result(
    { releaseHash: release.releaseHash, devices: [...devices] },
    pairs([["release", release.releaseHash], ...rows]),
  );
  return OK;
};

const withdraw: Handler = async (session, { args, options }) => {
  const { releaseHash: hash, bundle, fleet } = await releaseFiles(session, args);
  const devices = devicesOf(options);
  await using bus = await openBroker(session, options);
  for (const device of devices) {
    const release = { releaseHash: hash, bundleLength: bundle.length };
    await withdrawRelease(bus, release, { fleet, device }, session.io.signal);
  }
  session.result(
    { withdrawn: hash, devices: [...devices] },
    pairs(devices.map((device) => [device, "withdrawn"] as const)),
  );
  return OK;
};

const DEVICES = ["--device <id...>", "the devices; each has its own topics"] as const;

export function addPublisher(ota: Command, cli: Cli): void {
  add(ota, "build", {
    does: "build a release of policy and programs and sign it; checked as a device will check it",
    examples: [
      "imuctl ota build --id greenhouse-2 --release 2 --policy policy.json --programs programs --key operator.key",
    ],
  })
    .requiredOption("--id <name>", "id of the release")
    .requiredOption("--release <number>", "its version; must grow with every release of the fleet")
    .requiredOption("--policy <file>", "the policy document")
    .requiredOption("--programs <folder>", "folder of program documents")
    .requiredOption("--key <pem...>", "private keys of scope deploy, as many as the policy's quorum needs")
    .option("--fleet <name>", "default: the fleet of the configuration")
    .option("--device <id...>", "only these devices may take it; default: all")
    .option("--group <name...>", "only devices of these groups")
    .option("--sources <file>", "list of sources, imu.sources/1; default: the built-in rules")
    .option("--self-test <file>", "JSON array of {program, payload, expect}")
    .option("--repairs <name...>", "differences that are meant, for example output_changed:climate")
    .option("--days <count>", "valid for this long", "30")
    .option("--notes <text>", "for people")
    .option("--out <folder>", "where statement and bundle go", ".")
    .action(act(cli, build));
  const put = add(ota, "publish <statement> <bundle>", {
    does: "put a release on the broker, retained: devices take it when they are there",
    examples: ["imuctl ota publish r2.statement.json r2.bundle.json --device imu-0123456789abcdef"],
  }).option(...DEVICES);
  const remove = add(ota, "withdraw <statement> <bundle>", {
    does: "take a release off the broker again",
  }).option(...DEVICES);
  for (const [flags, text] of BROKER_OPTIONS) {
    put.option(flags, text);
    remove.option(flags, text);
  }
  put.action(act(cli, publish));
  remove.action(act(cli, withdraw));
}
