/** The text form of programs: read and write. */
export { parseText, type TextResult, type TextSource } from "./parse.ts";
export { PrintError, type PrintOptions, printInstruction, printText } from "./print.ts";
