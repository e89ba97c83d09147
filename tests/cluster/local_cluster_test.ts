import assert from "node:assert/strict";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import { freePortBase } from "./free_ports.ts";
import { DenamoProcess, isAlive, pidsIn } from "./processes.ts";
import { waitFor } from "./wait_for.ts";

const NAMES = ["n1", "n2", "n3"];

Deno.test("denamo cluster gets ready, takes a put at one node and a get at another, and stops at SIGINT", async () => {
  await using place = await temporaryPlace();
  const { data, base, args } = place;
  await using cluster = new DenamoProcess(args);
  await cluster.line(/^cluster ready$/);
  assert.deepEqual(cluster.outLines.map((line) => line.split("  ")[0]), [
    ...NAMES,
    "cluster ready",
  ]);
  assert.ok(cluster.outLines[0]!.includes(`http://127.0.0.1:${base + 201}`));
  assert.ok(cluster.outLines[0]!.includes(`/ip4/127.0.0.1/tcp/${base + 1}/p2p/`));
  const node = JSON.parse(await Deno.readTextFile(`${data}/n1/node.json`));
  assert.equal(node.http, `127.0.0.1:${base + 201}`);
  assert.equal(node.resp, `127.0.0.1:${base + 101}`);

  const put = await fetch(`http://127.0.0.1:${base + 201}/kv/greeting`, {
    method: "PUT",
    headers: { "content-type": "text/plain" },
    body: "hello",
  });
  assert.equal(put.status, 204);
  const got = await fetch(`http://127.0.0.1:${base + 203}/kv/greeting`);
  assert.equal(await got.text(), "hello");

  const pids = await pidsIn(data, NAMES);
  cluster.kill("SIGINT");
  cluster.kill("SIGTERM");
  assert.equal(await cluster.code(), EXIT_CODES.ok, cluster.err);
  for (const pid of pids) assert.ok(!isAlive(pid));
  for (const name of NAMES) await assert.rejects(Deno.stat(`${data}/${name}/node.json`));
});

Deno.test("a cluster comes back with its data, and not with another number of nodes", async () => {
  await using place = await temporaryPlace();
  const { base, args } = place;
  const url = `http://127.0.0.1:${base + 201}/kv/k`;
  {
    await using cluster = new DenamoProcess(args);
    await cluster.line(/^cluster ready$/);
    const put = await fetch(url, { method: "PUT", body: new Uint8Array([1, 255]) });
    assert.equal(put.status, 204);
    cluster.kill("SIGTERM");
    assert.equal(await cluster.code(), EXIT_CODES.ok, cluster.err);
  }
  {
    await using other = new DenamoProcess([...args, "--nodes", "5"]);
    assert.equal(await other.code(), EXIT_CODES.usage);
    assert.match(other.err, /holds the data of 3 nodes, not of 5: start with --nodes 3/);
  }
  await using again = new DenamoProcess(args);
  await again.line(/^cluster ready$/);
  assert.equal((await (await fetch(url)).bytes()).toHex(), "01ff");
});

Deno.test("when the cluster's process is killed its nodes end as well", async () => {
  await using place = await temporaryPlace();
  await using cluster = new DenamoProcess(place.args);
  await cluster.line(/^cluster ready$/);
  const pids = await pidsIn(place.data, NAMES);
  for (const pid of pids) assert.ok(isAlive(pid));
  cluster.kill("SIGKILL");
  await waitFor("the end of all nodes", async () => {
    const alive = await Promise.all(pids.map(isAlive));
    return !alive.includes(true);
  });
});

Deno.test("a node that is killed is named with the command that starts it again, and it works", async () => {
  await using place = await temporaryPlace();
  await using cluster = new DenamoProcess(place.args);
  await cluster.line(/^cluster ready$/);
  const [, second] = await pidsIn(place.data, NAMES);
  Deno.kill(second!, "SIGKILL");
  const warning = await waitFor(
    "the warning",
    () => cluster.err.split("\n").find((line) => line.startsWith("Warning: node n2 ")),
  );
  assert.match(
    warning,
    /was killed by SIGKILL; start it again with: deno task denamo node --name n2 /,
  );
  const command = warning.split("deno task denamo ")[1]!;
  await using again = new DenamoProcess(command.split(" "));
  await again.line(/^node n2 runs at /);
  again.kill("SIGTERM");
  assert.equal(await again.code(), EXIT_CODES.ok, again.err);
  cluster.kill("SIGINT");
  assert.equal(await cluster.code(), EXIT_CODES.ok, cluster.err);
});

Deno.test("a port in use is named before anything is started", async () => {
  await using place = await temporaryPlace();
  const { base, data, args } = place;
  using _listener = Deno.listen({ hostname: "127.0.0.1", port: base + 202 });
  await using cluster = new DenamoProcess(args);
  assert.equal(await cluster.code(), EXIT_CODES.cannotRun);
  assert.match(cluster.err, new RegExp(`^Port ${base + 202} \\(http of n2\\) is in use`));
  await assert.rejects(Deno.stat(`${data}/n1`));
});

Deno.test("a node that dies during the start ends the whole start, with its last words", async () => {
  await using place = await temporaryPlace();
  const { data, args } = place;
  await Deno.mkdir(`${data}/n2`, { recursive: true });
  await Deno.writeTextFile(`${data}/n2/holiday.jpg`, "");
  await Deno.writeTextFile(`${data}/cluster.json`, '{"version":1,"nodes":3}');
  await using cluster = new DenamoProcess(args);
  assert.equal(await cluster.code(), EXIT_CODES.cannotRun);
  assert.match(
    cluster.err,
    /Node n2 ended with code 7 while the cluster started:\n.*"holiday.jpg"/,
  );
});

/** A directory and ports for one cluster of three nodes. */
async function temporaryPlace() {
  const data = await Deno.makeTempDir({ prefix: "denamo-cluster-" });
  const base = freePortBase(NAMES.length);
  return {
    data,
    base,
    args: ["cluster", "--data", data, "--port-base", String(base)],
    [Symbol.asyncDispose]: () => Deno.remove(data, { recursive: true }),
  };
}
