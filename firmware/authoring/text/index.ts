/** The text form of programs: read and write. */
export { parseText, type TextResult, type TextSource } from "./parse.ts";
export { type PrintOptions, printText } from "./print.ts";
export { PrintError, printInstruction } from "./print-instruction.ts";
