/** Bounds of what the authoring tools read: sources and source maps are written by others. */
export const AUTHORING_LIMITS = Object.freeze({
  /** Bytes of one source text, before parsing: as many as the document it becomes may have (vm.md 2). */
  sourceBytes: 256 * 1024,
  /** Bytes of the text form of a program: blanks and directives make the largest document at most twice as long. */
  textBytes: 512 * 1024,
  /** Brackets of a TypeScript source inside each other: parser and checker recurse over them. */
  bracketDepth: 100,
  /** Levels of its syntax tree: a chain without brackets nests too. */
  treeDepth: 400,
  /** Nodes of its syntax tree: 4096 instructions come from far fewer, and the checker's work grows faster than they do. */
  nodes: 40_000,
  /** Nodes of one function: for every use of a variable the checker walks back through the function. */
  functionNodes: 3000,
  /** Members of all its union types together: comparing two unions takes the product of their sizes. */
  unionMembers: 128,
  /** Nodes of one literal whose type is taken from its values (`as const`): each value is a type of its own. */
  constNodes: 128,
  /** Problems that are listed: enough to repair, few enough to read; what the verifier lists (vm.md 6). */
  diagnostics: 64,
  /** Bytes of one source map, before parsing: four times the document of 4096 instructions it belongs to. */
  mapBytes: 1_048_576,
  /** Levels of a source map: version 3 is flat, its extension is a text. */
  mapDepth: 4,
  /** Source files one map may name: a program is built from one, its functions from a few. */
  mapSources: 64,
  /** Names one map may hold: those of its functions, at most one for each instruction (vm.md 2). */
  mapNames: 4096,
  /** Answers a file hands to a traced run: the calls of the largest tier (vm.md 8). */
  answers: 10_000,
});
