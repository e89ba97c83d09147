import assert from "node:assert/strict";
import { membersText } from "../../src/cli/cluster_view_commands.ts";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import type { MemberView, NodeStatus, RingView } from "../../src/node/api.ts";
import { problemResponse, startFakeNodeServer } from "./fake_node_server.ts";
import { run } from "./fake_terminal.ts";

const STATUS: NodeStatus = {
  node: "n1",
  peerId: "12D3n1",
  cluster: "denamo",
  version: "0.1.0",
  zone: "dc1/rack1",
  uptimeMs: 192_000,
  isReady: true,
  notReadyBecause: undefined,
  layoutVersion: 1,
  layoutId: "1-abc",
  membersUp: 2,
  membersKnown: 3,
  addresses: ["/ip4/127.0.0.1/tcp/7101/p2p/12D3n1", "/ip4/10.0.0.1/tcp/7101/p2p/12D3n1"],
  http: "127.0.0.1:7301",
  resp: undefined,
};

const RING: RingView = {
  version: 1,
  id: "1-abc",
  partitions: 1024,
  replication: 3,
  members: [
    { node: "n10", zone: "dc1/r2", weight: 2.5, partitions: 700, load: 1.0254 },
    { node: "n2", zone: "dc1/r1", weight: 1, partitions: 324, load: 0.98 },
  ],
};

Deno.test("status shows a node as facts, or as the JSON that it is", async () => {
  await using node = startFakeNodeServer(() => Response.json(STATUS));
  const { code, outText } = await run(["status", "--url", node.url]);
  assert.equal(code, EXIT_CODES.ok);
  assert.match(outText, /^node {7}n1\ncluster {4}denamo\nready {6}yes\nmembers {4}2 of 3 up\n/);
  assert.match(outText, /\nuptime {5}3 min 12 s\n/);
  assert.match(outText, /\naddresses {2}\/ip4\/127.*\n {11}\/ip4\/10\./);
  const asJson = await run(["status", "--json", "--url", node.url]);
  assert.deepEqual(JSON.parse(asJson.outText), JSON.parse(JSON.stringify(STATUS)));
});

Deno.test("status says why a node is not ready", async () => {
  const status = { ...STATUS, isReady: false, notReadyBecause: "There is no layout yet" };
  await using node = startFakeNodeServer(() => Response.json(status));
  const { outText } = await run(["status", "--url", node.url]);
  assert.match(outText, /ready {6}no: There is no layout yet\n/);
});

Deno.test("members is a table in the order of the names, n2 before n10", async () => {
  const lost = "its heartbeats have stopped";
  const gone = { state: "down", phi: 12.34, isConnected: false, because: lost } as const;
  const members = [member("n10", gone), member("n2", { isSelf: true })];
  await using node = startFakeNodeServer(() => Response.json({ members }));
  const { outText } = await run(["members", "--url", node.url]);
  assert.equal(
    outText,
    "NODE  STATE         FOR   PHI  ZONE       WEIGHT  IN RING  LAYOUT  DISK  HTTP            RESP  ADDRESS               BECAUSE\n" +
      "n2 *  up     1 min 12 s   0.1  dc1/rack1       1  yes           1  ok    127.0.0.1:7301  -     /ip4/127.0.0.1/tcp/1  its heartbeats arrive\n" +
      "n10   down   1 min 12 s  12.3  dc1/rack1       1  yes           1  ok    127.0.0.1:7301  -     /ip4/127.0.0.1/tcp/1  its heartbeats have stopped, it is not connected\n",
  );
  assert.equal(node.asked[0]!.target, "/cluster/members");
});

Deno.test("members tells of those that are not up what each source says, and for how long", async () => {
  const sources = [
    { source: "heartbeats", says: "its heartbeats have stopped", forMs: 6_000 },
    { source: "probes", says: "n4 reaches it, we do not", forMs: 2_000 },
  ] as const;
  const members = [member("n10", { state: "suspect", sources }), member("n2", { sources })];
  await using node = startFakeNodeServer(() => Response.json({ members }));
  const { outText } = await run(["members", "--url", node.url]);
  assert.equal(
    outText.slice(outText.indexOf("\n\n")),
    "\n\nn10 is suspect\n" +
      "  heartbeats  its heartbeats have stopped (6 s)\n" +
      "  probes      n4 reaches it, we do not (2 s)\n",
  );
});

