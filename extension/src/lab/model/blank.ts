/** What Python takes for white space and for the end of a line; JavaScript sees both otherwise. */

/** One character of white space, for a regular expression. */
export const BLANK = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

/** What ends a line. */
export const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

const BEFORE = new RegExp(`^${BLANK}+`);
const AFTER = new RegExp(`${BLANK}+$`);

/** As `str.strip()`. */
export function stripped(text: string): string {
  return strippedRight(text.replace(BEFORE, ""));
}

/** As `str.rstrip()`. */
export function strippedRight(text: string): string {
  return text.replace(AFTER, "");
}
