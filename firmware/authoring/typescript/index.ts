/** Programs written in a typed subset of TypeScript, compiled to program documents. */
export { compileTypeScript } from "./compile.ts";
export { programDeclarations } from "./declarations.ts";
export { loadTypeScript } from "./load.ts";
export type { TypeScript, TypeScriptOptions, TypeScriptSource } from "./types.ts";
