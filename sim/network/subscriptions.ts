import type { Qos } from "./messages.ts";

export interface Subscriber<S> {
  readonly session: S;
  readonly qos: Qos;
}

/** Members of one shared subscription; each message goes to the next of them (MQTT 5.0, 4.8.2). */
export interface SharedGroup<S> {
  readonly members: Subscriber<S>[];
  next: number;
}

/** Who gets a message of one topic. */
export interface Receivers<S> {
  readonly direct: readonly Subscriber<S>[];
  readonly shared: readonly SharedGroup<S>[];
}

interface Node<S> {
  readonly children: Map<string, Node<S>>;
  readonly direct: Map<S, Qos>;
  readonly groups: Map<string, SharedGroup<S>>;
}

/** `$share/<group>/<filter>`, or a plain filter with group null. */
export function parseFilter(filter: string): { readonly group: string | null; readonly filter: string } {
  const parts = /^\$share\/([^/+#]+)\/(.+)$/s.exec(filter);
  return parts ? { group: parts[1] ?? "", filter: parts[2] ?? "" } : { group: null, filter };
}

const emptyNode = <S>(): Node<S> => ({ children: new Map(), direct: new Map(), groups: new Map() });

/** Topics whose receivers are remembered; a flood of new topics must not fill the memory. */
const REMEMBERED_TOPICS = 10_000;

/**
 * Subscriptions of all sessions, as a tree of topic levels. The receivers of a topic are remembered until a
 * subscription changes, so that publishing costs nothing but its deliveries.
 */
export class SubscriptionTree<S> {
  #root: Node<S> = emptyNode();
  readonly #receivers = new Map<string, Receivers<S>>();

  /** Adds or replaces. */
  add(session: S, text: string, qos: Qos): void {
    const { group, filter } = parseFilter(text);
    let node = this.#root;
    for (const level of filter.split("/")) {
      const child = node.children.get(level) ?? emptyNode<S>();
      node.children.set(level, child);
      node = child;
    }
    this.#receivers.clear();
    if (group === null) {
      node.direct.set(session, qos);
      return;
    }
    const shared = node.groups.get(group) ?? { members: [], next: 0 };
    node.groups.set(group, shared);
    const at = shared.members.findIndex((member) => member.session === session);
    if (at >= 0) shared.members[at] = { session, qos };
    else shared.members.push({ session, qos });
  }

  remove(session: S, text: string): void {
    const { group, filter } = parseFilter(text);
    const path: { readonly parent: Node<S>; readonly level: string }[] = [];
    let node = this.#root;
    for (const level of filter.split("/")) {
      const child = node.children.get(level);
      if (!child) return;
      path.push({ parent: node, level });
      node = child;
    }
    this.#receivers.clear();
    if (group === null) node.direct.delete(session);
    else leaveGroup(node, group, session);
    for (const { parent, level } of path.reverse()) {
      if (node.children.size + node.direct.size + node.groups.size > 0) return;
      parent.children.delete(level);
      node = parent;
    }
  }

  clear(): void {
    this.#root = emptyNode();
    this.#receivers.clear();
  }

  /** Every subscription that selects the topic, in the order of the tree: a session may be there more than once. */
  receivers(topic: string): Receivers<S> {
    const known = this.#receivers.get(topic);
    if (known) return known;
    const direct: Subscriber<S>[] = [];
    const shared: SharedGroup<S>[] = [];
    const take = (node: Node<S>): void => {
      for (const [session, qos] of node.direct) direct.push({ session, qos });
      shared.push(...node.groups.values());
    };
    const levels = topic.split("/");
    const walk = (node: Node<S>, depth: number): void => {
      // A leading wildcard does not select topics that begin with `$` (MQTT 5.0, 4.7.2).
      const wild = depth > 0 || !topic.startsWith("$");
      const rest = wild ? node.children.get("#") : undefined;
      if (rest) take(rest); // `#` also selects the parent level.
      const level = levels[depth];
      if (level === undefined) {
        take(node);
        return;
      }
      const any = wild ? node.children.get("+") : undefined;
      if (any) walk(any, depth + 1);
      const exact = node.children.get(level);
      if (exact) walk(exact, depth + 1);
    };
    walk(this.#root, 0);
    if (this.#receivers.size >= REMEMBERED_TOPICS) this.#receivers.clear();
    const receivers = { direct, shared };
    this.#receivers.set(topic, receivers);
    return receivers;
  }
}

function leaveGroup<S>(node: Node<S>, name: string, session: S): void {
  const group = node.groups.get(name);
  if (!group) return;
  const at = group.members.findIndex((member) => member.session === session);
  if (at < 0) return;
  group.members.splice(at, 1);
  if (at < group.next) group.next--;
  if (group.members.length === 0) node.groups.delete(name);
}
