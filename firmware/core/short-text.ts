const loneSurrogates = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/**
 * Somebody's text, fit to be recorded: at most `max` UTF-16 code units, and what is left of a character that was cut in
 * two is replaced by U+FFFD, because a lone surrogate has no canonical form.
 */
export const shortText = (text: string, max: number): string =>
  text.slice(0, max).replace(loneSurrogates, "\ufffd");
