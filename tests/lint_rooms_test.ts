import assert from "node:assert/strict";
import plugin from "../scripts/lint_rooms.ts";
import { importProblem, ROOMS } from "../scripts/rooms.ts";

/** The messages about a source in a file, each with the rule and what it points at. */
function lint(path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, path, source).map(({ id, message, range }) => {
    return `${id.slice("denamo-rooms/".length)} ${source.slice(...range)}: ${message}`;
  });
}

Deno.test("the plugin names what a room above host/ may not use, and what to use instead", () => {
  assert.deepEqual(lint("src/replica/a.ts", "const at = Date.now();"), [
    "pure Date: Nothing above host/ may name Date: use clock.now() of ports/clock.ts",
  ]);
  assert.deepEqual(lint("src/host/a.ts", "const at = Date.now();"), []);
  assert.deepEqual(lint("tests/replica/a_test.ts", "const at = Date.now();"), []);
});

Deno.test("the plugin finds banned globals wherever they stand", () => {
  const bad = [
    "Deno.exit()",
    "let key: Deno.KvKey",
    "let at: Date",
    "new Date()",
    "performance.now()",
    "Math.random()",
    'Math["random"]()',
    "const { random } = Math",
    "setTimeout(() => {}, 1)",
    "setInterval(() => {}, 1)",
    "setImmediate(() => {})",
    "queueMicrotask(() => {})",
    "crypto.subtle",
    "console.log(1)",
    "await fetch(url)",
    "const all = { fetch }",
    "const all = { [Date]: 1 }",
    "const of = options ?? performance",
    "globalThis.Date",
    "type Clock = typeof performance",
    "AbortSignal.timeout(5)",
    "process.env",
    "new WeakRef(node)",
  ];
  for (const source of bad) {
    const found = lint("src/coordinator/writes.ts", source);
    assert.equal(found.length, 1, `${source}: ${found.join("; ")}`);
    assert.match(found[0]!, /^pure .*: Nothing above host\/ may name /);
  }
});

Deno.test("the plugin leaves members and properties that merely share a banned name", () => {
  const good = [
    "options.fetch(url)",
    "const port = { console: 1, crypto() {} }",
    "interface Port { fetch(): void; performance: number }",
    "class Port { Date = 1; get console() { return 1; } static fetch() {} }",
    "enum Kind { Date }",
    "Math.floor(random.uint32())",
    "const { floor } = Math",
    "let kind: Api.Date",
    "Date: for (;;) break Date;",
    "AbortSignal.any([])",
  ];
  for (const source of good) assert.deepEqual(lint("src/coordinator/writes.ts", source), []);
});

