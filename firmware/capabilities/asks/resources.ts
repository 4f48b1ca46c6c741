/** What a person must do about a missing resource (capabilities.md 8). The daemon never does it itself. */
import { type Refusal, refusal } from "../../core/errors.ts";
import type { ResourceRequirement } from "../../core/resource-required.ts";

/** What looking at a resource has shown; `EBUSY` means another owner holds it. */
export type NodeState = "ok" | "missing" | "EACCES" | "EBUSY";

export interface ResourceFacts {
  readonly need: string;
  readonly node: NodeState;
  /** User of the daemon. */
  readonly user: string;
  /** For devices: whether it has answered since boot. */
  readonly answeredSinceBoot?: boolean;
  /** Pinned version of a native module. */
  readonly moduleVersion?: string;
}

interface Remedy {
  readonly path: string | null;
  /** Group that may open the node. */
  readonly group: string | null;
  readonly commands: readonly string[];
  readonly requiresConsent: boolean;
  readonly howTo: string;
}

function remedyOf({ need, moduleVersion }: ResourceFacts): Remedy {
  const [kind = "", a = "", b = ""] = need.split(":");
  if (kind === "bus" && a === "i2c") {
    return enable(`/dev/i2c-${b}`, "i2c", ["sudo raspi-config nonint do_i2c 0"], "Enable I2C and reboot.");
  }
  if (kind === "bus" && a === "spi") {
    return enable(`/dev/spidev${b}`, "spi", ["sudo raspi-config nonint do_spi 0"], "Enable SPI and reboot.");
  }
  if (kind === "serial") {
    const commands = ["sudo raspi-config nonint do_serial_hw 0", "sudo raspi-config nonint do_serial_cons 1"];
    return enable(
      `/dev/${a}`,
      "dialout",
      commands,
      "Enable the serial port, take the console off it, and reboot.",
    );
  }
  const none = { path: null, group: null, commands: [], requiresConsent: false };
  switch (kind) {
    case "gpio":
      return {
        ...none,
        path: `/dev/${a}`,
        group: "gpio",
        howTo: `Use a kernel with the GPIO device ${a}, or correct the board data.`,
      };
    case "device":
      return {
        ...none,
        commands: a === "i2c" ? [`i2cdetect -y ${b}`] : [],
        howTo: "Check the wiring, the power and the address of the device.",
      };
    case "module":
      return {
        ...none,
        commands: [`npm install ${a}@${moduleVersion ?? "latest"}`],
        requiresConsent: true,
        howTo: "Install the module in the install directory; it may need build tools.",
      };
    case "clock":
      return {
        ...none,
        commands: ["sudo timedatectl set-ntp true"],
        requiresConsent: true,
        howTo: "Let the device synchronise its time.",
      };
    default:
      return { ...none, howTo: `Define ${need} in the signed policy.` };
  }
}

const enable = (path: string, group: string, commands: readonly string[], howTo: string): Remedy => ({
  path,
  group,
  commands,
  requiresConsent: true,
  howTo,
});

function missing(resource: string, why: string, remedy: Omit<Remedy, "path" | "group">): Refusal {
  const requirement: ResourceRequirement = {
    resource,
    why,
    howTo: remedy.howTo,
    commands: remedy.commands,
    requiresConsent: remedy.requiresConsent,
  };
  return refusal("resource_required", 428, { ...requirement, commands: [...requirement.commands] });
}

/** What a call answers about a resource: nothing when it is there, else the refusal that fits what was seen. */
export function judgeResource(facts: ResourceFacts): Refusal | null {
  const { need, node, user } = facts;
  const remedy = remedyOf(facts);
  if (node === "EBUSY") return refusal("target_busy", 409, { resource: need });
  if (node === "EACCES") {
    const path = remedy.path ?? need;
    const commands =
      remedy.group === null
        ? []
        : [`sudo usermod -aG ${remedy.group} ${user}`, "sudo systemctl restart imud"];
    const howTo = `Give the user ${user} the right to open ${path}.`;
    return missing(`permission:${path}`, `${path} exists, but may not be opened.`, {
      commands,
      howTo,
      requiresConsent: true,
    });
  }
  if (node === "missing") return missing(need, `${remedy.path ?? need} was not found.`, remedy);
  if (need.startsWith("device:") && facts.answeredSinceBoot !== undefined) {
    return facts.answeredSinceBoot
      ? refusal("io_error", 500, { target: need })
      : missing(need, "The device has never answered since boot.", remedy);
  }
  return null;
}
