/** Whether every input that the payload's schema lets pass has the type that main says. */
import type ts from "typescript";
import type { Schema } from "../../capabilities/index.ts";
import type { Json } from "../../core/json.ts";
import type { Compilation } from "./compilation.ts";

const LEVELS = 24;

/** Integers of so few values are compared one by one. */
const MAX_LISTED = 16;

/** The single values a schema names, null if it names none. */
function valuesOf({ const: only, enum: some, type, minimum, maximum }: Schema): readonly Json[] | null {
  if (only !== undefined) return [only];
  if (some !== undefined) return some;
  if (type !== "integer" || minimum === undefined || maximum === undefined) return null;
  const count = maximum - minimum + 1;
  return count > 0 && count <= MAX_LISTED ? Array.from({ length: count }, (_, i) => minimum + i) : null;
}

class Fit {
  readonly #c: Compilation;

  constructor(c: Compilation) {
    this.#c = c;
  }

  /** The path of the first thing that does not fit, null if all does. */
  problem(schema: Schema, type: ts.Type, path: string, level = 0): string | null {
    if (level > LEVELS) return path;
    const parts = type.isUnion() ? type.types : [type];
    const values = valuesOf(schema);
    if (schema.bytes !== undefined) return parts.some((part) => this.#c.isBytes(part)) ? null : path;
    const isListed = values?.every((value) => parts.some((part) => this.#holds(part, value))) ?? false;
    if (isListed) return null;
    const names = [schema.type ?? []].flat();
    if (names.length === 0) return values === null && type.aliasSymbol?.name === "Json" ? null : path;
    for (const name of names) {
      const found = this.#named(name, schema, parts, path, level);
      if (found !== null) return found;
    }
    return null;
  }

  #holds(part: ts.Type, value: Json): boolean {
    const { checker } = this.#c;
    if (typeof value === "boolean")
      return part.flags & this.#c.ts.TypeFlags.Boolean ? true : checker.typeToString(part) === String(value);
    if (part.isLiteral()) return part.value === value;
    return this.#plain(
      part,
      typeof value === "number" ? "number" : typeof value === "string" ? "string" : "null",
    );
  }

  #plain(part: ts.Type, name: string): boolean {
    const { TypeFlags } = this.#c.ts;
    const flags: Readonly<Record<string, ts.TypeFlags>> = {
      number: TypeFlags.Number,
      integer: TypeFlags.Number,
      string: TypeFlags.String,
      null: TypeFlags.Null,
    };
    return (part.flags & (name === "boolean" ? TypeFlags.BooleanLike : (flags[name] ?? 0))) !== 0;
  }

  #named(
    name: string,
    schema: Schema,
    parts: readonly ts.Type[],
    path: string,
    level: number,
  ): string | null {
    const c = this.#c;
    if (name === "array") {
      const list = parts.find((part) => c.isArray(part));
      const element = list ? c.checker.getIndexTypeOfType(list, c.ts.IndexKind.Number) : undefined;
      return element ? this.problem(schema.items ?? {}, element, `${path}[]`, level + 1) : path;
    }
    if (name !== "object") return parts.some((part) => this.#plain(part, name)) ? null : path;
    const object = parts.find(
      (part) => part.flags & c.ts.TypeFlags.Object && !c.isArray(part) && !c.isBytes(part),
    );
    return object ? this.#members(schema, object, path, level) : path;
  }

  #members(
    { properties = {}, required = [] }: Schema,
    type: ts.Type,
    path: string,
    level: number,
  ): string | null {
    const { checker, ts, source } = this.#c;
    for (const property of checker.getPropertiesOfType(type)) {
      const at = `${path}.${property.name}`;
      const schema = Object.hasOwn(properties, property.name) ? properties[property.name] : undefined;
      const found = checker.getTypeOfSymbolAtLocation(property, source);
      const parts = found.isUnion() ? found.types : [found];
      const mayBeNull = parts.some((part) => part.flags & ts.TypeFlags.Null);
      if (!required.includes(property.name) && !mayBeNull) return at;
      if (schema === undefined) return at;
      const inner = this.problem(schema, found, at, level + 1);
      if (inner !== null) return inner;
    }
    return null;
  }
}

/** Reports where main's input and the payload's schema disagree. */
export function checkPayload(c: Compilation, main: ts.FunctionDeclaration, payload: Schema | null): void {
  const [parameter] = main.parameters;
  if (!parameter) return;
  if (payload === null) {
    const hint = 'Give program a payload: { type: "object", … }.';
    c.report(parameter, "payload_required", "Nothing checks this input before the run.", hint);
    return;
  }
  const wrong = new Fit(c).problem(payload, c.typeOf(parameter), parameter.name.getText(c.source));
  if (wrong === null) return;
  const hint = "Members that are not required are T | null; integers and numbers are number.";
  c.report(
    parameter,
    "payload_mismatch",
    `The payload's schema lets pass another ${wrong} than this type says.`,
    hint,
  );
}
