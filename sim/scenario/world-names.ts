import { hasField, isDrivable, type WorldNodeConfig } from "../world/world-config.ts";

/** Names of quantities in a scenario, and the nodes they mean. */
export class WorldNames {
  readonly #nodes: ReadonlyMap<string, WorldNodeConfig>;
  readonly #each: ReadonlyMap<string, string>;

  /** @param nodes after a node with `each` was multiplied. @param each node as written → prefix of its devices. */
  constructor(nodes: readonly WorldNodeConfig[], each: ReadonlyMap<string, string>) {
    this.#nodes = new Map(nodes.map((node) => [node.name, node]));
    this.#each = each;
  }

  /**
   * The node `room@unit-001` of a device for `room`, if each device has its own; else the node of that name.
   * Null for no such node, or for one that is the device's own and no device is given.
   */
  nodeOf(name: string, deviceId: string | null): WorldNodeConfig | null {
    const node = name.slice(0, Math.max(0, name.lastIndexOf(".")));
    const own = this.#each.has(node) && deviceId !== null ? `${node}@${deviceId}` : node;
    return this.#nodes.get(own) ?? null;
  }

  /** The name in the world of what a device calls `room.t`; null if there is none. */
  worldName(name: string, deviceId: string | null): string | null {
    const field = fieldOf(name);
    const node = this.nodeOf(name, deviceId);
    return node && hasField(node.kind, field) ? `${node.name}.${field}` : null;
  }

  isDrivable(name: string, deviceId: string): boolean {
    const node = this.nodeOf(name, deviceId);
    return node !== null && isDrivable(node.kind, fieldOf(name));
  }

  /** What is wrong with a name of a condition: the node is there and has no such quantity. Other names are asked later. */
  problemOf(name: string): string | null {
    const dot = name.lastIndexOf(".");
    if (dot < 0) return null;
    const node = name.slice(0, dot);
    const instance = this.#each.has(node)
      ? [...this.#nodes.values()].find((one) => one.name.startsWith(`${node}@`))
      : this.#nodes.get(node);
    if (!instance || hasField(instance.kind, fieldOf(name))) return null;
    return `a node of the kind ${instance.kind} has no ${fieldOf(name)}`;
  }
}

const fieldOf = (name: string): string => name.slice(name.lastIndexOf(".") + 1);
