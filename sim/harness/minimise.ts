/**
 * Shrinks a scenario that fails (simulator.md 12): entries of its timeline first, halves and then single ones, then
 * devices, what else it expects, and its duration. What is left breaks the same rule with the same seed.
 */
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { durationText } from "../scenario/duration.ts";
import { failureKey, type RunOutcome } from "./outcome.ts";

/** Runs a document with the seed; null for one that is no scenario. */
export type TryDocument = (document: JsonObject) => Promise<RunOutcome | null>;

export interface MinimiseOptions {
  readonly attempt: TryDocument;
  /** Runs at most; the smallest scenario so far is the result when they are used up. */
  readonly maxRuns: number;
  /** What was tried, and whether it still fails the same way. */
  readonly onTry?: (what: string, isSmaller: boolean) => void;
}

export interface Minimised {
  readonly document: JsonObject;
  readonly outcome: RunOutcome;
  /** What it breaks: an invariant's id, `E` and the expectation, `error` and its code. */
  readonly key: string;
  readonly runs: number;
}

const US_PER_S = 1_000_000;
const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);

/** Expectations are told apart by what they say: their places change. */
function keyOf(document: JsonObject, outcome: RunOutcome): string | null {
  const key = failureKey(outcome);
  if (key === null || !key.startsWith("E:")) return key;
  return `E ${canonicalize(listOf(document.expect)[Number(key.slice(2))] ?? null)}`;
}

class Shrinking {
  document: JsonObject;
  outcome: RunOutcome;
  runs = 0;
  readonly key: string;
  readonly #options: MinimiseOptions;

  constructor(document: JsonObject, outcome: RunOutcome, key: string, options: MinimiseOptions) {
    this.document = document;
    this.outcome = outcome;
    this.key = key;
    this.#options = options;
  }

  /** Keeps the smaller document if it fails the same way. */
  async offer(what: string, document: JsonObject): Promise<boolean> {
    if (this.runs >= this.#options.maxRuns) return false;
    this.runs++;
    const outcome = await this.#options.attempt(document);
    const isSame = outcome !== null && keyOf(document, outcome) === this.key;
    this.#options.onTry?.(what, isSame);
    if (!isSame) return false;
    this.document = document;
    this.outcome = outcome;
    return true;
  }
}

/** Delta debugging: drops ever smaller parts of a list, as long as it fails without them. */
async function shrinkList(shrinking: Shrinking, name: string): Promise<void> {
  let part = Math.ceil(listOf(shrinking.document[name]).length / 2);
  while (part >= 1) {
    let at = 0;
    let hasDropped = false;
    while (at < listOf(shrinking.document[name]).length) {
      const items = listOf(shrinking.document[name]);
      const rest = [...items.slice(0, at), ...items.slice(at + part)];
      const what = `${name} ${at + 1}..${Math.min(at + part, items.length)} of ${items.length}`;
      // What follows moves up to this place if the part was dropped.
      if (await shrinking.offer(what, { ...shrinking.document, [name]: [...rest] })) hasDropped = true;
      else at += part;
    }
    if (part === 1 && !hasDropped) return;
    part = part === 1 ? 1 : Math.ceil(part / 2);
  }
}

const groupsOf = (document: JsonObject): readonly JsonObject[] =>
  listOf(document.devices).flatMap((group) => (isJsonObject(group) ? [group] : []));

const withGroup = (document: JsonObject, index: number, group: JsonObject | null): JsonObject => ({
  ...document,
  devices: groupsOf(document).flatMap((one, at) => (at === index ? (group ? [group] : []) : [one])),
});

async function shrinkDevices(shrinking: Shrinking): Promise<void> {
  for (let index = groupsOf(shrinking.document).length - 1; index >= 0; index--) {
    const groups = groupsOf(shrinking.document);
    if (groups.length > 1)
      if (
        await shrinking.offer(
          `without ${String(groups[index]?.prefix)}*`,
          withGroup(shrinking.document, index, null),
        )
      )
        continue;
    await shrinkCount(shrinking, index);
  }
}

/** The least number of devices of a group, found by halving the distance. */
async function shrinkCount(shrinking: Shrinking, index: number): Promise<void> {
  const group = groupsOf(shrinking.document)[index];
  if (!group) return;
  let [fails, holds] = [typeof group.count === "number" ? group.count : 1, 0];
  while (fails - holds > 1) {
    const count = holds === 0 ? 1 : Math.floor((fails + holds) / 2);
    const smaller = withGroup(shrinking.document, index, { ...group, count });
    if (await shrinking.offer(`${count} of ${fails} devices ${String(group.prefix)}*`, smaller))
      fails = count;
    else holds = count;
  }
}

/** An expectation that something comes true fails in any run that is short enough: that is another failure. */
function isOfTheEnd({ key }: Shrinking): boolean {
  const expectation = key.startsWith("E {") ? (JSON.parse(key.slice(2)) as JsonObject) : null;
  return expectation !== null && expectation.always === undefined && expectation.never === undefined;
}

const upToSecond = (us: number): number => Math.max(US_PER_S, Math.ceil(us / US_PER_S) * US_PER_S);

async function shrinkDuration(shrinking: Shrinking): Promise<void> {
  if (isOfTheEnd(shrinking)) return;
  const offer = (us: number): Promise<boolean> =>
    shrinking.offer(`duration ${durationText(us)}`, { ...shrinking.document, duration: durationText(us) });
  const { finding, simulatedUs } = shrinking.outcome;
  const foundUs = upToSecond(finding?.violation.atUs ?? simulatedUs);
  let fails = upToSecond(simulatedUs);
  if (await offer(foundUs)) fails = foundUs;
  let holds = 0;
  while (fails - holds > Math.max(US_PER_S, fails / 16)) {
    const us = upToSecond((fails + holds) / 2);
    if (us >= fails) return;
    if (await offer(us)) fails = us;
    else holds = us;
  }
}

/** Null if the document does not fail at all: there is nothing to shrink. */
export async function minimise(document: JsonObject, options: MinimiseOptions): Promise<Minimised | null> {
  const outcome = await options.attempt(document);
  const key = outcome === null ? null : keyOf(document, outcome);
  if (outcome === null || key === null) return null;
  const shrinking = new Shrinking(document, outcome, key, options);
  await shrinkList(shrinking, "timeline");
  await shrinkList(shrinking, "adversaries");
  await shrinkDevices(shrinking);
  await shrinkList(shrinking, "expect");
  await shrinkDuration(shrinking);
  return {
    document: withoutEmpty(shrinking.document),
    outcome: shrinking.outcome,
    key,
    runs: shrinking.runs,
  };
}

function withoutEmpty(document: JsonObject): JsonObject {
  const members = Object.entries(document).filter(
    ([name, value]) => !(["timeline", "adversaries"].includes(name) && listOf(value).length === 0),
  );
  return Object.fromEntries(members);
}
