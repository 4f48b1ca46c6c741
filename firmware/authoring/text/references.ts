/** How references are written in the text form and in the document (vm.md 3.1): one table for parser and printer. */

/** A name that needs no quotes: of instructions, fields, labels, capabilities. */
export const WORD = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const REGISTER = /^[A-Za-z_][A-Za-z0-9_]{0,31}$/;
/** A member of payload, trigger or constants that needs no quotes. */
const BARE_KEY = /^[A-Za-z0-9_.-]+$/;

export const isWord = (text: string): boolean => WORD.test(text);
export const isRegister = (text: string): boolean => REGISTER.test(text);

/** A text that the machine would not take as text: it names something, or tries to. */
export const isReference = (text: string): boolean =>
  text.startsWith("reg:") || text.startsWith("const:") || text.startsWith("$.");

/** Quoted as in JSON; controls that JSON lets stand, and that a terminal would obey, are escaped too. */
export const quote = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const key = (text: string): string => (BARE_KEY.test(text) ? text : quote(text));

/** The reference as the text form writes it, null if the text is none that is well formed. */
export function printReference(text: string): string | null {
  if (text.startsWith("reg:")) return isRegister(text.slice(4)) ? `%${text.slice(4)}` : null;
  if (text.startsWith("const:")) return `const:${key(text.slice(6))}`;
  for (const prefix of ["$.payload", "$.trigger"]) {
    if (text === prefix) return text;
    if (text.startsWith(`${prefix}.`)) return `${prefix}.${key(text.slice(prefix.length + 1))}`;
  }
  return null;
}
