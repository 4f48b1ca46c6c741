/** Members of timeline entries as data: schema, reading and types all come from one table. */
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { DURATION_PATTERN, type DurationText, durationUs } from "./duration.ts";

export type MemberKind =
  | "duration"
  | "integer"
  | "number"
  | "share"
  | "boolean"
  | "text"
  | "texts"
  | "json"
  /** One id, a list of ids, a prefix with `*`, or `all`. */
  | "devices"
  /** Lists of devices; the word `broker` stands for the broker. */
  | "groups";

export interface Member {
  readonly kind: MemberKind | readonly string[];
  readonly required: boolean;
}

export const need = <const K extends Member["kind"]>(kind: K) => ({ kind, required: true }) as const;
export const may = <const K extends Member["kind"]>(kind: K) => ({ kind, required: false }) as const;

/** Members by name, for each name of an act. */
export type ActTable = Readonly<Record<string, Readonly<Record<string, Member>>>>;

type ValueOf<K> = K extends "duration" | "integer" | "number" | "share"
  ? number
  : K extends "boolean"
    ? boolean
    : K extends "text"
      ? string
      : K extends "texts" | "devices"
        ? readonly string[]
        : K extends "groups"
          ? readonly (readonly string[])[]
          : K extends "json"
            ? Json
            : K extends readonly (infer Choice)[]
              ? Choice
              : never;

/** Durations are read into µs and named so; `device` becomes the ids it stands for. */
type NameOf<P, K> = K extends "duration" ? `${P & string}Us` : K extends "devices" ? "devices" : P;

type MembersOf<T extends Readonly<Record<string, Member>>> = {
  readonly [P in keyof T as NameOf<P, T[P]["kind"]>]: T[P]["required"] extends true
    ? ValueOf<T[P]["kind"]>
    : ValueOf<T[P]["kind"]> | null;
};

/** What a table of acts reads to; what is left out is null. */
export type Act<Key extends string, T extends ActTable> = {
  [N in keyof T]: { readonly [K in Key]: N } & MembersOf<T[N]>;
}[keyof T];

const NAME = { $ref: "#/$defs/name" } as const;

/** What members refer to, by name under `$defs`. */
export const ACT_DEFINITIONS = {
  duration: { type: ["integer", "string"], minimum: 0, pattern: DURATION_PATTERN },
  name: { type: "string", minLength: 1, maxLength: 128 },
  names: { type: "array", minItems: 1, maxItems: 1000, items: NAME },
  devices: {
    type: ["string", "array"],
    minLength: 1,
    maxLength: 128,
    minItems: 1,
    maxItems: 1000,
    items: NAME,
    description: "an id, a list of ids, a prefix with *, or all",
  },
} as const;

export const DURATION_SCHEMA = { $ref: "#/$defs/duration" } as const;
export const DEVICES_SCHEMA = { $ref: "#/$defs/devices" } as const;
const NAMES = { $ref: "#/$defs/names" } as const;

const SCHEMAS = {
  duration: DURATION_SCHEMA,
  integer: { type: "integer" },
  number: { type: "number" },
  share: { type: "number", minimum: 0, maximum: 1 },
  boolean: { type: "boolean" },
  text: NAME,
  texts: NAMES,
  json: {},
  devices: DEVICES_SCHEMA,
  groups: { type: "array", minItems: 2, maxItems: 64, items: NAMES },
} as const satisfies Readonly<Record<MemberKind, object>>;

function schemaOfMember({ kind }: Member): object {
  return typeof kind === "string" ? SCHEMAS[kind] : { enum: kind };
}

/** One alternative for each act of a table, told apart by the member `key`. @param common members of all. */
export function actSchemas(key: string, table: ActTable, common: Readonly<Record<string, object>>): object[] {
  return Object.entries(table).map(([name, members]) => ({
    type: "object",
    additionalProperties: false,
    required: [key, ...Object.keys(members).filter((member) => members[member]?.required)],
    properties: {
      [key]: { const: name },
      ...common,
      ...Object.fromEntries(Object.entries(members).map(([member, of]) => [member, schemaOfMember(of)])),
    },
  }));
}

export interface ActContext {
  /** The ids that a text such as `pump-001`, `pump-*` or `all` stands for. @throws ScenarioError for none. */
  devices(pattern: string, path: string): readonly string[];
  /** @throws ScenarioError. */
  refuse(path: string, why: string): never;
}

function readMember(value: Json, { kind }: Member, path: string, context: ActContext): Json {
  if (kind === "duration") {
    const us = durationUs(value as DurationText);
    return us ?? context.refuse(path, "this is no duration");
  }
  if (kind !== "devices" && kind !== "groups") return value;
  const listed = (item: Json): readonly string[] => [item].flat() as readonly string[];
  const ids = (item: Json): readonly string[] => [
    ...new Set(
      listed(item).flatMap((name) =>
        kind === "groups" && name === "broker" ? ["broker"] : context.devices(name, path),
      ),
    ),
  ];
  return kind === "groups" ? (value as readonly Json[]).map(ids) : ids(value);
}

/** Reads one act that the schema has let through. @returns its members without those of `common`. */
export function readAct(
  raw: JsonObject,
  members: Readonly<Record<string, Member>>,
  path: string,
  context: ActContext,
): JsonObject {
  const entries = Object.entries(members).map(([name, of]): readonly [string, Json] => {
    const readAs = of.kind === "duration" ? `${name}Us` : of.kind === "devices" ? "devices" : name;
    const value = raw[name];
    return [readAs, value === undefined ? null : readMember(value, of, `${path}/${name}`, context)];
  });
  return Object.fromEntries(entries);
}
