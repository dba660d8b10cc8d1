/** Numbers in words: the same as on the command line. */

const UNITS = [
  ["d", 86400, "h", 3600],
  ["h", 3600, "min", 60],
  ["min", 60, "s", 1],
] as const;

/** `8 ms`, `4.1 s`, `41 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 0.9995) {
    return `${Math.round(Math.max(0, seconds) * 1000)} ms`;
  }
  if (seconds < 9.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  for (const [unit, size, smaller, smallerSize] of UNITS) {
    if (whole >= size) {
      const rest = Math.floor((whole % size) / smallerSize);
      return `${Math.floor(whole / size)} ${unit}${rest ? ` ${rest} ${smaller}` : ""}`;
    }
  }
  return `${whole} s`;
}

/** How long something has been going on: no parts of a second, which only flicker. */
export function elapsed(seconds: number): string {
  return duration(Math.max(0, Math.floor(seconds)))
    .replace(/^0 ms$/, "0 s")
    .replace(/\.0 s$/, " s");
}

/** `512 B`, `4.2 kB`, `31 MB`. */
export function size(bytes: number): string {
  let value = bytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 999.5) {
      return `${unit === "B" || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${unit}`;
    }
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}

/** `just now`, `5 min ago`, `3 h ago`, `2 d ago`; a date where that is clearer. */
export function ago(at: number, now: number): string {
  const past = now - at;
  if (past < 45) {
    return "just now";
  }
  if (past < 3570) {
    return `${Math.max(1, Math.round(past / 60))} min ago`;
  }
  if (past < 84600) {
    return `${Math.round(past / 3600)} h ago`;
  }
  if (past < 14 * 86400) {
    return `${Math.round(past / 86400)} d ago`;
  }
  return moment(at).slice(0, 10);
}

/** `2026-11-23 08:05:23`, where the reader is. */
export function moment(at: number): string {
  const date = new Date(at * 1000);
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `1,204,332`. */
export function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

/** `9,999`, `12 k`, `1.2 M`. */
export function compact(count: number): string {
  if (count < 10_000) {
    return grouped(count);
  }
  const [value, unit] = count < 999_500 ? [count / 1e3, "k"] : [count / 1e6, "M"];
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** `1 step`, `3 steps`. */
export function plural(count: number, word: string): string {
  return `${grouped(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.split(/[\\/]/).pop() || path;
}

const ESCAPES = /\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])/g;
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

/** What a terminal would show: no colours, and of a line written over again only the last. */
export function plainText(text: string): string {
  const lines = text.replace(ESCAPES, "").replace(/\r\n/g, "\n").split("\n");
  return lines
    .map((line) => line.replace(/\r+$/, "").replace(/^.*\r/, ""))
    .join("\n")
    .replace(CONTROL, "\ufffd");
}

/** Text cut in its middle, saying how much is left out. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) {
    return text;
  }
  const half = Math.floor(most / 2);
  const leftOut = grouped(text.length - 2 * half);
  return `${text.slice(0, half)}\n… ${leftOut} characters left out …\n${text.slice(-half)}`;
}
