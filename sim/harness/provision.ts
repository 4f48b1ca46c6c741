/** What every simulated device is given before its first start: keys, lists, policy, programs and configuration. */
import { join } from "node:path";
import { createIdentity } from "../../firmware/composition/identity.ts";
import { authorityDocument, rosterDocument } from "../../firmware/composition/init-documents.ts";
import { fillPolicyTemplate } from "../../firmware/composition/policy-template.ts";
import { deviceRow } from "../../firmware/composition/roster-file.ts";
import { fromUtf8, utf8 } from "../../firmware/core/bytes.ts";
import { type Ed25519KeyPair, keyPairFromSeed, publicKeyFromPem } from "../../firmware/core/ed25519.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { deviceIdOf, keyIdOf, type Scope } from "../../firmware/core/key-record.ts";
import { FILE_LIMITS } from "../../firmware/core/limits.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Files } from "../../firmware/ports/files.ts";

export const ETC = "/etc/imud";
export const STATE_DIR = "/var/lib/imud";
export const CONFIG_PATH = join(ETC, "imud.yaml");
const PUBLIC_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/** One who signs commands and releases in the simulated fleet. */
export interface OperatorKey {
  readonly id: string;
  readonly scopes: readonly Scope[];
  readonly pair: Ed25519KeyPair;
  readonly keyId: string;
}

export function operatorKey(id: string, scopes: readonly Scope[], entropy: Entropy): OperatorKey {
  const pair = keyPairFromSeed(entropy.bytes(32));
  return { id, scopes, pair, keyId: keyIdOf(pair.publicKeyHex) };
}

/** What a device runs and is configured with. */
export interface DeviceSoftware {
  readonly board: string;
  /** Policy with the placeholders `{fleet}`, `{device}`, `{operator}`. */
  readonly policyTemplate: string;
  /** Program documents by name. */
  readonly programs: readonly JsonObject[];
  /** Members of imud.yaml beyond names and paths. */
  readonly config: JsonObject;
}

export interface DeviceKeys {
  readonly deviceId: string;
  readonly publicKey: string;
}

/** The keys of a new device, from its own stream. */
export async function createKeys(files: Files, entropy: Entropy): Promise<DeviceKeys> {
  await files.makeDirectory(STATE_DIR, 0o700);
  await createIdentity(files, entropy, STATE_DIR);
  const pem = fromUtf8(await files.read(join(STATE_DIR, "keys", "device.pub"), FILE_LIMITS.keyBytes));
  const publicKey = publicKeyFromPem(pem);
  return { deviceId: deviceIdOf(publicKey), publicKey };
}

export interface FleetFacts {
  readonly fleet: string;
  readonly wallMs: number;
  readonly operators: readonly OperatorKey[];
  readonly devices: readonly (DeviceKeys & { readonly board: string })[];
}

/** Who may sign what: one key record for each operator. */
export function authorityOf({ fleet, wallMs, operators }: FleetFacts): JsonObject {
  const rows = operators.map(({ id, scopes, pair }) => {
    const { keys } = authorityDocument({ fleet, nowMs: wallMs, version: 1, operatorKey: pair.publicKeyHex });
    const [row] = Array.isArray(keys) ? keys : [];
    return { ...(row as JsonObject), owner: id, scopes: [...scopes] };
  });
  const base = authorityDocument({ fleet, nowMs: wallMs, version: 1, operatorKey: "" });
  return { ...base, keys: rows };
}

/** All devices of the fleet, and the settings that they share. */
export function rosterOf({ fleet, wallMs, devices }: FleetFacts): JsonObject {
  const rows = devices.map(({ publicKey, board }) => deviceRow(publicKey, board));
  const base = rosterDocument({ fleet, nowMs: wallMs, version: 1, deviceKey: "00".repeat(32), board: "sim" });
  return { ...base, devices: rows };
}

const pretty = (value: unknown): Uint8Array => utf8(`${JSON.stringify(value, null, 2)}\n`);

/**
 * Writes everything but the keys. Placeholders of the policy are filled as `imuctl init` does.
 * @returns the policy as it was written.
 */
export async function provision(
  files: Files,
  software: DeviceSoftware,
  keys: DeviceKeys,
  facts: FleetFacts,
): Promise<JsonObject> {
  const { board, policyTemplate, programs, config } = software;
  const [first] = facts.operators;
  const policy = fillPolicyTemplate(policyTemplate, {
    fleet: facts.fleet,
    device: keys.deviceId,
    operator: first?.keyId ?? "0".repeat(64),
  });
  const document = {
    board,
    fleet: facts.fleet,
    stateDir: STATE_DIR,
    runDir: "/run/imud",
    policyFile: "policy.json",
    programsDir: "programs",
    authorityFile: "authority.json",
    rosterFile: "roster.json",
    ...config,
  };
  await files.makeDirectory(join(ETC, "programs"), DIRECTORY_MODE);
  const write = (name: string, bytes: Uint8Array) => files.writeAtomic(join(ETC, name), bytes, PUBLIC_MODE);
  await write("policy.json", utf8(policy));
  for (const program of programs)
    await write(join("programs", `${String(program.name)}.json`), pretty(program));
  await write("authority.json", pretty(authorityOf(facts)));
  await write("roster.json", pretty(rosterOf(facts)));
  // JSON is YAML too.
  await write("imud.yaml", pretty(document));
  return JSON.parse(policy) as JsonObject;
}
