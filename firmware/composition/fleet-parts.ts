/** The fleet side of a device: outbox, status, signed commands, shared state. */
import { CodedError, codeOf, type Refusal, refusal } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import {
  type Authority,
  type AuthorityView,
  Challenge,
  type CommandHandler,
  CommandService,
  type DeviceIdentity,
  type DeviceTopics,
  FleetPublisher,
  gapReporter,
  loadAuthority,
  Outbox,
  StatusPublisher,
  type StatusView,
} from "../fleet/index.ts";
import { permit, rolesOf } from "../policy/index.ts";
import type { Log } from "../ports/log.ts";
import type { ReleaseSet } from "../runs/index.ts";
import { type Roster, type SyncEvent, SyncService } from "../sync/index.ts";
import type { Config } from "./config-schema.ts";
import { fleetLedger } from "./fleet-ledger.ts";
import type { Link } from "./link.ts";
import { aboutFile } from "./own-files.ts";
import { readRosters } from "./roster-file.ts";
import type { DeviceState } from "./state.ts";

const LIST_REMEDY = "Correct the list, restore it from where it was made, or take it out of imud.yaml.";

export interface FleetParts {
  readonly outbox: Outbox;
  readonly publisher: FleetPublisher;
  readonly status: StatusPublisher;
  readonly challenge: Challenge;
  readonly commands: CommandService;
  readonly authority: Authority | null;
  readonly sync: SyncService | null;
  /** The roster of this start; null for a device that stands alone. */
  readonly roster: Roster | null;
}

export interface FleetOptions {
  readonly config: Config;
  readonly state: DeviceState;
  readonly link: Link;
  readonly log: Log;
  readonly device: DeviceIdentity;
  readonly topics: DeviceTopics;
  readonly set: () => ReleaseSet;
  readonly view: (challenge: string) => StatusView;
  readonly handlers: Readonly<Record<string, CommandHandler>>;
}

/** Row 17 of trust.md 7: every signer's subject must hold the permission. */
function permitted(set: ReleaseSet, permission: string, keyIds: readonly string[]): Refusal | null {
  const { policy } = set;
  const roles = rolesOf(policy);
  for (const keyId of keyIds) {
    const subject = Object.values(policy.subjects).find(
      ({ kind, enabled, keys }) => kind === "operator" && enabled && keys?.includes(keyId),
    );
    if (!subject || !permit(roles, subject.roles, permission))
      return refusal("permission_denied", 403, { permission });
  }
  return null;
}

function recordSyncEvent(state: DeviceState, log: Log, event: SyncEvent): void {
  log.warn(event.kind, event.data);
  const entry = { kind: event.kind, actor: "daemon", severity: event.severity, data: event.data };
  void state.ledger
    .commit({ events: [entry], ops: [] })
    .catch((error: unknown) => log.error("ledger_append_failed", { kind: event.kind, code: codeOf(error) }));
}

/**
 * Damaged rows of the shared state must not keep the device from running: it stands alone until somebody has looked. Its
 * chain is not begun anew by itself, because the others have seen it.
 */
async function openUndamaged(
  { state, log }: FleetOptions,
  open: () => Promise<SyncService>,
): Promise<SyncService | null> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "store_corrupt" || error.details.database === true)
      throw error;
    const data = { sublevel: "sync", action: "disabled", details: { ...error.details } };
    log.error("store_corrupt", data);
    const event = { kind: "store_corrupt", actor: "daemon", severity: "critical", data } as const;
    await state.ledger.commit({ events: [event], ops: [] }, { urgent: true });
    return null;
  }
}

async function openSync(
  options: FleetOptions,
): Promise<{ readonly sync: SyncService | null; readonly roster: Roster | null }> {
  const { config, state, link, log } = options;
  const { rosterFile } = config;
  if (!rosterFile) return { sync: null, roster: null };
  const rosters = await aboutFile(rosterFile, LIST_REMEDY, () => readRosters(state.files, rosterFile));
  const sync = await openUndamaged(options, () =>
    SyncService.open({
      store: state.store,
      committer: state.ledger,
      bus: link.bus,
      clock: state.clock,
      entropy: state.entropy,
      fleet: config.fleet,
      deviceId: state.identity.deviceId,
      pair: state.identity.pair,
      rosters,
      iminMs: config.gossip.minIntervalMs,
      // Without a broker there is nobody to hear an older chain from.
      ...(link.address === null ? { listenMs: 0 } : {}),
      onEvent: (event) => recordSyncEvent(state, log, event),
    }),
  );
  return { sync, roster: rosters[0] };
}

/** Reads the lists and builds the services; nothing is started. @throws CodedError of the lists. */
export async function buildFleet(options: FleetOptions): Promise<FleetParts> {
  const { config, state, link, log, device, topics } = options;
  const { store, clock, entropy, ledger, identity, files } = state;
  const committer = fleetLedger(ledger);
  const { authorityFile } = config;
  const authority = authorityFile
    ? await aboutFile(authorityFile, LIST_REMEDY, () =>
        loadAuthority(files, authorityFile, config.fleet, null),
      )
    : null;
  const outbox = new Outbox({
    store,
    committer,
    bus: link.bus,
    clock,
    entropy,
    log: log.child({ part: "outbox" }),
    gapMessage: gapReporter(device, topics, clock),
  });
  const publisher = new FleetPublisher({ outbox, topics, device, clock, entropy });
  const challenge: Challenge = new Challenge(entropy, () => status.changed());
  const status: StatusPublisher = new StatusPublisher({
    bus: link.bus,
    clock,
    log,
    topic: topics.status,
    device,
    view: () => options.view(challenge.current),
  });
  const keys: AuthorityView | null = authority;
  const commands = new CommandService({
    store,
    committer,
    outbox,
    bus: link.bus,
    clock,
    log: log.child({ part: "commands" }),
    topics,
    device: { id: identity.deviceId, fleet: config.fleet, key: identity.pair },
    groups: () => [],
    authority: () => keys,
    policyHash: () => options.set().policy.policyHash,
    timeFloorMs: () => state.timeFloorMs,
    challenge,
    permit: async (rule, keyIds) => permitted(options.set(), rule.permission, keyIds),
    handlers: options.handlers,
  });
  return { outbox, publisher, status, challenge, commands, authority, ...(await openSync(options)) };
}

/** Plain facts of the link for status and people. */
export const linkView = (link: Link, outbox: Outbox): JsonObject => ({
  state: link.bus.state,
  protocol: link.bus.protocol,
  broker: link.address,
  embedded: link.embedded,
  outbox: { ...outbox.stats, dropped: { ...outbox.stats.dropped } },
});
