// How things look to people: aligned tables, durations, quoted keys.

import { strictUtf8Text } from "../base/bytes.ts";

/** Columns of texts, aligned; numbers to the right if `rightAligned` names the column. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly string[] = [],
): string {
  const widths = header.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? "")].map((cell) => [...cell].length))
  );
  const line = (cells: readonly string[]) =>
    header.map((title, column) => {
      const cell = cells[column] ?? "";
      const padding = " ".repeat(widths[column]! - [...cell].length);
      return rightAligned.includes(title) ? padding + cell : cell + padding;
    }).join("  ").trimEnd();
  return [header.map((title) => title.toUpperCase()), ...rows].map(line).join("\n") + "\n";
}

/** Names and values below each other, aligned. */
export function facts(entries: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

/** JSON as every command with `--json` prints it. */
export function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2) + "\n";
}

/** The two largest units of a duration in milliseconds: `3 min 12 s`. */
export function duration(ms: number): string {
  const units = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1_000]] as const;
  const first = units.findIndex(([, size]) => ms >= size);
  if (first < 0) return `${Math.round(ms)} ms`;
  const [name, size] = units[first]!;
  const whole = `${Math.floor(ms / size)} ${name}`;
  const next = units[first + 1];
  const rest = next === undefined ? 0 : Math.floor((ms % size) / next[1]);
  return rest === 0 ? whole : `${whole} ${rest} ${next![0]}`;
}

/** A number of bytes in its largest unit: `1.5 KiB`. */
export function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  let value = bytes;
  for (; value >= 1024 && at < units.length - 1; at++) value /= 1024;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[at]}`;
}

/** n2 comes before n10. */
export function compareNames(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** A count with its noun, which takes an s. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A text on one line that can be told from all others: as it is if it is plain, else as JSON. */
export function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  const hasSpecial = /[\u0000-\u001f\u007f-\u009f"]|^base64:/.test(text);
  const isPlain = text !== "" && !hasSpecial && text.trim() === text;
  return isPlain ? text : JSON.stringify(text);
}

/** Bytes on one line: their text, or `base64:…` where they are no UTF-8. */
export function oneLineBytes(bytes: Uint8Array): string {
  const text = strictUtf8Text(bytes);
  return text === undefined ? `base64:${bytes.toBase64()}` : oneLine(text);
}

/** A word for a POSIX shell. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
