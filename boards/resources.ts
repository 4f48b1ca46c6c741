import { type Refusal, refusal } from "../firmware/core/errors.ts";
import type { ResourceRequirement } from "../firmware/core/resource-required.ts";
import { MODULE_VERSIONS } from "./module-versions.ts";
import type { BoardDefinition } from "./types.ts";

/** What opening the node of a resource gave; `ok` also for resources without a node. */
export type NodeState = "ok" | "missing" | "EACCES" | "EBUSY";

export interface ResourceContext {
  readonly board: BoardDefinition;
  /** Account the daemon runs as. */
  readonly user: string;
  /** systemd unit of the daemon, restarted after a group change. */
  readonly service?: string;
  readonly node: NodeState;
  /** For `device:` resources: it answered since boot, so silence is a fault and not a missing part. */
  readonly answeredSinceBoot?: boolean;
}

export type ResourceVerdict =
  | { readonly kind: "present" }
  | { readonly kind: "missing"; readonly requirement: ResourceRequirement }
  | { readonly kind: "refused"; readonly refusal: Refusal };

interface Node {
  readonly path: string;
  readonly group: string;
  readonly missing: {
    readonly howTo: string;
    readonly commands: readonly string[];
    readonly consent: boolean;
  };
}

function nodeOf(need: string, board: BoardDefinition): Node | null {
  const { i2c, spi, serial, groups } = board.remedies;
  const [, bus, name] = /^(bus:i2c|bus:spi|serial|gpio):([A-Za-z0-9_.-]+)$/.exec(need) ?? [];
  if (name === undefined) return null;
  switch (bus) {
    case "bus:i2c":
      return { path: `/dev/i2c-${name}`, group: groups.i2c, missing: { ...i2c, consent: true } };
    case "bus:spi":
      return { path: `/dev/spidev${name}`, group: groups.spi, missing: { ...spi, consent: true } };
    case "serial":
      return { path: `/dev/${name}`, group: groups.serial, missing: { ...serial, consent: true } };
    default: {
      const label = board.chips.find((chip) => chip.name === name)?.label ?? name;
      const howTo = `The kernel offers no GPIO controller labelled ${label}; check the board data (${board.id}).`;
      return { path: `/dev/${name}`, group: groups.gpio, missing: { howTo, commands: [], consent: false } };
    }
  }
}

function forNode(need: string, node: Node, context: ResourceContext): ResourceVerdict {
  if (context.node === "EACCES") {
    const commands = [
      `sudo usermod -aG ${node.group} ${context.user}`,
      `sudo systemctl restart ${context.service ?? "imud"}`,
    ];
    return missing({
      resource: `permission:${node.path}`,
      why: `Opening ${node.path} was refused: permission denied for ${context.user}.`,
      howTo: `Add ${context.user} to the group ${node.group} and restart the daemon.`,
      commands,
      requiresConsent: true,
    });
  }
  return missing({
    resource: need,
    why: `${node.path} was looked for and does not exist.`,
    howTo: node.missing.howTo,
    commands: node.missing.commands,
    requiresConsent: node.missing.consent,
  });
}

const missing = (requirement: ResourceRequirement): ResourceVerdict => ({ kind: "missing", requirement });

function forModule(name: string): ResourceVerdict {
  const version = Object.hasOwn(MODULE_VERSIONS, name) ? MODULE_VERSIONS[name] : undefined;
  return missing({
    resource: `module:${name}`,
    why: `The optional native module ${name} did not load.`,
    howTo: `Install ${name} in the daemon's install directory, with build tools if it must compile.`,
    commands: [`npm install ${version === undefined ? name : `${name}@${version}`}`],
    requiresConsent: true,
  });
}

function forDevice(need: string, context: ResourceContext): ResourceVerdict {
  if (context.answeredSinceBoot) {
    return {
      kind: "refused",
      refusal: refusal("io_error", 500, { resource: need, why: "stopped answering" }),
    };
  }
  const [, bus = "", number = ""] = need.split(":");
  return missing({
    resource: need,
    why: `${need} has never answered since boot.`,
    howTo: "Check wiring, supply and address of the device.",
    commands: bus === "i2c" ? [`i2cdetect -y ${number}`] : [],
    requiresConsent: false,
  });
}

/** Needs that only policy or the operating system supplies. */
function forOther(need: string): ResourceVerdict {
  if (need === "clock:trusted") {
    return missing({
      resource: need,
      why: "The wall clock is not known to be right.",
      howTo: "Switch on time synchronisation and connect the board to a network.",
      commands: ["sudo timedatectl set-ntp true"],
      requiresConsent: true,
    });
  }
  const [kind = "", name = ""] = need.split(/:(.*)/s);
  const section = kind === "output" ? "outputs" : "bindings";
  return missing({
    resource: need,
    why: `A program uses the ${kind} ${name} and the policy does not define it.`,
    howTo: `Define ${name} in the policy section ${section}.`,
    commands: [],
    requiresConsent: false,
  });
}

/**
 * What is missing for a need, and the exact remedy on this board (capabilities.md 8). Pure.
 * @param need `bus:i2c:<n>`, `bus:spi:<b>.<d>`, `serial:<port>`, `gpio:<chip>`, `module:<name>`,
 *   `device:<bus>:<n>:<addr>`, `clock:trusted`, `binding:<name>` or `output:<name>`.
 * @returns `refused` with `target_busy` (409) for a busy node and `io_error` (500) for a device that stopped.
 */
export function resourceRequirement(need: string, context: ResourceContext): ResourceVerdict {
  if (context.node === "EBUSY") {
    return { kind: "refused", refusal: refusal("target_busy", 409, { resource: need }) };
  }
  if (need.startsWith("device:") && (context.node === "ok" || context.node === "missing")) {
    return forDevice(need, context);
  }
  if (context.node === "ok") return { kind: "present" };
  if (need.startsWith("module:")) return forModule(need.slice("module:".length));
  const node = nodeOf(need, context.board);
  return node ? forNode(need, node, context) : forOther(need);
}
