/** Whose key signs, and which device is meant. */
import { join } from "node:path";
import type { Config } from "../composition/config-schema.ts";
import { fromUtf8 } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import { deviceIdOf } from "../core/key-record.ts";
import { FILE_LIMITS } from "../core/limits.ts";
import { readRoster } from "../sync/index.ts";
import type { OptionValue } from "./command.ts";
import { textOption } from "./command.ts";
import { UsageError } from "./errors.ts";
import type { Session } from "./session.ts";
import { publicKeyAt } from "./state-access.ts";

export interface TargetDevice {
  readonly fleet: string;
  readonly device: string;
  /** Public key, lower-case hex; null if nothing at hand names it. */
  readonly deviceKey: string | null;
}

/** A private key that others may read is no longer one person's: it is not used. @throws CodedError `key_permissions`. */
export async function operatorKey(session: Session, file: string | null): Promise<string> {
  if (file === null)
    throw new UsageError("--key is missing.", "name the operator's private key: --key operator.key.");
  const path = session.path(file);
  const info = await session.io.files.info(path);
  if (info !== null && (info.mode & 0o077) !== 0) {
    throw new CodedError("key_permissions", `${path} is open to others.`, {
      status: 422,
      details: { remedy: `chmod 600 ${path}` },
    });
  }
  return fromUtf8(await session.io.files.read(path, FILE_LIMITS.keyBytes));
}

/** Null when there is no configuration here, which is usual on an operator's machine. */
export async function configIfAny(session: Session): Promise<Config | null> {
  if (!(await session.io.files.info(session.configPath))) return null;
  return session.config();
}

async function keyFromRoster(
  session: Session,
  config: Config | null,
  device: string,
): Promise<string | null> {
  if (!config?.rosterFile || !(await session.io.files.info(config.rosterFile))) return null;
  const roster = readRoster(await session.io.files.read(config.rosterFile, FILE_LIMITS.rosterBytes));
  return roster.devices.get(device)?.publicKey ?? null;
}

/** @throws UsageError if neither options nor configuration name the device and its fleet. */
export async function targetDevice(
  session: Session,
  options: Readonly<Record<string, OptionValue>>,
): Promise<TargetDevice> {
  const config = await configIfAny(session);
  const fleet = textOption(options.fleet) ?? config?.fleet;
  const own = config ? await publicKeyAt(session, join(config.stateDir, "keys", "device.pub")) : null;
  const device = textOption(options.device) ?? (own === null ? undefined : deviceIdOf(own));
  if (fleet === undefined || device === undefined) {
    throw new UsageError("which device?", "name it: --device <id> --fleet <name>, or give its --config.");
  }
  const file = textOption(options.deviceKey);
  const given = file === null ? null : await publicKeyAt(session, session.path(file));
  if (file !== null && given === null) {
    throw new CodedError("key_malformed", `${file} is not a readable Ed25519 key.`, { status: 422 });
  }
  const isOwn = own !== null && deviceIdOf(own) === device;
  const deviceKey = given ?? (isOwn ? own : await keyFromRoster(session, config, device));
  return { fleet, device, deviceKey };
}