Deno.test("ring shows the shares, ring KEY where the key lives", async () => {
  const placement = { partition: 7, owners: ["n2", "n10"], fallbacks: [] };
  await using node = startFakeNodeServer(({ target }) =>
    Response.json(target.includes("key=") ? { ...RING, placement } : RING)
  );
  const shares = await run(["ring", "--url", node.url]);
  assert.equal(
    shares.outText,
    "Layout 1 (1-abc): 1024 partitions, 3 copies of each\n\n" +
      "NODE  ZONE    WEIGHT  PARTITIONS  OF FAIR SHARE\n" +
      "n2    dc1/r1       1         324         98.0 %\n" +
      "n10   dc1/r2     2.5         700        102.5 %\n",
  );
  const place = await run(["ring", "cart alice", "--url", node.url]);
  assert.equal(
    place.outText,
    "key        cart alice\npartition  7\nowners     n2, n10\nfallbacks  -\n",
  );
  assert.equal(node.asked[1]!.target, "/cluster/ring?key=cart%20alice");
});

Deno.test("layout init sends the members and shows the layout", async () => {
  await using node = startFakeNodeServer(() => Response.json(RING, { status: 201 }));
  const { code, outText } = await run([
    "layout",
    "init",
    "--members",
    "n2, n10",
    "--url",
    node.url,
  ]);
  assert.equal(code, EXIT_CODES.ok);
  assert.match(outText, /^Layout 1 /);
  const [asked] = node.asked;
  assert.deepEqual([asked!.method, asked!.target], ["POST", "/cluster/layout"]);
  assert.equal(asked!.headers.get("content-type"), "application/json");
  assert.deepEqual(JSON.parse(new TextDecoder().decode(asked!.body)), { members: ["n2", "n10"] });
});

Deno.test("layout init --force says so to the node", async () => {
  await using node = startFakeNodeServer(() => Response.json(RING, { status: 201 }));
  const { code } = await run(["layout", "init", "--members", "n2", "--force", "--url", node.url]);
  assert.equal(code, EXIT_CODES.ok);
  const body = JSON.parse(new TextDecoder().decode(node.asked[0]!.body));
  assert.deepEqual(body, { members: ["n2"], force: true });
});

Deno.test("members shows layouts by their ids where there are several, and nothing of nodes never heard of", () => {
  const [n1, n2, n3] = [
    member("n1", { layoutId: "1-aa" }),
    member("n2", { layoutId: "1-bb", state: "down", isConnected: false }),
    member("n3", {
      layoutId: undefined,
      layoutVersion: 0,
      state: "down",
      disk: undefined,
      because: "it was never heard of",
    }),
  ];
  const [header, ...rows] = membersText([n1!, n2!, n3!]).split("\n");
  const cells = (line: string) => line.split(/  +/);
  const at = (name: string) => cells(header!).indexOf(name);
  assert.deepEqual(rows.slice(0, 3).map((row) => cells(row)[at("LAYOUT")]), ["1-aa", "1-bb", "?"]);
  assert.deepEqual(rows.slice(0, 3).map((row) => cells(row)[at("DISK")]), ["ok", "ok", "?"]);
  const alone = membersText([n1!, n3!]).split("\n").slice(1, 3);
  assert.deepEqual(alone.map((row) => cells(row)[at("LAYOUT")]), ["1", "?"]);
});

Deno.test("layout init shows the refusal of a second layout, and refuses names given twice", async () => {
  await using node = startFakeNodeServer(() =>
    problemResponse({ status: 409, code: "layout_exists", outcome: "no", detail: "There is one" })
  );
  const second = await run(["layout", "init", "--members", "n1", "--url", node.url]);
  assert.deepEqual([second.code, second.err], [EXIT_CODES.refused, "There is one\n"]);
  assert.equal((await run(["layout", "init", "--members", "n1,n1"])).code, EXIT_CODES.usage);
  assert.equal((await run(["layout", "init", "--members", "n1,"])).code, EXIT_CODES.usage);
  assert.equal((await run(["layout", "init"])).code, EXIT_CODES.usage);
  assert.equal(node.asked.length, 1);
});

function member(node: string, more: Partial<MemberView>): MemberView {
  return {
    node,
    peerId: "12D3",
    state: "up",
    stateForMs: 72_000,
    because: "its heartbeats arrive",
    sources: [],
    phi: 0.1,
    incarnation: 1,
    zone: "dc1/rack1",
    weight: 1,
    inLayout: true,
    isSelf: false,
    isConnected: true,
    addresses: ["/ip4/127.0.0.1/tcp/1/p2p/12D3"],
    http: "127.0.0.1:7301",
    resp: undefined,
    layoutVersion: 1,
    layoutId: "1-aa",
    disk: "ok",
    ...more,
  };
}
