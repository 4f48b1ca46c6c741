/**
 * Rewrites the marked sections of docs/programs.md and docs/policy.md from the tables that the product itself
 * works with. Run `npx tsx tools/docs.ts` after changing one of them; a test compares.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SystemClock } from "../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../firmware/adapters/system-entropy.ts";
import type { CapabilityContract, Schema } from "../firmware/capabilities/index.ts";
import { PACKAGE_ROOT } from "../firmware/composition/package-info.ts";
import { detachedRegistry } from "../firmware/composition/state-capabilities.ts";
import { INSTRUCTIONS, type OpSpec } from "../firmware/vm/instruction-set.ts";
import { LIMIT_NAMES, TIER_LIMITS } from "../firmware/vm/limits.ts";
import { EFFECTS } from "./docs-instructions.ts";
import { policySections } from "./docs-policy.ts";
import { code, head, row } from "./docs-table.ts";

function fieldsOf(spec: OpSpec): string {
  const pairs = new Map(
    spec.either.flatMap(({ names, optional }) => names.map((n) => [n, { names, optional }])),
  );
  const shown: string[] = [];
  for (const [name, { required }] of spec.fields) {
    const pair = pairs.get(name);
    if (pair === undefined) shown.push(code(required ? name : `${name}?`));
    else if (name === pair.names[0]) {
      shown.push(`${pair.names.map(code).join(" or ")}${pair.optional ? " (or none)" : ""}`);
    }
  }
  return shown.join(", ") || "–";
}

function instructionTable(): string {
  const rows = [...INSTRUCTIONS].map(([name, spec]) => {
    const effect = EFFECTS[name];
    if (effect === undefined) throw new Error(`tools/docs-instructions.ts says nothing about ${name}.`);
    return row(code(name), fieldsOf(spec), `${spec.pops} → ${spec.pushes}`, effect);
  });
  return [head("op", "fields", "stack", "effect"), ...rows].join("\n");
}

function range(low: number | undefined, high: number | undefined): string {
  if (low === undefined && high === undefined) return "";
  if (low === undefined) return ` ≤ ${high}`;
  return high === undefined ? ` ≥ ${low}` : ` ${low}…${high}`;
}

/** A contract in a few characters: type, range, members. */
export function describe(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.bytes) return `bytes ${schema.bytes.min}…${schema.bytes.max}`;
  if (schema.properties) {
    const required = new Set(schema.required ?? []);
    const members = Object.entries(schema.properties).map(
      ([name, inner]) => `${name}${required.has(name) ? "" : "?"}: ${describe(inner)}`,
    );
    return `{${members.join(", ")}}`;
  }
  if (schema.items) return `[${describe(schema.items)}]${range(schema.minItems, schema.maxItems)}`;
  if (schema.type === undefined) return "any JSON";
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]).join(" or ");
  return `${types}${range(schema.minimum, schema.maximum)}${range(schema.minLength, schema.maxLength)}`;
}

function argumentsOf({ params, positional }: CapabilityContract): string {
  const required = new Set(params.required);
  const order = [
    ...positional,
    ...Object.keys(params.properties).filter((name) => !positional.includes(name)),
  ];
  const shown = order.map((name) => {
    const schema = params.properties[name] ?? {};
    const standard = schema.default === undefined ? "" : `, default ${JSON.stringify(schema.default)}`;
    return `${code(required.has(name) ? name : `${name}?`)} ${describe(schema)}${standard}`;
  });
  return shown.join("; ") || "none";
}

function capabilitySection(contract: CapabilityContract): string {
  const { id, title, class: kind, aliases, topic, action, costMilli, rate, timeoutMs } = contract;
  const own = contract.errors.map(code).join(", ");
  return [
    `#### ${id}`,
    "",
    `${title}.${aliases.length > 0 ? ` Also written ${aliases.map(code).join(", ")}.` : ""}`,
    "",
    head("", ""),
    row("class", kind),
    row("arguments, in positional order first", argumentsOf(contract).replaceAll("|", "\\|")),
    row("result", describe(contract.result).replaceAll("|", "\\|")),
    row("policy sees", `topic ${code(topic)}, action ${code(action)}`),
    row(
      "evidence",
      contract.evidence.map((e) => `${code(e.kind)} from ${code(e.source)}`).join(", ") || "none declared",
    ),
    row("cost, rate, time", `${costMilli} mΦ; ${rate.rps} a second, burst ${rate.burst}; ${timeoutMs} ms`),
    ...(own === "" ? [] : [row("own errors", own)]),
  ].join("\n");
}

function limitTable(): string {
  const rows = LIMIT_NAMES.map((name) =>
    row(
      code(name),
      ...(["low", "medium", "high", "system"] as const).map((tier) => String(TIER_LIMITS[tier][name])),
    ),
  );
  return [head("limit", "low", "medium", "high", "system"), ...rows].join("\n");
}

async function programSections(): Promise<Readonly<Record<string, string>>> {
  const entropy = new SystemEntropy();
  const clock = new SystemClock({ entropy, floorMs: 0, synchronised: () => false });
  const registry = await detachedRegistry({ clock, entropy });
  return {
    instructions: instructionTable(),
    capabilities: registry.contracts().map(capabilitySection).join("\n\n"),
    limits: limitTable(),
  };
}

/** By document, then by the name in the marks: what the marked sections must hold. */
export const generatedSections = async (): Promise<
  Readonly<Record<"programs.md" | "policy.md", Readonly<Record<string, string>>>>
> => ({ "programs.md": await programSections(), "policy.md": policySections() });

/** The document with every marked section replaced. @throws Error if a section has no marks. */
export function withSections(document: string, sections: Readonly<Record<string, string>>): string {
  let text = document;
  for (const [name, content] of Object.entries(sections)) {
    const begin = `<!-- generated: ${name} -->`;
    const end = `<!-- end: ${name} -->`;
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from < 0 || to < from) throw new Error(`The document has no marks for ${name}.`);
    text = `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
  }
  return text;
}

if (import.meta.url === `file://${process.argv[1]}`) {
  for (const [name, sections] of Object.entries(await generatedSections())) {
    const path = join(PACKAGE_ROOT, "docs", name);
    await writeFile(path, withSections(await readFile(path, "utf8"), sections));
  }
}
