/** The open questions of this device: missing resources and consents, each asked once (capabilities.md 8). */
import { decodeCbor, encodeCbor } from "../../core/cbor.ts";
import { CodedError } from "../../core/errors.ts";
import { hashJson } from "../../core/hash.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { ASK_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../ports/clock.ts";
import { put, type Store, type StoreOp } from "../../ports/store.ts";
import type { ResourceProbe } from "../ports.ts";
import { type AskEvent, type AskState, nextAskState, resumeVerdict } from "./state.ts";

export const ASK_SUB = "ask";

export interface WaitingTrigger {
  readonly triggerId: string;
  /** `command`, `at`, `queue`, `boot`, … */
  readonly type: string;
  readonly payload: Json;
  /** Wall ms at which it came. */
  readonly at: number;
}

export interface Ask {
  readonly askId: string;
  readonly program: string;
  readonly kind: "resource" | "consent";
  /** The resource, or `topic:action`. */
  readonly about: string;
  readonly subject: string;
  readonly details: JsonObject;
  readonly state: AskState;
  readonly count: number;
  /** Wall ms. */
  readonly since: number;
  readonly publishedAt: number;
  readonly waiting: readonly WaitingTrigger[];
}

export type AskQuestion = Pick<Ask, "program" | "kind" | "about" | "subject" | "details">;

export interface AskChange {
  readonly ask: Ask;
  readonly ops: readonly StoreOp[];
  /** True when `event/resource_required` or `event/consent_required` is to be published now. */
  readonly publish: boolean;
  /** Triggers to start again as new runs, each as a job under this key. */
  readonly resume: readonly { readonly key: string; readonly trigger: WaitingTrigger }[];
  /** Triggers that are refused. */
  readonly refused: readonly WaitingTrigger[];
}

export class Asks {
  readonly #clock: Clock;
  readonly #asks = new Map<string, Ask>();

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** With the asks of the last boot. @throws CodedError `store_corrupt`. */
  static async open(store: Store, clock: Clock): Promise<Asks> {
    const asks = new Asks(clock);
    for await (const [askId, bytes] of store.range(ASK_SUB)) {
      asks.#asks.set(askId, decodeAsk(bytes));
    }
    return asks;
  }

  get list(): readonly Ask[] {
    return [...this.#asks.values()];
  }

  /** One ask per program, kind and subject matter; asking again raises its counter. */
  raise(question: AskQuestion, trigger?: WaitingTrigger): AskChange {
    const { program, kind, about } = question;
    const askId = hashJson({ program, kind, about }).slice(0, 32);
    const known = this.#asks.get(askId);
    const now = this.#clock.wallMs();
    const event = kind === "resource" ? "resource_missing" : "require_consent";
    const transition = nextAskState(known?.state ?? null, event);
    const repeated = transition?.repeated === true && known !== undefined;
    const publish = !repeated || now - known.publishedAt >= ASK_LIMITS.repeatMs;
    const others = (known?.waiting ?? []).filter(({ triggerId }) => triggerId !== trigger?.triggerId);
    const ask: Ask = {
      ...question,
      askId,
      state: transition?.state ?? "pending",
      count: (known?.count ?? 0) + 1,
      since: repeated ? known.since : now,
      publishedAt: publish ? now : (known?.publishedAt ?? now),
      waiting: trigger ? [...others, trigger].slice(-ASK_LIMITS.waiting) : others,
    };
    return { ...this.#keep(ask), publish, resume: [], refused: [] };
  }

  /** An answer, a probe or the passing of time; null if it means nothing to this ask. */
  apply(askId: string, event: AskEvent): AskChange | null {
    const ask = this.#asks.get(askId);
    const transition = ask ? nextAskState(ask.state, event) : null;
    if (!ask || !transition) return null;
    const now = this.#clock.wallMs();
    const decided = transition.resume !== null;
    const next = { ...ask, state: transition.state, waiting: decided ? [] : ask.waiting };
    const again = ask.waiting.filter(
      ({ type, at }) => transition.resume === true && resumeVerdict(type, now - at).resume,
    );
    return {
      ...this.#keep(next),
      publish: false,
      resume: again.map((trigger) => ({ key: `resume:${askId}:${trigger.triggerId}`, trigger })),
      refused: transition.resume === false ? ask.waiting : [],
    };
  }

  /** Looks for what is missing; passive. */
  async probe(probe: ResourceProbe): Promise<readonly AskChange[]> {
    const changes: AskChange[] = [];
    for (const ask of this.#pending("resource")) {
      const missing = await probe.probe(ask.about);
      const change = missing ? null : this.apply(ask.askId, "probe_found");
      if (change) changes.push(change);
    }
    return changes;
  }

  /** Ends questions that nobody has answered for 24 h. */
  expire(): readonly AskChange[] {
    const now = this.#clock.wallMs();
    const late = this.list.filter(
      ({ state, since }) => state === "pending" && now - since >= ASK_LIMITS.expiryMs,
    );
    return late.flatMap(({ askId }) => this.apply(askId, "timeout") ?? []);
  }

  #pending(kind: Ask["kind"]): readonly Ask[] {
    return this.list.filter((ask) => ask.kind === kind && ask.state === "pending");
  }

  #keep(ask: Ask): { readonly ask: Ask; readonly ops: readonly StoreOp[] } {
    this.#asks.set(ask.askId, ask);
    return { ask, ops: [put(ASK_SUB, ask.askId, encodeCbor(ask))] };
  }
}

/** Reads a row of `ask`. @throws CodedError `store_corrupt`. */
export function decodeAsk(bytes: Uint8Array): Ask {
  const row = decodeCbor(bytes);
  if (isAsk(row)) return row;
  throw new CodedError("store_corrupt", "A stored question has an unknown form.");
}

function isWaiting(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const row: { readonly [key: string]: unknown } = { ...value };
  return typeof row.triggerId === "string" && typeof row.type === "string" && Number.isFinite(row.at);
}

function isAsk(value: unknown): value is Ask {
  if (typeof value !== "object" || value === null) return false;
  const row: { readonly [key: string]: unknown } = { ...value };
  return (
    ["askId", "program", "kind", "about", "subject", "state"].every((key) => typeof row[key] === "string") &&
    ["count", "since", "publishedAt"].every((key) => Number.isFinite(row[key])) &&
    Array.isArray(row.waiting) &&
    row.waiting.every(isWaiting)
  );
}
