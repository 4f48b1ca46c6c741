/** Reading methods: of the running daemon if one listens, else over the stopped daemon's state. */
import { join } from "node:path";
import { LevelStore } from "../adapters/level-store.ts";
import { loadIdentity } from "../composition/identity.ts";
import { detachedRegistry } from "../composition/state-capabilities.ts";
import { createStateMethods, NO_KEYS, type StateKeys, stateKeysOf } from "../composition/state-methods.ts";
import { ReadOnlyStore } from "../composition/state-read-only.ts";
import { fromUtf8 } from "../core/bytes.ts";
import { publicKeyFromPem } from "../core/ed25519.ts";
import { CodedError, messageOf } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { CONTROL_LIMITS, FILE_LIMITS } from "../core/limits.ts";
import { ResourceRequired } from "../core/resource-required.ts";
import { ContentStore, sealsOf } from "../evidence/index.ts";
import { capabilityView } from "../runs/index.ts";
import type { CapabilityView } from "../vm/index.ts";
import type { Session } from "./session.ts";

/** A state directory and whose it is. */
export interface StatePlace {
  readonly dir: string;
  readonly fleet: string | null;
}

const whyOf = (error: unknown): string =>
  error instanceof ResourceRequired ? error.requirement.why : messageOf(error);

/** Null if it is missing, unreadable or no key: verification then works with less. */
export async function publicKeyAt(session: Session, path: string): Promise<string | null> {
  try {
    return publicKeyFromPem(fromUtf8(await session.io.files.read(path, FILE_LIMITS.keyBytes)));
  } catch (error) {
    const isExpected = error instanceof CodedError || (error as NodeJS.ErrnoException).code !== undefined;
    if (isExpected) return null;
    throw error;
  }
}

/**
 * What can be had of the device's keys. Secrets are not needed: what their absence leaves unproven is said once.
 * @param deviceKeyPath a public key from elsewhere, which a copy of the state cannot have replaced.
 */
export async function stateKeys(
  session: Session,
  stateDir: string,
  deviceKeyPath: string | null,
): Promise<StateKeys> {
  const given = deviceKeyPath === null ? null : await publicKeyAt(session, session.path(deviceKeyPath));
  if (deviceKeyPath !== null && given === null) {
    throw new CodedError("key_malformed", `${deviceKeyPath} is not a readable Ed25519 key.`, { status: 422 });
  }
  try {
    const keys = stateKeysOf(await loadIdentity(session.io.files, stateDir));
    return given === null ? keys : { ...keys, deviceKey: given };
  } catch (error) {
    const isExpected = error instanceof CodedError || (error as NodeJS.ErrnoException).code !== undefined;
    if (!isExpected) throw error;
    session.note(`the device's secret keys are not used (${whyOf(error)})`);
  }
  return {
    ...NO_KEYS,
    deviceKey: given ?? (await publicKeyAt(session, join(stateDir, "keys", "device.pub"))),
  };
}

/** The capabilities of this version, for the verifier and replay. */
export async function productView(session: Session): Promise<CapabilityView> {
  const { clock, entropy } = session.io;
  return capabilityView(await detachedRegistry({ clock, entropy }));
}

export interface ReadOptions {
  readonly timeoutMs?: number;
  readonly deviceKey?: string | null;
  readonly onProgress?: (entries: number) => void;
}

/** Opens a stopped daemon's state for one call and closes it again. @throws CodedError of the store and the method. */
export async function readStopped(
  session: Session,
  place: StatePlace,
  method: string,
  params: JsonObject,
  options: ReadOptions = {},
): Promise<Json> {
  const { io } = session;
  await using level = await LevelStore.open(join(place.dir, "db"), { create: false });
  const store = new ReadOnlyStore(level);
  const keys = await stateKeys(session, place.dir, options.deviceKey ?? null);
  const methods = createStateMethods({
    store,
    content: new ContentStore({
      store,
      wallMs: () => io.clock.wallMs(),
      ...(keys.sealer === null ? {} : { seals: sealsOf(keys.sealer) }),
    }),
    keys,
    fleet: place.fleet,
    view: await productView(session),
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
  const call = methods[method];
  if (!call) throw new CodedError("unknown_method", `There is no reading method ${method}.`, { status: 404 });
  // Awaited here, because the store closes when this function ends.
  return await call(params, io.signal);
}

/** Where reading goes: `--state` always means the directory itself. */
export async function placeOf(session: Session): Promise<StatePlace> {
  if (session.stateDir !== null) return { dir: session.stateDir, fleet: null };
  const { stateDir, fleet } = await session.config();
  return { dir: stateDir, fleet };
}

/** Whether a daemon answers, so that a command knows which way it took. */
export interface ReadAnswer {
  readonly value: Json;
  readonly from: "daemon" | "state";
}

/** @throws CodedError of the daemon, the store and the method. */
export async function read(
  session: Session,
  method: string,
  params: JsonObject,
  options: ReadOptions = {},
): Promise<ReadAnswer> {
  if (session.stateDir === null && !options.deviceKey) {
    try {
      return {
        value: await session.ask(method, params, options.timeoutMs ?? CONTROL_LIMITS.readMs),
        from: "daemon",
      };
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "daemon_not_running") throw error;
    }
  }
  const place = await placeOf(session);
  if (session.stateDir === null) session.note(`no daemon is running; reading its state in ${place.dir}`);
  return { value: await readStopped(session, place, method, params, options), from: "state" };
}
