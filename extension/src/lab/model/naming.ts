/** A name for a step, found without a kernel: a rule of thumb that a person corrects. */

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from global " +
    "if import in is lambda nonlocal not or pass raise return try while with yield match case type"
  ).split(" "),
);
const WORD = "[\\p{L}_][\\p{L}\\p{N}_]*";
/** What gives a name its value at the left edge of a line: `df = …`, `df, n = …`, `df: Frame = …`, `df += …`. */
const BOUND = new RegExp(
  `^(${WORD})(?:\\s*,\\s*${WORD})*\\s*(?::[^=\\n]+)?(?:[-+*/%&|^@]|//|\\*\\*|<<|>>)?=(?!=)`,
  "u",
);
const DEFINED = new RegExp(`^(?:async\\s+)?(?:def|class)\\s+(${WORD})`, "u");
const COMMENT = /^#+\s*(.+)$/;
const LONGEST = 30;
const FALLBACK = "step";

/** A name for the step that a cell is to be: by what it binds first, or by its comment. */
export function nameFor(source: string, taken: readonly string[]): string {
  const lines = source.split(/\r\n|\r|\n/);
  const bound = lines.flatMap((line) => (BOUND.exec(line) ?? DEFINED.exec(line))?.[1] ?? []);
  const first = bound.find((name) => !KEYWORDS.has(name));
  return free(first ?? fromComment(lines) ?? FALLBACK, taken);
}

/** Why a name can be none of a step; empty where it can. */
export function wrongName(name: string, taken: readonly string[]): string {
  if (!new RegExp(`^${WORD}$`, "u").test(name) || KEYWORDS.has(name)) {
    return `${JSON.stringify(name)} is no name that Python knows: use letters, digits and _`;
  }
  return taken.includes(name) ? `Another cell of this notebook is the step ${name}` : "";
}

/** Whether a cell begins with a magic of its own, and so can be no step. */
export function cellMagic(source: string): string {
  const first = source.split(/\r\n|\r|\n/).find((line) => line.trim() !== "" && !line.trim().startsWith("#"));
  const magic = /^%%\S+/.exec(first ?? "")?.[0] ?? "";
  return magic === "%%step" ? "" : magic;
}

function fromComment(lines: readonly string[]): string | undefined {
  const said = lines.map((line) => COMMENT.exec(line.trim())?.[1]).find((text) => text !== undefined);
  const words = (said ?? "").toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
  let name = "";
  for (const word of words) {
    const longer = name === "" ? word : `${name}_${word}`;
    if (longer.length > LONGEST) {
      break;
    }
    name = longer;
  }
  return wrongName(name, []) === "" ? name : undefined;
}

function free(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) {
    return name;
  }
  for (let number = 2; ; number += 1) {
    const other = `${name}_${number}`;
    if (!taken.includes(other)) {
      return other;
    }
  }
}
