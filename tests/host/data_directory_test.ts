import assert from "node:assert/strict";
import { join } from "node:path";
import {
  DATA_FORMAT_VERSION,
  DataDirectoryError,
  type DataDirectoryOptions,
  type DataDirectoryProblem,
  openDataDirectory,
} from "../../src/host/data_directory.ts";

Deno.test("openDataDirectory() keeps the identity, and says in node.json where the node is", async () => {
  await withTemporaryDirectory(async (parent) => {
    const path = join(parent, "deep", "n1");
    const first = await openDataDirectory(path, options("n1"));
    assert.equal(first.path, path);
    await first.writeNodeFile({
      name: "n1",
      pid: Deno.pid,
      peerId: "12D3",
      p2p: ["/ip4/127.0.0.1/tcp/7101/p2p/12D3"],
      resp: undefined,
      http: "127.0.0.1:7301",
    });
    const written = JSON.parse(await Deno.readTextFile(join(path, "node.json")));
    assert.equal(written.pid, Deno.pid);
    assert.equal(written.http, "127.0.0.1:7301");
    await first.close();
    assert.ok(!await exists(join(path, "node.json")));

    const second = await openDataDirectory(path, {
      ...options("n1"),
      generateIdentity: () => Promise.reject(new Error("there is an identity already")),
    });
    assert.deepEqual(second.identity, first.identity);
    await second.close();
  });
});

Deno.test("the file of kvPath lies in the directory and can be opened by Deno KV", async () => {
  await withTemporaryDirectory(async (path) => {
    const directory = await openDataDirectory(path, options("n1"));
    const kv = await Deno.openKv(directory.kvPath);
    await kv.set(["a"], 1);
    kv.close();
    await directory.close();
    assert.ok(directory.kvPath.startsWith(path));
    assert.ok(await exists(directory.kvPath));
    await (await openDataDirectory(path, options("n1"))).close();
  });
});

Deno.test("the identity is readable for its owner only, and a widened file is narrowed", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await withTemporaryDirectory(async (path) => {
    await (await openDataDirectory(path, options("n1"))).close();
    const file = join(path, "identity");
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    await Deno.chmod(file, 0o644);
    await (await openDataDirectory(path, options("n1"))).close();
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
  });
});

Deno.test("a second opening in the same process is refused until the first is closed", async () => {
  await withTemporaryDirectory(async (path) => {
    const first = await openDataDirectory(path, options("n1"));
    await assertRefused(path, options("n1"), "in_use", `is in use by pid ${Deno.pid}`);
    await first.close();
    await first.close();
    await (await openDataDirectory(path, options("n1"))).close();
  });
});

Deno.test("another process is refused while the first lives, and not after it was killed", async () => {
  await withTemporaryDirectory(async (path) => {
    await using holder = await startHolder(path);
    await assertRefused(path, options("n1"), "in_use", `is in use by pid ${holder.pid}`);
    assert.ok(await exists(join(path, "node.json")));
    holder.kill();
    await holder.ended;
    const directory = await openDataDirectory(path, options("n1"));
    assert.ok(!await exists(join(path, "node.json")), "the killed node's node.json is gone");
    await directory.close();
  });
});

Deno.test("a directory of another node or cluster is refused with both names", async () => {
  await withTemporaryDirectory(async (path) => {
    await (await openDataDirectory(path, options("n1"))).close();
    await assertRefused(path, options("n2"), "foreign", 'belongs to node "n1", not to "n2"');
    await assertRefused(
      path,
      { ...options("n1"), cluster: "shop" },
      "foreign",
      'belongs to cluster "denamo", not to "shop"',
    );
    await (await openDataDirectory(path, options("n1"))).close();
  });
});

Deno.test("a later format is refused with both versions", async () => {
  await withTemporaryDirectory(async (path) => {
    await (await openDataDirectory(path, options("n1"))).close();
    const later = { version: DATA_FORMAT_VERSION + 1, name: { first: "n1" }, cluster: "denamo" };
    await Deno.writeTextFile(join(path, "format.json"), JSON.stringify(later));
    const message = `has format ${DATA_FORMAT_VERSION + 1}, and this Denamo reads only format ` +
      DATA_FORMAT_VERSION;
    await assertRefused(path, options("n1"), "newer_format", message);
  });
});

