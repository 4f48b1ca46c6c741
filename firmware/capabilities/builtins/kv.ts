/** kv.get, kv.put, kv.delete and kv.list (capabilities.md 11). */
import { canonicalize } from "../../core/canonical-json.ts";
import { refusal } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { STORAGE_LIMITS } from "../../core/limits.ts";
import type { Capability, Target } from "../capability.ts";
import type { RunContext } from "../context.ts";
import { kvEvidence } from "./clock.ts";
import { boolean, contract, integer, json, numberArg, object, plainTarget, text, textArg } from "./define.ts";
import type { KvSpaces } from "./kv-store.ts";

const YEAR_MS = 31_536_000_000;
/** No control characters; the length in octets is checked besides. */
const key = text(STORAGE_LIMITS.keyBytes, "^[^\\u0000-\\u001f\\u007f]+$");
const space = text(64, "^[a-z0-9_.-]+$");

const common = { class: "local", topic: "kv://{space}/{key}", timeoutMs: 1000 } as const;
const source = (of: string): string => `local://kv/${of}`;

const getContract = contract({
  ...common,
  id: "kv.get",
  title: "Read a stored value",
  action: "read",
  params: object({ key, space }, ["space"]),
  result: object({ found: boolean, value: json }),
  evidence: [{ kind: "kv_read", source: "local://kv/{space}" }],
  costMilli: 100,
  maxResultBytes: 2 * STORAGE_LIMITS.valueBytes,
});
const putContract = contract({
  ...common,
  id: "kv.put",
  title: "Store a value",
  action: "write",
  params: object({ key, value: json, ttlMs: integer(1, YEAR_MS), space }, ["ttlMs", "space"]),
  result: object({}),
  costMilli: 200,
  errors: ["kv_quota"],
});
const deleteContract = contract({
  ...common,
  id: "kv.delete",
  title: "Delete a stored value",
  action: "write",
  params: object({ key, space }, ["space"]),
  result: object({}),
  costMilli: 200,
});
const listContract = contract({
  ...common,
  id: "kv.list",
  title: "List stored values",
  action: "read",
  topic: "kv://{space}/{prefix}",
  params: object(
    {
      prefix: { type: "string", maxLength: STORAGE_LIMITS.keyBytes },
      limit: integer(1, 1000),
      after: key,
      space,
    },
    ["after", "space"],
  ),
  positional: ["prefix", "limit"],
  result: object({
    items: { type: "array", maxItems: 1000, items: object({ key, value: json }) },
    next: { type: ["string", "null"], maxLength: STORAGE_LIMITS.keyBytes },
  }),
  evidence: [{ kind: "kv_read", source: "local://kv/{space}" }],
  costMilli: 200,
  maxResultBytes: 1024 * 1024,
});

const spaceOf = (ctx: RunContext, args: JsonObject): string =>
  textArg(args, "space") ?? ctx.program?.name ?? ctx.subject;

/** Another space is open only if policy lists it; its own is the program's by right. */
function kvTarget(
  ctx: RunContext,
  args: JsonObject,
  action: "read" | "write",
  name: string,
  writes = 0,
): Target {
  const of = spaceOf(ctx, args);
  const tooLong = Buffer.byteLength(name) > STORAGE_LIMITS.keyBytes;
  return plainTarget({
    uri: `kv://${of}/${name}`,
    action,
    class: "local",
    writeBytes: writes,
    problem: tooLong
      ? refusal("value_out_of_range", 422, { limit: "keyBytes", max: STORAGE_LIMITS.keyBytes })
      : null,
  });
}

export function kvCapabilities(spaces: KvSpaces): readonly Capability[] {
  const keyOf = (args: JsonObject): string => textArg(args, "key") ?? "";
  return [
    {
      contract: getContract,
      resolve: (ctx, args) => kvTarget(ctx, args, "read", keyOf(args)),
      async perform({ ctx, args }) {
        const of = spaceOf(ctx, args);
        const row = await spaces.get(ctx, of, keyOf(args));
        const value = row?.value ?? null;
        return {
          result: { found: row !== null, value },
          evidence: [kvEvidence(source(of), keyOf(args), value, row?.trust)],
          readBytes: Buffer.byteLength(canonicalize(value)),
        };
      },
    },
    {
      contract: putContract,
      resolve: (ctx, args) =>
        valueTarget(
          kvTarget(ctx, args, "write", keyOf(args), Buffer.byteLength(canonicalize(args.value ?? null))),
        ),
      async perform({ ctx, args, target }) {
        const ttlMs = numberArg(args, "ttlMs") ?? null;
        const refused = await spaces.put(ctx, spaceOf(ctx, args), keyOf(args), args.value ?? null, ttlMs);
        return refused ?? { result: {}, evidence: [], writtenBytes: target.writeBytes };
      },
    },
    {
      contract: deleteContract,
      resolve: (ctx, args) => kvTarget(ctx, args, "write", keyOf(args)),
      async perform({ ctx, args }) {
        spaces.delete(ctx, spaceOf(ctx, args), keyOf(args));
        return { result: {}, evidence: [] };
      },
    },
    {
      contract: listContract,
      resolve: (ctx, args) => kvTarget(ctx, args, "read", textArg(args, "prefix") ?? ""),
      async perform({ ctx, args }) {
        const of = spaceOf(ctx, args);
        const prefix = textArg(args, "prefix") ?? "";
        const query = { prefix, after: textArg(args, "after") ?? null, limit: numberArg(args, "limit") ?? 1 };
        const page = await spaces.list(ctx, of, query);
        const items = page.items.map((item) => ({ key: item.key, value: item.value }));
        return {
          result: { items, next: page.next },
          evidence: [kvEvidence(source(of), prefix, items)],
          readBytes: Buffer.byteLength(canonicalize(items)),
        };
      },
    },
  ];
}

const valueTarget = (target: Target): Target =>
  target.writeBytes > STORAGE_LIMITS.valueBytes && target.problem === null
    ? {
        ...target,
        problem: refusal("value_out_of_range", 422, { limit: "valueBytes", max: STORAGE_LIMITS.valueBytes }),
      }
    : target;
