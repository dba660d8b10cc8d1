/** The line by which a cell says that it is a step: `%%step NAME [options]` or `# step: NAME [options]`. */

import { BLANK, LINE_END, stripped } from "./blank";

/** Where a cell says that it is a step. */
export interface Marker {
  /** The step's name as it stands there; empty where the cell takes the first name that it binds. */
  name: string;
  /** What follows `%%step` or `# step:`. */
  text: string;
  /** Index of the marker's line; the first line is 0. */
  line: number;
  /** Whether it is the `%%step` form. */
  magic: boolean;
}

const MAGIC = new RegExp(`^(?<head>%%step)(?=${BLANK}|$)(?<text>[^\\n]*)$`);
const COMMENT = new RegExp(`^(?<head>#${BLANK}*step:)(?<text>[^\\n]*)$`);
const FIRST_WORD = new RegExp(`^(?!-)(?:"[^"]*"|'[^']*'|[^\\s"'])+`);

/** The marker of a cell, by the rule of the kernel; only comments and blank lines may stand above it. */
export function findMarker(source: string): Marker | null {
  const found = locate(source);
  if (found === null) {
    return null;
  }
  const { text, line, magic } = found;
  return { name: nameIn(text), text, line, magic };
}

/** A cell that is a step of a name; one that is a step already is renamed. */
export function withMarker(source: string, name: string, style: "magic" | "comment" = "magic"): string {
  const head = style === "magic" ? "%%step" : "# step:";
  return locate(source) === null ? `${head} ${name}\n${source}` : renamed(source, name);
}

/** A cell without its marker; everything else stays as it is. */
export function withoutMarker(source: string): string {
  const found = locate(source);
  if (found === null) {
    return source;
  }
  const rest = source.slice(found.end);
  return source.slice(0, found.start) + rest.slice(LINE_END.exec(rest)?.[0].length ?? 0);
}

/** A cell whose step has another name; its options and the rest of it stay as they are. */
export function renamed(source: string, name: string): string {
  const found = locate(source);
  if (found === null) {
    return source;
  }
  const old = FIRST_WORD.exec(found.text)?.[0] ?? "";
  if (old === "") {
    return `${source.slice(0, found.headEnd)} ${name}${source.slice(found.headEnd)}`;
  }
  return source.slice(0, found.textStart) + name + source.slice(found.textStart + old.length);
}

interface Place {
  text: string;
  line: number;
  magic: boolean;
  /** Where the marker's line begins. */
  start: number;
  /** Where `%%step` or `# step:` ends. */
  headEnd: number;
  /** Where the text begins. */
  textStart: number;
  /** Where the line ends, before what ends it. */
  end: number;
}

function locate(source: string): Place | null {
  let start = 0;
  for (let line = 0; start <= source.length; line += 1) {
    const ending = LINE_END.exec(source.slice(start));
    const content = ending === null ? source.slice(start) : source.slice(start, start + ending.index);
    const own = stripped(content);
    const match = MAGIC.exec(own) ?? COMMENT.exec(own);
    if (match?.groups !== undefined) {
      const { head = "", text = "" } = match.groups;
      const headEnd = start + content.indexOf(head) + head.length;
      const words = stripped(text);
      const textStart = words === "" ? headEnd : source.indexOf(words, headEnd);
      return { text: words, line, magic: head.startsWith("%"), start, headEnd, textStart, end: start + content.length };
    }
    if ((own !== "" && !own.startsWith("#")) || ending === null) {
      return null;
    }
    start += content.length + ending[0].length;
  }
  return null;
}

function nameIn(text: string): string {
  return (FIRST_WORD.exec(text)?.[0] ?? "").replace(/["']/g, "");
}
