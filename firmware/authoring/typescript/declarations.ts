/** Everything that a program may name, as one declaration text for the compiler and for editors. */
import type { CapabilityContract, ObjectSchema, Schema } from "../../capabilities/index.ts";
import { IMU_FUNCTIONS, IMU_TYPES } from "./imu-module.ts";
import { LIBRARY } from "./library.ts";
import { memberName, schemaType } from "./schema-types.ts";

const HEADER = `// Generated from the capabilities of this version: what programs for imud may use, and nothing else exists for them.
`;

/** The parameters after the positional ones, as a schema of their own. */
function rest(params: ObjectSchema, positional: readonly string[]): Schema {
  const others = Object.entries(params.properties).filter(([name]) => !positional.includes(name));
  return { ...params, properties: Object.fromEntries(others) };
}

/** Calls are written with named arguments, or with the contract's positional ones and the others by name. */
function signatures({ id, title, class: of, params, positional, result }: CapabilityContract): string {
  const name = memberName(id.slice(id.lastIndexOf(".") + 1));
  const got = schemaType(result, "got");
  const more = rest(params, positional);
  const allOptional = (more.required ?? []).every((one) => positional.includes(one));
  const list = positional.map((one) => `${one}: ${schemaType(params.properties[one] ?? {}, "given")}`);
  list.push(`more${allOptional ? "?" : ""}: ${schemaType(more, "given")}`);
  const optional = params.required.length === 0 ? "?" : "";
  const named = `${name}(args${optional}: ${schemaType(params, "given")}): ${got};`;
  return [
    `    /** ${title}: ${of}. */`,
    `    ${named}`,
    ...(positional.length === 0 ? [] : [`    ${name}(${list.join(", ")}): ${got};`]),
    "",
  ].join("\n");
}

/** `gpio.read` and `gpio.write` become members of one constant `gpio`. */
function capabilityObjects(contracts: readonly CapabilityContract[]): string {
  const groups = new Map<string, string>();
  for (const contract of [...contracts].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const group = contract.id.slice(0, contract.id.lastIndexOf("."));
    if (/^[a-z][a-z0-9_]*$/.test(group))
      groups.set(group, `${groups.get(group) ?? ""}${signatures(contract)}`);
  }
  return [...groups].map(([name, members]) => `  export const ${name}: {\n${members}  };\n`).join("");
}

/** @returns the text of `imu.d.ts` for these capabilities; the same contracts give the same text. */
export function programDeclarations(contracts: readonly CapabilityContract[]): string {
  const module = `declare module "imu" {${IMU_TYPES}${IMU_FUNCTIONS}\n${capabilityObjects(contracts)}}\n`;
  return `${HEADER}${LIBRARY}${module}`;
}
