import assert from "node:assert/strict";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import type { NamespacesView, NamespaceView } from "../../src/node/api.ts";
import { problemResponse, startFakeNodeServer } from "./fake_node_server.ts";
import { run } from "./fake_terminal.ts";

const DEFAULTS = {
  n: 3,
  r: "quorum",
  w: "quorum",
  strict: false,
  timeoutMs: 5_000,
  conflicts: "siblings",
} as NamespaceView["inForce"];

const CART: NamespaceView = {
  prefix: "cart:",
  source: "set",
  setAtMs: Date.UTC(2026, 0, 2),
  setBy: "n2",
  settings: { w: "all", ttlMs: 3_600_000 },
  inForce: { ...DEFAULTS, w: "all", ttlMs: 3_600_000 },
};

const LOG: NamespaceView = {
  prefix: "log:",
  source: "config",
  setAtMs: undefined,
  setBy: undefined,
  settings: { n: 2, conflicts: "lww" },
  inForce: { ...DEFAULTS, n: 2, conflicts: "lww" },
};

const ALL: NamespacesView = { defaults: DEFAULTS, namespaces: [CART, LOG], differing: [] };

Deno.test("namespace list shows what is in force, the defaults first, and who knows something else", async () => {
  let view = ALL;
  await using node = startFakeNodeServer(() => Response.json(view));
  const list = (...args: string[]) => run(["namespace", "list", ...args, "--url", node.url]);
  const table =
    "PREFIX      N  R       W       STRICT  CONFLICTS  TTL  TIMEOUT  COMPRESS  SOURCE\n" +
    "(defaults)  3  quorum  quorum  no      siblings   -    5 s      no        config\n" +
    '"cart:"     3  quorum  all     no      siblings   1 h  5 s      no        set\n' +
    '"log:"      2  quorum  quorum  no      lww        -    5 s      no        config\n';
  assert.deepEqual([(await list()).outText, node.asked[0]!.target], [table, "/namespaces"]);
  view = { ...ALL, differing: ["n3"] };
  const { code, outText } = await list();
  assert.equal(outText, `${table}\nNot known everywhere yet: n3 last told other settings\n`);
  assert.equal(code, EXIT_CODES.ok);
  assert.deepEqual(JSON.parse((await list("--json")).outText), JSON.parse(JSON.stringify(view)));
});

Deno.test("namespace show tells of one namespace, and exits with 1 if there is none", async () => {
  await using node = startFakeNodeServer(() => Response.json(ALL));
  const show = (...args: string[]) => run(["namespace", "show", ...args, "--url", node.url]);
  const { code, outText } = await show("cart:");
  assert.equal(code, EXIT_CODES.ok);
  assert.match(outText, /^ttl +1 h$/m);
  assert.match(outText, /^source +set at n2, 2026-01-02T00:00:00.000Z$/m);
  assert.match((await show("log:")).outText, /^source +configuration of the nodes$/m);
  const none = await show("other");
  assert.deepEqual([none.code, none.err], [
    EXIT_CODES.notFound,
    'There is no namespace "other"\n',
  ]);
});

Deno.test("namespace set sends what is given, and only that", async () => {
  await using node = startFakeNodeServer(() => Response.json(CART));
  const set = (...args: string[]) => run(["namespace", "set", ...args, "--url", node.url]);
  const sent = () => {
    const { body, method, target } = node.asked.at(-1)!;
    return [method, target, JSON.parse(new TextDecoder().decode(body))];
  };
  const all = ["--n", "3", "--r", "one", "--w", "2", "--strict", "--conflicts", "lww"];
  const { code, outText } = await set("a b/ü", ...all, "--ttl", "1h", "--timeout-ms", "900");
  assert.equal(code, EXIT_CODES.ok);
  assert.match(outText, /^prefix +"cart:"$/m);
  assert.deepEqual(sent(), ["PUT", "/namespaces/a%20b%2F%C3%BC", {
    n: 3,
    r: "one",
    w: 2,
    strict: true,
    timeoutMs: 900,
    conflicts: "lww",
    ttlMs: 3_600_000,
  }]);
  await set("cart:", "--no-strict");
  assert.deepEqual(sent()[2], { strict: false });
  await set("cart:", "--ttl", "2d");
  assert.deepEqual(sent()[2], { ttlMs: 172_800_000 });
  const count = node.asked.length;
  for (const bad of [[], ["--w", "most"], ["--ttl", "soon"], ["--n", "x"]]) {
    assert.equal((await set("cart:", ...bad)).code, EXIT_CODES.usage, bad.join(" "));
  }
  assert.equal((await set("", "--n", "3")).code, EXIT_CODES.usage);
  assert.equal(node.asked.length, count);
});

Deno.test("namespace set shows the mistakes that the node has found", async () => {
  const detail = 'Cannot set namespace "p": n is 0, but must be a whole number from 1 to 16';
  const problem = { status: 400, code: "bad_request", outcome: "no", detail };
  await using node = startFakeNodeServer(() => problemResponse(problem));
  const { code, err } = await run(["namespace", "set", "p", "--n", "0", "--url", node.url]);
  assert.deepEqual([code, err], [EXIT_CODES.usage, `${detail}\n`]);
});

Deno.test("namespace remove says whether anything was set", async () => {
  let existed = true;
  await using node = startFakeNodeServer(() => Response.json({ existed }));
  const remove = (...args: string[]) => run(["namespace", "remove", ...args, "--url", node.url]);
  const done = await remove("cart:");
  assert.deepEqual([done.code, done.outText], [EXIT_CODES.ok, 'Removed "cart:"\n']);
  assert.deepEqual([node.asked[0]!.method, node.asked[0]!.target], [
    "DELETE",
    "/namespaces/cart%3A",
  ]);
  existed = false;
  assert.equal((await remove("cart:")).code, EXIT_CODES.notFound);
  assert.deepEqual(JSON.parse((await remove("cart:", "--json")).outText), { existed: false });
});
