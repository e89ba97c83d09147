// The house is kept tidy by this test: what a reader may rely upon in every file, checked in every file.

import assert from "node:assert/strict";
import plugin from "../scripts/lint_rooms.ts";
import { placeOf, ROOMS } from "../scripts/rooms.ts";

const ROOT = new URL("../", import.meta.url);
const LONGEST_FILE_LINES = 500;

/** Words that say nothing about what is in a file. */
const EMPTY_WORDS = ["util", "utils", "helper", "helpers", "common", "misc", "shared", "types"];

/** Spelled apart, so that this file does not find itself. */
const LEFTOVERS = new RegExp(
  `\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`,
);

interface SourceFile {
  /** From the root of the project, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

/** All TypeScript files below a directory of the project, in the order of their paths. */
function filesBelow(directory: string): SourceFile[] {
  const files: SourceFile[] = [];
  for (const entry of entriesOf(directory)) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) files.push(...filesBelow(path));
    else if (path.endsWith(".ts")) {
      const text = Deno.readTextFileSync(new URL(path, ROOT));
      files.push({ path, text, lines: text.split("\n") });
    }
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

function entriesOf(directory: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(new URL(directory, ROOT))];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

const source = filesBelow("src");
const tests = filesBelow("tests");
const everything = [...source, ...tests, ...filesBelow("scripts"), ...filesBelow("bench")];

/** Fails with all complaints at once, one a line. */
function assertNone(complaints: readonly string[]): void {
  assert.ok(complaints.length === 0, `\n${complaints.join("\n")}`);
}

function isFile(path: string): boolean {
  return everything.some((file) => file.path === path);
}

Deno.test("there is something to check", () => {
  assert.ok(source.length > 20 && tests.length > 5);
});

Deno.test("every file of src/ keeps the import law and the bans", () => {
  assertNone(source.flatMap(({ path, text }) =>
    Deno.lint.runPlugin(plugin, path, text)
      .filter(({ range }) => !isIgnored(text, range[0]))
      .map(({ message, range }) => `${path}:${lineOf(text, range[0])}: ${message}`)
  ));
});

/** The number of the line in which a place of a text is, from 1. */
function lineOf(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}

/** Whether the line before a place switches a rule off for it; `deno lint` knows which. */
function isIgnored(text: string, at: number): boolean {
  const lines = text.slice(0, at).split("\n");
  return /^\s*\/\/ deno-lint-ignore denamo-rooms\//.test(lines.at(-2) ?? "");
}

Deno.test("every file of src/ begins by saying in a comment what it is for", () => {
  assertNone(
    source
      .filter(({ lines }) => !/^\/\/ \S/.test(lines[0] ?? ""))
      .map(({ path }) => `${path}:1: begins without a header comment`),
  );
});

Deno.test("no file of src/ is too long to be read at once", () => {
  assertNone(
    source
      .filter(({ lines }) => lines.length - 1 > LONGEST_FILE_LINES)
      .map(({ path, lines }) =>
        `${path}: ${
          lines.length - 1
        } lines, limit ${LONGEST_FILE_LINES}; which part has a name of its own?`
      ),
  );
});

Deno.test("files are in snake case and named for what they hold", () => {
  assertNone(everything.flatMap(({ path }) => {
    const complaints: string[] = [];
    const names = path.replace(/\.ts$/, "").split("/");
    for (const name of names) {
      if (!/^[a-z0-9]+(_[a-z0-9]+)*$/.test(name)) complaints.push(`${path}: not in snake case`);
      const empty = name.split("_").find((word) => EMPTY_WORDS.includes(word));
      if (empty !== undefined) complaints.push(`${path}: "${empty}" does not say what is in it`);
    }
    return complaints;
  }));
});

Deno.test("every directory of src/ is a room, and src/README.md has a line for it", () => {
  const directories = entriesOf("src").filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name);
  assertNone(
    directories
      .filter((name) => !ROOMS.some((room) => room === name))
      .map((name) => `src/${name}/: not in the list of scripts/rooms.ts`),
  );
  const map = Deno.readTextFileSync(new URL("src/README.md", ROOT));
  const listed = new Set([...map.matchAll(/^\W*`?([a-z]+)\/`?/gm)].map(([, name]) => name));
  assertNone(
    directories.filter((name) => !listed.has(name))
      .map((name) => `src/README.md: no line begins with ${name}/`),
  );
});

Deno.test("a test in the directory of a room is named for the file or the part that it tests", () => {
  // tests/ring/planner_growth_test.ts may stand beside tests/ring/planner_test.ts: both test planner.ts.
  const isNamed = (path: string) => {
    const words = path.replace(/^tests\//, "src/").replace(/_test\.ts$/, "").split("_");
    for (let length = words.length; length > 0; length--) {
      if (isFile(`${words.slice(0, length).join("_")}.ts`)) return true;
    }
    return false;
  };
  assertNone(
    tests
      .filter(({ path }) => path.endsWith("_test.ts"))
      .filter(({ path }) => placeOf(path.replace(/^tests\//, "src/"))?.room !== undefined)
      .filter(({ path }) => !isNamed(path) && !WHOLE_ROOM_TESTS.has(path))
      .map(({ path }) => `${path}: there is no such file in src/`),
  );
  assertNone(
    [...WHOLE_ROOM_TESTS].filter((path) => !isFile(path)).map((path) =>
      `${path}: is listed and missing`
    ),
  );
});

/** Tests of a room as a whole rather than of one of its files. */
const WHOLE_ROOM_TESTS: ReadonlySet<string> = new Set([
  "tests/doors/resp/real_clients_test.ts",
  "tests/host/exit_test.ts",
  "tests/host/rude_peer_test.ts",
]);

Deno.test("nothing is left for later", () => {
  assertNone(
    everything.flatMap(({ path, lines }) =>
      lines.flatMap((line, i) => LEFTOVERS.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])
    ),
  );
});
