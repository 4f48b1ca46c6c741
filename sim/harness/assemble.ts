/** Makes the fleet of a scenario: keys, lists, boards, operators, the network between them. */
import { loadIdentity } from "../../firmware/composition/identity.ts";
import type { Scope } from "../../firmware/core/key-record.ts";
import { SimDisk } from "../disk/sim-disk.ts";
import { SimNetwork } from "../network/network.ts";
import { UNCUT } from "../power/steps.ts";
import type { Scenario } from "../scenario/types.ts";
import { SeededEntropy } from "../time/entropy.ts";
import { VirtualClock } from "../time/virtual-clock.ts";
import { buildMember, type MemberDraft } from "./member.ts";
import { SimOperator } from "./operator.ts";
import {
  createKeys,
  type DeviceKeys,
  type OperatorKey,
  operatorKey,
  provision,
  STATE_DIR,
} from "./provision.ts";
import type { Sim } from "./sim.ts";
import { SimLog } from "./sim-log.ts";
import { loadSoftware } from "./software.ts";
import { WALL_ZERO_MS } from "./wall-zero.ts";

const DEFAULT_OPERATOR = { id: "op-1", scopes: ["command", "deploy"] } as const;
/** Provisioning is no part of the run: nothing waits in it. */
const NO_CLOCK = { sleep: async () => undefined };

function brokerOf({ broker }: Scenario) {
  return {
    version: broker.version === 5 ? ("5" as const) : ("3.1.1" as const),
    volatile: broker.volatile,
    ...(broker.packetBytes === null ? {} : { maxPacketBytes: broker.packetBytes }),
    ...(broker.queueMessages === null ? {} : { maxQueued: broker.queueMessages }),
    ...(broker.connectionsPerS === null ? {} : { connectsPerSecond: broker.connectionsPerS }),
  };
}

/** The broker and the links to it, as the scenario says they are. */
export function newNetwork(sim: Pick<Sim, "scenario" | "seed" | "time" | "trace">): SimNetwork {
  const { scenario, seed, time, trace } = sim;
  const { mode, minUs, spreadUs, tailP, tailUs, loss, duplicate, bytesPerS } = scenario.link;
  return new SimNetwork({
    time,
    seed,
    link: {
      mode,
      minUs,
      spreadUs,
      tailP,
      tailUs,
      loss,
      duplicate,
      ...(bytesPerS === null ? {} : { bandwidthBps: bytesPerS * 8 }),
    },
    broker: brokerOf(scenario),
    record: (actor, kind, data) => trace.record(actor, kind, data),
  });
}

function operatorKeys({ scenario, seed }: Sim): OperatorKey[] {
  const named = scenario.fleet.operators;
  return (named.length > 0 ? named : [DEFAULT_OPERATOR]).map(({ id, scopes }) =>
    operatorKey(id, scopes as readonly Scope[], new SeededEntropy(seed, `operator:${id}`)),
  );
}

function newOperator(sim: Sim, key: OperatorKey): SimOperator {
  const { time, scenario, network, seed } = sim;
  const clock = new VirtualClock({ time, wall0Ms: WALL_ZERO_MS, bootId: "0".repeat(16) });
  return new SimOperator({
    key,
    fleet: scenario.fleet.id,
    clock,
    entropy: new SeededEntropy(seed, `operator:${key.id}:messages`),
    log: new SimLog(() => undefined),
    connect: network.connectFor(key.id, { clock, steps: UNCUT }),
    nowUs: () => time.nowUs,
    onForged: (device, why) =>
      sim.report({ id: "I5", what: "a receipt does not verify", actor: device, details: { why } }),
  });
}

/** Documents and keys of every device, in the order of the scenario. */
async function draftMembers({
  scenario,
  seed,
  time,
  host,
}: Sim): Promise<Omit<MemberDraft, "headKey" | "policy">[]> {
  const drafts: Omit<MemberDraft, "headKey" | "policy">[] = [];
  for (const group of scenario.groups) {
    const software = await loadSoftware(group, scenario.file, host.read);
    for (const name of group.ids) {
      const entropy = new SeededEntropy(seed, `device:${name}`);
      const disk = new SimDisk({
        entropy: new SeededEntropy(seed, `device:${name}:disk`),
        nowUs: () => time.nowUs,
      });
      const keys = await createKeys(disk.openFiles(UNCUT, NO_CLOCK), entropy);
      drafts.push({ name, group, software, keys, disk, entropy });
    }
  }
  return drafts;
}

/**
 * Fills the simulation with its devices, all off, and its operators.
 * @returns the keys of the devices. @throws CodedError `scenario_invalid`, `board_unknown` (422).
 */
export async function assemble(sim: Sim): Promise<readonly DeviceKeys[]> {
  const operators = operatorKeys(sim);
  const drafts = await draftMembers(sim);
  const devices = drafts.map(({ keys, group }) => ({ ...keys, board: group.board }));
  const facts = { fleet: sim.scenario.fleet.id, wallMs: WALL_ZERO_MS, operators, devices };
  for (const draft of drafts) {
    const files = draft.disk.openFiles(UNCUT, NO_CLOCK);
    const policy = await provision(files, draft.software, draft.keys, facts);
    const { headKey } = await loadIdentity(files, STATE_DIR);
    sim.members.set(draft.name, buildMember(sim, { ...draft, policy, headKey }));
  }
  for (const key of operators) sim.operators.set(key.id, newOperator(sim, key));
  return devices;
}
