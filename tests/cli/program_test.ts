import assert from "node:assert/strict";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import { startFakeNodeServer } from "./fake_node_server.ts";
import { run } from "./fake_terminal.ts";

Deno.test("help names every command and every exit code", async () => {
  const { code, outText } = await run(["--help"]);
  assert.equal(code, EXIT_CODES.ok);
  for (
    const name of "get put delete list status members ring layout hints repair node cluster".split(
      " ",
    )
  ) {
    assert.match(outText, new RegExp(`^  ${name} `, "m"));
  }
  for (const exitCode of Object.values(EXIT_CODES)) {
    assert.match(outText, new RegExp(`^  ${exitCode} +[a-z]`, "m"));
  }
  const nothing = await run([]);
  assert.equal(nothing.code, EXIT_CODES.usage);
  assert.match(nothing.err, /^Usage: denamo/);
});

Deno.test("node and cluster list every mistake of their options and start nothing", async () => {
  const node = await run(["node", "--weight", "heavy", "--http", "x", "--colour"], {
    environment: { DENAMO_ZONE: "a/b/c" },
  });
  assert.equal(node.code, EXIT_CODES.usage);
  assert.match(node.err, /^The configuration has 5 mistakes:\n/);
  for (const name of ["--weight", "--http", "--colour", "DENAMO_ZONE", "--name"]) {
    assert.match(node.err, new RegExp(`^  ${name} `, "m"));
  }
  const cluster = await run(["cluster", "--nodes", "0"]);
  assert.equal(cluster.code, EXIT_CODES.usage);
  assert.match(cluster.err, /--nodes is 0, but must be a whole number from 1 to 64/);
});

Deno.test("a reader that goes away ends a long list without error and without a trace", async () => {
  const keys = Array.from({ length: 1000 }, (_, index) => ({ key: `${index}`.padEnd(500, "x") }));
  await using node = startFakeNodeServer(() => Response.json({ keys, cursor: "endless" }));
  const process = spawnProgram(["list", "--all", "--url", node.url]);
  const reader = process.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const [{ code }, err] = await Promise.all([process.status, textOf(process.stderr)]);
  assert.deepEqual([code, err], [EXIT_CODES.ok, ""]);
});

Deno.test("the process gives its exit code and takes relative paths from where the user stands", async () => {
  await using node = startFakeNodeServer(() => new Response(null, { status: 204 }));
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/value.txt`, "v");
    const args = ["put", "k", "--file", "value.txt", "--url", node.url];
    const there = spawnProgram(args, { INIT_CWD: directory });
    const [{ code }, err] = await Promise.all([there.status, textOf(there.stderr)]);
    assert.deepEqual([code, err], [EXIT_CODES.ok, ""]);
    await there.stdout.cancel();
    const elsewhere = spawnProgram(args, { INIT_CWD: "/" });
    const [end, text] = await Promise.all([elsewhere.status, textOf(elsewhere.stderr)]);
    assert.equal(end.code, EXIT_CODES.usage);
    assert.match(text, /Cannot read value.txt/);
    await elsewhere.stdout.cancel();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a proxy in the environment does not keep commands from a node on this machine", async () => {
  await using node = startFakeNodeServer(() => new Response(null, { status: 204 }));
  const nowhere = "http://127.0.0.1:9";
  const env = { http_proxy: nowhere, HTTP_PROXY: nowhere, ALL_PROXY: nowhere };
  const process = spawnProgram(["put", "k", "v", "--url", node.url], env);
  const [{ code }, err] = await Promise.all([process.status, textOf(process.stderr)]);
  await process.stdout.cancel();
  assert.deepEqual([code, err], [EXIT_CODES.ok, ""]);
});

function spawnProgram(
  args: readonly string[],
  env: Record<string, string> = {},
): Deno.ChildProcess {
  const main = new URL("../../src/cli/main.ts", import.meta.url).href;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", main, ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

function textOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  return new Response(stream).text();
}
