/** What the compiler is given. */
import type { CapabilityContract } from "../../capabilities/index.ts";
import type { CapabilityView } from "../../vm/index.ts";

/** The module `typescript`, handed in because on a device it is an optional peer. */
export type TypeScript = typeof import("typescript");

/** One source text; `file` is only a name for diagnostics and origins. */
export interface TypeScriptSource {
  readonly file: string;
  readonly text: string;
}

export interface TypeScriptOptions {
  /** From `loadTypeScript`. */
  readonly typescript: TypeScript;
  /** Capabilities that a program may call; their types are made of these. */
  readonly contracts: readonly CapabilityContract[];
  /** The same capabilities as the verifier sees them. */
  readonly view: CapabilityView;
}