Deno.test("a directory with files of somebody else is refused and left as it is", async () => {
  await withTemporaryDirectory(async (path) => {
    await Deno.writeTextFile(join(path, "holiday.jpg"), "");
    await assertRefused(path, options("n1"), "foreign", 'it contains "holiday.jpg"');
    assert.deepEqual(Array.from(Deno.readDirSync(path), (entry) => entry.name), ["holiday.jpg"]);
  });
});

Deno.test("what a first start that was killed has left is taken over", async () => {
  await withTemporaryDirectory(async (path) => {
    for (const name of ["lock", "identity", "identity.tmp", "format.json.tmp"]) {
      await Deno.writeTextFile(join(path, name), "half");
    }
    const directory = await openDataDirectory(path, options("n1"));
    assert.deepEqual(directory.identity, IDENTITY);
    await directory.close();
  });
});

Deno.test("a damaged format file and a missing or empty identity are named", async () => {
  await withTemporaryDirectory(async (path) => {
    await (await openDataDirectory(path, options("n1"))).close();
    await Deno.writeFile(join(path, "identity"), new Uint8Array());
    await assertRefused(path, options("n1"), "damaged", "identity is empty");
    await Deno.remove(join(path, "identity"));
    await assertRefused(path, options("n1"), "damaged", "identity is missing");
    for (const text of ["", "[]", '{"version":"1"}', '{"version":0}', "\xff"]) {
      await Deno.writeTextFile(join(path, "format.json"), text);
      await assertRefused(path, options("n1"), "damaged", "file format.json");
    }
  });
});

Deno.test("a path that is a file, or lies below one, is refused", async () => {
  await withTemporaryDirectory(async (parent) => {
    const path = join(parent, "file");
    await Deno.writeTextFile(path, "");
    await assertRefused(path, options("n1"), "unusable", "is not a directory");
    await assertRefused(join(path, "n1"), options("n1"), "unusable", "Cannot create");
  });
});

Deno.test("a directory that cannot be made is refused", async () => {
  // Not even root makes directories here, so the test means the same for everybody.
  await assertRefused("/proc/denamo/n1", options("n1"), "unusable", "/proc/denamo/n1");
});

const IDENTITY = new Uint8Array([8, 1, 18, 2, 0, 255]);

function options(name: string): DataDirectoryOptions {
  return { name, cluster: "denamo", generateIdentity: () => Promise.resolve(IDENTITY.slice()) };
}

async function assertRefused(
  path: string,
  options: DataDirectoryOptions,
  problem: DataDirectoryProblem,
  words: string,
): Promise<void> {
  await assert.rejects(openDataDirectory(path, options), (error) => {
    assert.ok(error instanceof DataDirectoryError, String(error));
    assert.equal(error.problem, problem);
    assert.equal(error.outcome, "no");
    assert.ok(error.message.includes(words), error.message);
    assert.ok(error.message.includes(path), error.message);
    return true;
  });
}

/** A process that holds the directory of n1 until it is killed. */
async function startHolder(path: string) {
  const module = new URL("../../src/host/data_directory.ts", import.meta.url).href;
  const script = `
    import { openDataDirectory } from ${JSON.stringify(module)};
    const directory = await openDataDirectory(${JSON.stringify(path)}, {
      name: "n1", cluster: "denamo", generateIdentity: async () => new Uint8Array([1]),
    });
    await directory.writeNodeFile({
      name: "n1", pid: Deno.pid, peerId: "p", p2p: [], resp: undefined, http: undefined,
    });
    console.log("held");
    setInterval(() => {}, 1000);
  `;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const reader = process.stdout.getReader();
  const first = await reader.read();
  assert.equal(new TextDecoder().decode(first.value).trim(), "held");
  const kill = () => process.kill("SIGKILL");
  let hasEnded = false;
  const ended = process.status.then(() => hasEnded = true);
  return {
    pid: process.pid,
    kill,
    ended,
    async [Symbol.asyncDispose]() {
      if (!hasEnded) kill();
      await ended;
      await reader.cancel();
    },
  };
}

async function withTemporaryDirectory(body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "denamo-data-" });
  try {
    await body(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
