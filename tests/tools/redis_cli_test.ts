import assert from "node:assert/strict";
import { type Surroundings, withDoor } from "../doors/resp/raw_client.ts";

Deno.test("redis-cli reads and writes", () =>
  withDoor(async (surroundings) => {
    assert.equal(await redisCli(surroundings, ["SET", "k", "v w"]), "OK\n");
    assert.equal(await redisCli(surroundings, ["GET", "k"]), "v w\n");
    assert.equal(await redisCli(surroundings, ["-3", "--no-raw", "GET", "none"]), "(nil)\n");
    assert.match(
      await redisCli(surroundings, ["-3", "--no-raw", "DN.GET", "k"]),
      /^1# "value" => "v w"\n2# "siblings" => 1\) "v w"\n3# "context" => "[\w-]+"\n$/,
    );
    assert.equal(await redisCli(surroundings, ["--scan", "--pattern", "k*"]), "k\n");
    assert.match(await redisCli(surroundings, ["INFO", "denamo"]), /node:n1/);
    assert.match(await redisCli(surroundings, ["--bigkeys"]), /Biggest string found '"k"' has 3/);
    assert.match(await redisCli(surroundings, ["--pipe"], "SET p q\r\n"), /replies: 1/);
  }));

Deno.test("redis-cli reads commands line by line, and asks for their documentation", () =>
  withDoor(async (surroundings) => {
    const printed = await redisCli(surroundings, [], "SET k 1\nAPPEND k 2\nHELP GET\nGET k\n");
    assert.match(printed, /^OK\nUNSUPPORTED APPEND is not supported: .* \(outcome: no\)\n/);
    assert.match(printed, /summary:.* Get the value of a key\r?\n/);
    assert.match(printed, /\n1\n$/);
  }));

Deno.test("redis-cli --stat shows memory, clients and requests", () =>
  withDoor(async ({ door, connect }) => {
    await (await connect()).call("SET k v");
    const child = new Deno.Command("redis-cli", {
      args: ["-h", "127.0.0.1", "-p", String(door.port), "--stat", "-i", "0.05"],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let printed = "";
    // Keys, memory in use, the three clients, none blocked, requests and how many more, connections.
    const figures = /\n0 +\d+\.\d\d[KMG] +3 +0 +\d+ \(\+\d+\) +3 *\n/;
    try {
      for await (const chunk of child.stdout.values({ preventCancel: true })) {
        printed += new TextDecoder().decode(chunk);
        if (figures.test(printed) || printed.length > 10_000) break;
      }
    } finally {
      child.kill();
      await child.stdout.cancel();
      await child.status;
    }
    assert.match(printed, figures);
  }));

/** What redis-cli prints for these arguments. */
async function redisCli(
  { door }: Surroundings,
  words: readonly string[],
  input?: string,
): Promise<string> {
  let child;
  try {
    child = new Deno.Command("redis-cli", {
      args: ["-h", "127.0.0.1", "-p", String(door.port), ...words],
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("redis-cli is missing: install the package redis-tools", { cause: error });
  }
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const problem = new TextDecoder().decode(stderr);
  assert.equal(code, 0, `redis-cli ${words.join(" ")}: ${problem}`);
  return new TextDecoder().decode(stdout);
}
