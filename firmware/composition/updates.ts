/** Signed updates on this device: what runs them, what judges them and how they arrive. */
import {
  bundleBytes,
  MqttTransport,
  type OtaNotice,
  OtaService,
  otaTopics,
  type ProbePort,
  type ReleaseHost,
} from "../../ota/index.ts";
import { toHex, utf8 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { codeOf } from "../core/errors.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import type { KeyRecord } from "../core/key-record.ts";
import { POLICY_LIMITS, PROBE_LIMITS } from "../core/limits.ts";
import { parseJson } from "../core/parse-json.ts";
import { sourceListJson } from "../evidence/index.ts";
import { type ReleaseSet, schemaCheck } from "../runs/index.ts";
import type { CapabilityView, Executor } from "../vm/index.ts";
import type { Config } from "./config-schema.ts";
import type { Device } from "./device.ts";
import type { DeviceParts } from "./device-parts.ts";
import { VERSION } from "./package-info.ts";
import { selfTests } from "./self-test.ts";
import type { DeviceState } from "./state.ts";

type Echo = Awaited<ReturnType<ProbePort["echo"]>>["received"][number];

const ANSWERED: ReadonlySet<string> = new Set(["already_active", "already_rejected", "ota_busy"]);
const FAR_FUTURE_MS = 4_102_444_800_000;

/** The release that came with the installation, as a bundle: the last one to fall back to. */
export function factoryBundle(policyFile: Uint8Array, set: ReleaseSet): Uint8Array {
  const policy = parseJson(policyFile, {
    maxBytes: POLICY_LIMITS.documentBytes,
    maxDepth: POLICY_LIMITS.documentDepth,
  });
  const programs = [...set.programs.values()].map(
    ({ document }) => JSON.parse(canonicalize(document)) as JsonObject,
  );
  return bundleBytes({
    releaseId: "factory",
    version: set.policy.version,
    policy: isJsonObject(policy) ? policy : {},
    programs,
    ...(set.sourceList ? { sources: sourceListJson(set.sourceList) } : {}),
    selfTest: [],
    issuedAt: 0,
    expiresAt: FAR_FUTURE_MS,
    notes: "",
  });
}

export interface UpdatesOptions {
  readonly config: Config;
  readonly state: DeviceState;
  readonly log: DeviceParts["log"];
  readonly keys: () => ReadonlyMap<string, KeyRecord>;
  readonly view: CapabilityView;
  readonly executor: Executor;
  readonly factory: Uint8Array;
  readonly onNotice: (notice: OtaNotice) => void;
}

export function buildUpdates(options: UpdatesOptions): OtaService {
  const { config, state, log, keys, view, executor, factory, onNotice } = options;
  return new OtaService({
    store: state.store,
    committer: state.ledger,
    clock: state.clock,
    entropy: state.entropy,
    log: log.child({ part: "ota" }),
    keys,
    facts: {
      fleet: config.fleet,
      device: state.identity.deviceId,
      groups: [],
      kernelBootId: state.platform.kernelBootId,
      compile: { board: config.board, runtimeVersion: VERSION },
      freeBytes: () => state.platform.freeBytes(config.stateDir),
    },
    factory,
    viewOf: () => ({ view, checkSchema: schemaCheck, executor }),
    history: { latest: (limit) => state.runs.latest(limit), document: (hash) => state.runs.document(hash) },
    config: config.ota,
    onEvent: onNotice,
  });
}

function hostOf(device: Device): ReleaseHost {
  return {
    activate: async (release, { safe }) => {
      await device.adopt(release, { safe });
    },
    safeMode: (reason) => device.enterSafeMode(reason),
  };
}

/** Messages on the device's own loopback topic; without a link they return inside the daemon. */
function probeOf({ state, link, runs, config }: DeviceParts): ProbePort {
  const topic = `${otaTopics(config.fleet, state.identity.deviceId).status.replace(/status$/, "")}loopback`;
  const { clock } = state;
  const echoOf = (payload: Uint8Array): Echo | null => {
    if (payload.length > PROBE_LIMITS.echoBytes) return null;
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    const { seq, nonce } = isJsonObject(value) ? value : {};
    return typeof seq === "number" && typeof nonce === "string" ? { seq, nonce, atMs: clock.monoMs() } : null;
  };
  return {
    echo: async ({ nonce, count, everyMs, windowMs }, signal) => {
      const received: Echo[] = [];
      const isUp = link.bus.state === "online";
      let complete: () => void = () => undefined;
      const all = new Promise<void>((resolve) => {
        complete = resolve;
      });
      const accept = (payload: Uint8Array): void => {
        try {
          const echo = echoOf(payload);
          if (echo) received.push(echo);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error; // Somebody else's message: it does not count.
        }
        if (new Set(received.filter((echo) => echo.nonce === nonce).map(({ seq }) => seq)).size >= count)
          complete();
      };
      const subscription = isUp ? await link.bus.subscribe(topic, ({ payload }) => accept(payload)) : null;
      const sentAtMs = clock.monoMs();
      try {
        for (let seq = 0; seq < count; seq++) {
          if (seq > 0) await clock.sleep(everyMs, signal);
          const payload = utf8(canonicalize({ nonce, seq }));
          if (isUp) await link.bus.publish(topic, payload, { qos: 1, retain: false }, signal);
          else accept(payload);
        }
        const stop = new AbortController();
        const left = Math.max(0, sentAtMs + windowMs - clock.monoMs());
        const over = clock.sleep(left, AbortSignal.any([signal, stop.signal])).catch(() => undefined);
        await Promise.race([all, over]);
        stop.abort();
      } finally {
        await subscription?.[Symbol.asyncDispose]();
      }
      return { mode: isUp ? "bus" : "local", sentAtMs, received };
    },
    dryRun: async (program, payload) => {
      const trigger = {
        kind: "command",
        commandId: `probe-${toHex(state.entropy.bytes(16))}`,
        name: "probe",
      };
      const result = await runs.start({ program, trigger, ...(payload ? { payload } : {}), dry: true });
      if (!result.ok)
        return { ok: false, code: result.reason, status: result.status, details: result.details };
      const { record, reply } = result.report;
      return {
        ok: reply.ok && (record.state === "halted" || record.state === "responded"),
        ended: record.state,
        status: reply.status,
        ...(reply.reason ? { code: reply.reason } : {}),
        wallMs: record.metrics.wallMs,
      };
    },
  };
}

/** Goes on with what was under way and hears offers from now on. Disposing ends the transport, not the service. */
export async function startUpdates(device: Device): Promise<AsyncDisposable> {
  const { parts } = device;
  const { updates, link, state, log, config } = parts;
  const transport = new MqttTransport({
    bus: link.bus,
    clock: state.clock,
    log: log.child({ part: "ota" }),
    fleet: config.fleet,
    device: state.identity.deviceId,
  });
  await updates.start({
    host: hostOf(device),
    probe: probeOf(parts),
    selfTest: selfTests(parts),
    source: transport,
  });
  const report = (notice: OtaNotice): void => {
    if (link.bus.state !== "online") return; // The next connect tells what holds then.
    const { state: step, candidate, releaseId, reason, to } = notice;
    const body = {
      schema: "imu.ota-status/1",
      device: state.identity.deviceId,
      at: state.clock.wallMs(),
      state: step,
      releaseId,
      candidate,
      reason,
      to,
    };
    transport
      .report(utf8(canonicalize(body)))
      .catch((error: unknown) => log.warn("ota_status_unpublished", { code: codeOf(error) }));
  };
  let latest: OtaNotice | null = null;
  parts.events.on("ota-status", "update", (notice) => {
    latest = notice;
    report(notice);
  });
  link.bus.onState("ota-status", (now) => {
    if (now === "online" && latest) report(latest);
  });
  await transport.listen(async (statement) => {
    const answer = await updates.offer(statement);
    // A retained offer comes again with every connect: what has been answered is not answered anew.
    if (answer.ok || ANSWERED.has(answer.code)) return;
    log.warn("ota_offer_refused", { code: answer.code, ...answer.details });
    await recordRefusal(parts, answer.code, answer.details);
  });
  return transport;
}

/** An offer that is not even received is still a refusal: it stands in the ledger. */
export async function recordRefusal(
  { state, log }: DeviceParts,
  reason: string,
  details: JsonObject,
): Promise<void> {
  const data = { kind: "policy", reason, details };
  try {
    await state.ledger.commit({
      events: [{ kind: "policy_rejected", actor: "daemon", severity: "warn", data }],
      ops: [],
    });
  } catch (error) {
    log.error("ledger_append_failed", { kind: "policy_rejected", code: codeOf(error) });
  }
}

/** Facts of an update for status, commands and people. */
export async function updateStatus({ updates }: DeviceParts): Promise<JsonObject> {
  return JSON.parse(JSON.stringify(await updates.status())) as JsonObject;
}