Deno.test("the plugin refuses the keyword private and default exports in all of src/", () => {
  const found = lint(
    "src/doors/http/a.ts",
    "export default class A { private x = 1; private f() {} constructor(private y: number) {} }",
  );
  assert.deepEqual(found.map((line) => line.split(":")[0]!.split(" ")[0]).sort(), [
    "hash-private",
    "hash-private",
    "hash-private",
    "named-exports",
  ]);
  assert.match(lint("src/cli/a.ts", "class A { private x = 1 }")[0]!, /write #name/);
  assert.match(lint("src/cli/a.ts", "class A { protected x = 1 }")[0]!, /keyword protected/);
  assert.deepEqual(lint("src/cli/a.ts", "export class A { #x = 1; public y = 2 }"), []);
  const factory = "export class A { private constructor(readonly y: number) {} }";
  assert.deepEqual(lint("src/cli/a.ts", factory), []);
  assert.deepEqual(lint("scripts/a.ts", "export default class A { private x = 1 }"), []);
});

Deno.test("the plugin sees every way to import", () => {
  const bad = [
    'import { a } from "../node/node.ts";',
    'import type { A } from "../node/node.ts";',
    'import "../node/node.ts";',
    'export * from "../node/node.ts";',
    'export { a } from "../node/node.ts";',
    'const a = await import("../node/node.ts");',
    'let a: import("../node/node.ts").A;',
  ];
  for (const source of bad) {
    const found = lint("src/ring/planner.ts", source);
    assert.equal(found.length, 1, source);
    assert.match(found[0]!, /^imports .*: Room ring\/ may not import node\/, which is below it/);
  }
  assert.match(lint("src/ring/a.ts", "await import(name)")[0]!, /must name its module/);
  assert.deepEqual(lint("src/ring/a.ts", 'export { a } from "./planner.ts"; export { b };'), []);
});

Deno.test("the plugin finds its files by their absolute paths too", () => {
  const root = decodeURIComponent(new URL("..", import.meta.url).pathname);
  assert.equal(lint(`${root}src/ring/a.ts`, "fetch(url)").length, 1);
  assert.equal(lint(`${root}bench/a.ts`, "fetch(url)").length, 0);
  assert.equal(lint("/elsewhere/src/ring/a.ts", "fetch(url)").length, 0);
});

Deno.test("importProblem() lets a room import exactly those before it", () => {
  const inner = ROOMS.slice(0, ROOMS.indexOf("host") + 1);
  for (const from of inner) {
    for (const to of inner) {
      const isAllowed = ROOMS.indexOf(to) <= ROOMS.indexOf(from);
      const problem = importProblem(`src/${from}/a.ts`, `../${to}/b.ts`);
      assert.equal(problem === undefined, isAllowed, `${from} to ${to}: ${problem}`);
    }
  }
  assert.equal(importProblem("src/doors/http/a.ts", "./b.ts"), undefined);
  assert.equal(importProblem("src/doors/http/a.ts", "../error_table.ts"), undefined);
});

Deno.test("importProblem() lets doors, client and commands reach a node through its interface only", () => {
  for (const from of ["doors", "client", "cli"]) {
    const problem = (target: string) => importProblem(`src/${from}/a.ts`, `../${target}`);
    for (const target of ["node/api.ts", "wire/errors.ts", "crdt/value.ts", "base/bytes.ts"]) {
      assert.equal(problem(target), undefined);
    }
    for (
      const target of ["node/node.ts", "crdt/data_object.ts", "storage/a.ts", "membership/a.ts"]
    ) {
      assert.match(problem(target)!, /it reaches a node through/);
    }
    assert.equal(problem("mod.ts") === undefined, from === "cli");
    assert.notEqual(problem("start_node.ts"), undefined);
    assert.equal(problem("host/system_clock.ts") === undefined, from === "cli");
  }
});

Deno.test("importProblem() lets mod.ts and start_node.ts join everything, and no other file", () => {
  for (const file of ["mod.ts", "start_node.ts"]) {
    for (const room of ROOMS) {
      assert.equal(importProblem(`src/${file}`, `./${room}/a.ts`), undefined);
    }
    assert.equal(importProblem(`src/${file}`, "./start_node.ts"), undefined);
  }
  assert.match(importProblem("src/stray.ts", "./base/a.ts")!, /File src\/stray\.ts is in no room/);
  assert.match(importProblem("src/stray/a.ts", "../base/a.ts")!, /is in no room/);
  assert.match(importProblem("src/base/a.ts", "../mod.ts")!, /may not import src\/mod.ts/);
  assert.match(importProblem("src/cli/a.ts", "../../tests/a.ts")!, /tests\/a\.ts is outside/);
  assert.equal(importProblem("tests/base/a_test.ts", "../../src/cli/a.ts"), undefined);
});

Deno.test("importProblem() keeps libp2p in host/ and packages that touch the machine out of the middle", () => {
  for (const name of ["@msgpack/msgpack", "@noble/hashes/hmac.js", "npm:valibot", "xxhash-wasm"]) {
    assert.equal(importProblem("src/wire/a.ts", name), undefined);
  }
  for (const name of ["node:zlib", "npm:valibot-extra", "hono", "jsr:@std/assert"]) {
    assert.match(importProblem("src/wire/a.ts", name)!, /above host\/ only @msgpack\/msgpack, /);
    assert.equal(importProblem("src/doors/a.ts", name), undefined);
  }
  for (const name of ["libp2p", "npm:libp2p@3", "@libp2p/tcp", "@multiformats/multiaddr"]) {
    assert.equal(importProblem("src/host/a.ts", name), undefined);
    for (const room of ["wire", "doors", "cli"]) {
      assert.match(importProblem(`src/${room}/a.ts`, name)!, /Only host\/ may import/);
    }
  }
});
