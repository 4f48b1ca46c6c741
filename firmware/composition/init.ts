/**
 * Creates what a new device needs to start: configuration, keys, an operator's key, the lists that name both, a policy
 * and its programs. Nothing is written before everything has been checked; existing files are never overwritten
 * unless that is asked for, and keys are never overwritten at all.
 */
import { dirname, join } from "node:path";
import { findBoard } from "../../boards/index.ts";
import { fromUtf8, utf8 } from "../core/bytes.ts";
import {
  type Ed25519KeyPair,
  keyPairFromSeed,
  privateKeyPem,
  publicKeyFromPem,
  publicKeyPem,
} from "../core/ed25519.ts";
import { CodedError } from "../core/errors.ts";
import { deviceIdOf, keyIdOf } from "../core/key-record.ts";
import { FILE_LIMITS } from "../core/limits.ts";
import { readAuthority } from "../fleet/index.ts";
import { compilePolicy } from "../policy/index.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Files } from "../ports/files.ts";
import { readRoster } from "../sync/index.ts";
import { parseProgram } from "../vm/index.ts";
import { parseConfig } from "./config.ts";
import type { BrokerConfig } from "./config-schema.ts";
import { createIdentity } from "./identity.ts";
import { authorityDocument, configText, rosterDocument } from "./init-documents.ts";
import { GREENHOUSE } from "./package-info.ts";
import { fillPolicyTemplate } from "./policy-template.ts";

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;
const PRIVATE_DIRECTORY = 0o700;
const DIRECTORY = 0o755;

export interface InitOptions {
  readonly files: Files;
  readonly entropy: Entropy;
  /** Wall ms, stamped into the lists. */
  readonly nowMs: number;
  /** Where the configuration goes; absolute. */
  readonly dir: string;
  /** Default: `state` and `run` inside `dir`. */
  readonly stateDir?: string;
  readonly runDir?: string;
  /** Id of a known board; `sim` for the simulator. */
  readonly board: string;
  readonly fleet: string;
  readonly broker?: BrokerConfig | null;
  /** PEM of an operator's key that exists already, public or private; its private part is not copied. */
  readonly operatorKeyPem?: string | null;
  /** Folder with `policy.json` and `programs/`; default: the greenhouse that comes with the product. */
  readonly template?: string;
  /** Rewrites configuration, lists, policy and programs; keys stay as they are. */
  readonly force?: boolean;
}

export interface Initialised {
  readonly configPath: string;
  readonly deviceId: string;
  /** Key id of the device's public key. */
  readonly deviceKeyId: string;
  readonly operatorKeyId: string;
  /** File with the operator's private key; null if an existing key was given. */
  readonly operatorKeyPath: string | null;
  /** Everything that was written, in order. */
  readonly written: readonly string[];
}

interface Planned {
  readonly path: string;
  readonly bytes: Uint8Array;
}

interface OperatorKey {
  readonly publicKeyHex: string;
  /** To be written; null if it exists already. */
  readonly pair: Ed25519KeyPair | null;
  readonly path: string | null;
}

const pretty = (value: unknown): Uint8Array => utf8(`${JSON.stringify(value, null, 2)}\n`);

function refuse(code: string, message: string, remedy: string, status = 422): never {
  throw new CodedError(code, message, { status, details: { remedy } });
}

async function operatorKey(options: InitOptions): Promise<OperatorKey> {
  if (options.operatorKeyPem) {
    return { publicKeyHex: publicKeyFromPem(options.operatorKeyPem), pair: null, path: null };
  }
  const path = join(options.dir, "operator", "operator.key");
  if (await options.files.info(path)) {
    const pem = fromUtf8(await options.files.read(path, FILE_LIMITS.keyBytes));
    return { publicKeyHex: publicKeyFromPem(pem), pair: null, path };
  }
  const pair = keyPairFromSeed(options.entropy.bytes(32));
  return { publicKeyHex: pair.publicKeyHex, pair, path };
}

/** The programs of the template, each a document that can be read. */
async function programs(options: InitOptions, template: string): Promise<readonly Planned[]> {
  const folder = join(template, "programs");
  const names = (await options.files.list(folder)).filter((name) => name.endsWith(".json"));
  const found: Planned[] = [];
  for (const name of names) {
    const bytes = await options.files.read(join(folder, name), FILE_LIMITS.authoredBytes);
    parseProgram(bytes);
    found.push({ path: join(options.dir, "programs", name), bytes });
  }
  return found;
}

async function policy(
  options: InitOptions,
  template: string,
  names: { readonly device: string; readonly operator: string },
): Promise<Planned> {
  const text = fromUtf8(await options.files.read(join(template, "policy.json"), FILE_LIMITS.authoredBytes));
  const bytes = utf8(fillPolicyTemplate(text, { fleet: options.fleet, ...names }));
  const compiled = compilePolicy(bytes);
  if (!compiled.ok) {
    const first = compiled.errors[0];
    const where = `${first?.path ?? ""}: ${first?.message ?? "invalid"}`;
    refuse("policy_invalid", `The policy template does not compile at ${where}`, "correct the template.");
  }
  return { path: join(options.dir, "policy.json"), bytes };
}

/** A list that devices have seen may only be followed by a newer one. */
async function nextAuthorityVersion(options: InitOptions, path: string): Promise<number> {
  if (!(await options.files.info(path))) return 1;
  return readAuthority(await options.files.read(path, FILE_LIMITS.authoredBytes), options.fleet).version + 1;
}

