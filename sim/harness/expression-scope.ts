/** What conditions of a scenario can ask: the world, each device, and how often something has happened. */
import type { ExpressionScope, ExpressionValue } from "../scenario/evaluate.ts";
import type { Member, Sim } from "./sim.ts";

function deviceValue(
  sim: Sim,
  { device, observer, board, parts }: Member,
  name: string,
): ExpressionValue | undefined {
  const worldName = sim.names.worldName(name, device.name);
  if (worldName !== null) return sim.world.get(worldName);
  const daemon = device.isRunning ? device.daemon.parts : null;
  switch (name) {
    case "running":
      return device.isRunning;
    case "powered":
      return device.isPowered;
    case "boots":
      return device.boots;
    case "online":
      return daemon?.link.bus.state === "online";
    case "state":
      return daemon?.boot.state ?? "off";
    case "policy":
      return daemon ? `v${daemon.runs.set.policy.version}` : "none";
    case "ledger":
      return daemon?.state.ledger.head.size ?? 0;
    case "outbox":
      return daemon?.fleet.outbox.stats.depth ?? 0;
    case "exits":
      return observer.exits.length;
    default:
      return lineValue(board, parts, sim, name);
  }
}

/** `line.17` is the level of a driven line, `relay.17` whether a relay's load is on. */
function lineValue(
  board: Member["board"],
  parts: Member["parts"],
  sim: Sim,
  name: string,
): ExpressionValue | undefined {
  const match = /^(line|relay)\.(\d+)$/.exec(name);
  if (!match) return undefined;
  const line = Number(match[2]);
  if (match[1] === "line") return board.levelOf(line) ?? -1;
  return parts.relays.get(line)?.closed(sim.time.nowUs) ?? false;
}

function deviceScope(sim: Sim, member: Member): ExpressionScope {
  const run = (name: string): ExpressionValue | undefined => runValue(sim, name);
  return {
    value: (name) => deviceValue(sim, member, name) ?? run(name),
    count: (event) => member.observer.counts.get(event) ?? 0,
    devices: [],
  };
}

/** `pump-001.policy` asks one device; anything else is of the world. */
function runValue(sim: Sim, name: string): ExpressionValue | undefined {
  if (name === "now") return sim.time.nowUs / 1e6;
  const worldName = sim.names.worldName(name, null);
  if (worldName !== null) return sim.world.get(worldName);
  const dot = name.indexOf(".");
  const member = dot > 0 ? sim.members.get(name.slice(0, dot)) : undefined;
  return member ? deviceValue(sim, member, name.slice(dot + 1)) : undefined;
}

/** The scope of a run at this moment. Brings the world up to it. */
export function runScope(sim: Sim): ExpressionScope {
  sim.world.advanceTo(sim.time.nowUs);
  const members = [...sim.members.values()];
  return {
    value: (name) => runValue(sim, name),
    count: (event) =>
      members.reduce((sum, { observer }) => sum + (observer.counts.get(event) ?? 0), 0) +
      (sim.counts.get(event) ?? 0),
    devices: members.map((member) => deviceScope(sim, member)),
  };
}
