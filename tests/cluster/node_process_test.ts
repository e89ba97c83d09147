import assert from "node:assert/strict";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import { freePortBase } from "./free_ports.ts";
import { DenamoProcess } from "./processes.ts";

Deno.test("denamo node prints one line, writes node.json, and stops cleanly at each signal", async () => {
  const data = await Deno.makeTempDir({ prefix: "denamo-node-" });
  const port = freePortBase(1) + 1;
  try {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      const args = ["node", "--name", "n1", "--data", data, "--http", `127.0.0.1:${port}`];
      await using node = new DenamoProcess(args);
      await node.line(/^node n1 runs at http:\/\/127\.0\.0\.1:\d+ \/ip4\/127\.0\.0\.1\/tcp\//);
      const { pid, resp } = JSON.parse(await Deno.readTextFile(`${data}/node.json`));
      assert.equal(pid, node.pid);
      assert.equal(resp, undefined);
      node.kill(signal);
      node.kill(signal);
      assert.equal(await node.code(), EXIT_CODES.ok, node.err);
      assert.equal(node.outLines.length, 1);
      await assert.rejects(Deno.stat(`${data}/node.json`));
    }
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("denamo node says clearly when its directory or port is taken", async () => {
  const data = await Deno.makeTempDir({ prefix: "denamo-node-" });
  const other = await Deno.makeTempDir({ prefix: "denamo-node-" });
  const port = freePortBase(1) + 1;
  try {
    const args = ["node", "--name", "n1", "--http", `127.0.0.1:${port}`];
    await using first = new DenamoProcess([...args, "--data", data], { stdin: "piped" });
    await first.line(/^node n1 runs at /);
    await using second = new DenamoProcess([...args, "--data", data]);
    assert.equal(await second.code(), EXIT_CODES.cannotRun);
    assert.match(second.err, new RegExp(`Data directory ${data} is in use by pid ${first.pid}`));
    await using third = new DenamoProcess([...args, "--data", other]);
    assert.equal(await third.code(), EXIT_CODES.cannotRun);
    assert.match(third.err, new RegExp(`\\b${port}\\b`));
    await first.closeInput();
    first.kill("SIGTERM");
    assert.equal(await first.code(), EXIT_CODES.ok, first.err);
  } finally {
    await Deno.remove(data, { recursive: true });
    await Deno.remove(other, { recursive: true });
  }
});

Deno.test("denamo node stops when its input ends, if it was told to", async () => {
  const data = await Deno.makeTempDir({ prefix: "denamo-node-" });
  try {
    const args = ["node", "--name", "n1", "--data", data, "--exit-with-stdin"];
    await using node = new DenamoProcess(args, { stdin: "piped" });
    await node.line(/^node n1 runs at /);
    await node.closeInput();
    assert.equal(await node.code(), EXIT_CODES.ok, node.err);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});