function configuration(options: InitOptions): Planned {
  const path = join(options.dir, "imud.yaml");
  const text = configText({
    board: options.board,
    fleet: options.fleet,
    stateDir: options.stateDir ?? "state",
    runDir: options.runDir ?? "run",
    broker: options.broker ?? null,
  });
  parseConfig(text, path);
  return { path, bytes: utf8(text) };
}

async function refuseExisting(options: InitOptions, paths: readonly string[]): Promise<void> {
  const existing: string[] = [];
  for (const path of paths) if (await options.files.info(path)) existing.push(path);
  if (existing.length === 0) return;
  throw new CodedError(
    "already_initialised",
    `${existing.join(", ")} ${existing.length === 1 ? "exists" : "exist"} already; nothing was changed.`,
    {
      status: 409,
      details: { existing, remedy: "choose another --dir, or rewrite everything but the keys with --force." },
    },
  );
}

function checkNames({ board, fleet }: InitOptions): void {
  if (!findBoard(board) || board === "raspberry-pi-os") {
    refuse("unknown_board", `There is no board "${board}".`, "imuctl board list names them.", 404);
  }
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(fleet)) {
    refuse("bad_fleet", `"${fleet}" is not a fleet name.`, "use 1 to 40 of a-z, 0-9 and hyphens.");
  }
}

const publicPathOf = (path: string): string => path.replace(/\.key$/, ".pub");

async function write(
  options: InitOptions,
  operator: OperatorKey,
  planned: readonly Planned[],
): Promise<void> {
  const { files } = options;
  for (const { path, bytes } of planned) {
    await files.makeDirectory(dirname(path), DIRECTORY);
    await files.writeAtomic(path, bytes, PUBLIC_MODE);
  }
  if (operator.pair === null || operator.path === null) return;
  await files.makeDirectory(dirname(operator.path), PRIVATE_DIRECTORY);
  await files.writeAtomic(operator.path, utf8(privateKeyPem(operator.pair)), SECRET_MODE);
  await files.writeAtomic(
    publicPathOf(operator.path),
    utf8(publicKeyPem(operator.publicKeyHex)),
    PUBLIC_MODE,
  );
}

/** The device's public key, which everybody who may read the state may read. */
async function devicePublicKey(files: Files, stateDir: string): Promise<string | null> {
  const path = join(stateDir, "keys", "device.pub");
  if (!(await files.info(path))) return null;
  return publicKeyFromPem(fromUtf8(await files.read(path, FILE_LIMITS.keyBytes)));
}

/**
 * @throws CodedError `already_initialised` (409) {existing}, `unknown_board`, `bad_fleet`, `policy_invalid`,
 *   `key_malformed`, `not_found` for a template that is not there.
 */
export async function initialise(options: InitOptions): Promise<Initialised> {
  checkNames(options);
  const { files, dir } = options;
  const template = options.template ?? GREENHOUSE;
  const stateDir = options.stateDir ?? join(dir, "state");
  const config = configuration(options);
  const programFiles = await programs(options, template);
  const [authorityPath, rosterPath] = [join(dir, "authority.json"), join(dir, "roster.json")];
  const policyPath = join(dir, "policy.json");
  const operator = await operatorKey(options);
  const knownDevice = await devicePublicKey(files, stateDir);
  if (!options.force) {
    const keys = [join(stateDir, "keys", "device.key"), join(dir, "operator", "operator.key")];
    const documents = [config.path, authorityPath, rosterPath, policyPath];
    await refuseExisting(options, [...documents, ...programFiles.map(({ path }) => path), ...keys]);
  }
  const operatorId = keyIdOf(operator.publicKeyHex);
  // Compiled with a stand-in before the device's key exists, so that a bad template leaves nothing behind.
  await policy(options, template, {
    device: knownDevice ? deviceIdOf(knownDevice) : "imu-new",
    operator: operatorId,
  });
  const version = await nextAuthorityVersion(options, authorityPath);
  await files.makeDirectory(stateDir, PRIVATE_DIRECTORY);
  if (knownDevice === null) await createIdentity(files, options.entropy, stateDir);
  const deviceKey = knownDevice ?? (await devicePublicKey(files, stateDir));
  if (deviceKey === null) throw new CodedError("key_missing", "The device key was not written.");
  const device = deviceIdOf(deviceKey);
  const base = { fleet: options.fleet, nowMs: options.nowMs, version };
  const authority = pretty(authorityDocument({ ...base, operatorKey: operator.publicKeyHex }));
  const roster = pretty(rosterDocument({ ...base, deviceKey, board: options.board }));
  readAuthority(authority, options.fleet);
  readRoster(roster);
  const planned: readonly Planned[] = [
    ...programFiles,
    await policy(options, template, { device, operator: operatorId }),
    { path: authorityPath, bytes: authority },
    { path: rosterPath, bytes: roster },
    // Last, because a configuration that is there says that the rest is there too.
    config,
  ];
  await write(options, operator, planned);
  return {
    configPath: config.path,
    deviceId: device,
    deviceKeyId: keyIdOf(deviceKey),
    operatorKeyId: operatorId,
    operatorKeyPath: operator.path,
    written: [
      ...planned.map(({ path }) => path),
      ...(operator.pair && operator.path ? [operator.path, publicPathOf(operator.path)] : []),
      ...(knownDevice === null ? [join(stateDir, "keys")] : []),
    ],
  };
}
