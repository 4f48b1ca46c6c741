/**
 * UTF-8 size of texts, with a memory for those just made: a text that grows by joining is measured by its parts, not
 * from its beginning each time.
 */

const utf8Length = (text: string): number => Buffer.byteLength(text, "utf8");

const PLACES = 16;
/** Shorter texts are measured faster than they are looked up. */
const SHORT = 24;
const texts: string[] = new Array<string>(PLACES).fill("");
const sizes = new Int32Array(PLACES);

export function textSize(text: string): number {
  const { length } = text;
  if (length < SHORT) {
    for (let i = 0; i < length; i++) if (text.charCodeAt(i) > 0x7f) return utf8Length(text);
    return length;
  }
  const place = length % PLACES;
  // The same text, or one that is equal: either way the size is its own.
  if (texts[place] === text) return sizes[place] as number;
  const size = utf8Length(text);
  noteTextSize(text, size);
  return size;
}

/** Remembers the size of a text. */
export function noteTextSize(text: string, size: number): void {
  if (text.length < SHORT) return;
  const place = text.length % PLACES;
  texts[place] = text;
  sizes[place] = size;
}
