/** Reads manifests out of untrusted JSON: every member there, of its type, within its bounds, and none besides. */
import type { Refusal } from "../../core/errors.ts";
import { isJsonObject, type JsonObject, member } from "../../core/json.ts";
import { DERIVED_LIMITS } from "../../core/limits.ts";
import { problem } from "./problem.ts";
import { type Check, excessOf, isObjectSchema, isSchema, isText, isTexts, isWhole } from "./shape.ts";
import type { DerivedManifest, DerivedTemplates } from "./types.ts";

/** Members by name; a name that ends in `?` is optional. */
type Members = Readonly<Record<string, Check>>;

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,31}$/;
const CALL = /^[a-z][a-z0-9_.]{0,63}$/;
const ID_CHARACTERS = 64;
const SEMVER = /^(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){2}(?:[-+][0-9A-Za-z.+-]{1,64})?$/;
const CLASSES: readonly unknown[] = ["read", "effect", "local"];

const isAny: Check = (value) => value !== undefined;
const isList = (value: unknown, max: number): boolean =>
  Array.isArray(value) && value.length >= 1 && value.length <= max;

const STEP: Members = {
  as: (value) => isText(value) && NAME.test(value),
  call: (value) => isText(value) && CALL.test(value),
  args: isAny,
};
const EXAMPLE: Members = { args: isAny, calls: Array.isArray };
const EVIDENCE: Members = { kind: isText, source: isText };
const RATE: Members = {
  rps: (value) => typeof value === "number" && value >= 0,
  burst: (value) => isWhole(value) && value >= 1,
};

const TEMPLATES: Members = {
  id: (value) => isText(value) && value.length <= ID_CHARACTERS,
  params: isObjectSchema,
  steps: (value) => isList(value, DERIVED_LIMITS.steps),
  returns: isAny,
};

const MANIFEST: Members = {
  format: (value) => value === "imu.capability/1",
  version: (value) => isText(value) && SEMVER.test(value),
  title: isText,
  aliases: isTexts,
  "class?": (value) => CLASSES.includes(value),
  positional: isTexts,
  result: (value) => isSchema(value),
  topic: isText,
  action: isText,
  "resources?": isTexts,
  evidence: Array.isArray,
  // Each step is serialised by its own driver; a key held around them could wait for itself.
  exclusive: (value) => value === null,
  "costMilli?": isWhole,
  rate: (value) => firstFault(value, RATE, "") === null,
  timeoutMs: (value) => isWhole(value) && value >= 1,
  maxResultBytes: isWhole,
  idempotent: (value) => typeof value === "boolean",
  errors: isTexts,
  ...TEMPLATES,
  examples: (value) => isList(value, DERIVED_LIMITS.examples),
};

/** Path of the first member that is absent, of another type, or not known; null when all is well. */
function firstFault(value: unknown, members: Members, path: string): string | null {
  if (!isJsonObject(value)) return path;
  const known = new Set<string>();
  for (const [written, check] of Object.entries(members)) {
    const name = written.replace("?", "");
    known.add(name);
    const given = member(value, name);
    if (given === undefined ? written === name : !check(given)) return `${path}.${name}`;
  }
  const unknown = Object.keys(value).find((name) => !known.has(name));
  return unknown === undefined ? null : `${path}.${unknown}`;
}

/** As `firstFault`, for each item of a list that is a member of `value`. */
function firstItemFault(value: JsonObject, name: string, members: Members): string | null {
  const items = member(value, name);
  if (!Array.isArray(items)) return null;
  for (const [i, item] of items.entries()) {
    const fault = firstFault(item, members, `$.${name}[${i}]`);
    if (fault !== null) return fault;
  }
  return null;
}

/** The place of a name that two steps have, or null. */
function firstTwin(steps: DerivedTemplates["steps"]): string | null {
  const names = steps.map((step) => step.as);
  const at = names.findIndex((name, i) => names.indexOf(name) !== i);
  return at < 0 ? null : `$.steps[${at}].as`;
}

const hasTemplates = (value: unknown): value is DerivedTemplates =>
  isJsonObject(value) && firstFault(value, TEMPLATES, "$") === null;
const isManifest = (value: unknown): value is DerivedManifest => firstFault(value, MANIFEST, "$") === null;

type Read<T> = { readonly ok: true; readonly value: T } | Refusal;

function readAs<T extends DerivedTemplates>(
  value: unknown,
  members: Members,
  is: (value: unknown) => value is T,
): Read<T> {
  const excess = excessOf(value);
  if (excess !== null) return problem("contract_unbounded", "$", { why: excess });
  const fault =
    firstFault(value, members, "$") ??
    (isJsonObject(value)
      ? (firstItemFault(value, "steps", STEP) ??
        firstItemFault(value, "examples", EXAMPLE) ??
        firstItemFault(value, "evidence", EVIDENCE))
      : null);
  if (fault !== null || !is(value)) return problem("contract_invalid", fault ?? "$");
  const twin = firstTwin(value.steps);
  return twin === null ? { ok: true, value } : problem("contract_invalid", twin, { why: "name_taken" });
}

/** The part that is rendered: id, params, steps, returns. Refuses with `contract_invalid`, `contract_unbounded`. */
export const readTemplates = (value: unknown): Read<DerivedTemplates> =>
  readAs(value, TEMPLATES, hasTemplates);

/** A whole manifest. Refuses with `contract_invalid`, `contract_unbounded`. */
export const readManifest = (value: unknown): Read<DerivedManifest> => readAs(value, MANIFEST, isManifest);
