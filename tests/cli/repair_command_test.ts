import assert from "node:assert/strict";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import type { DifferencesView, PeerRepairView } from "../../src/node/api.ts";
import { type Asked, problemResponse, startFakeNodeServer } from "./fake_node_server.ts";
import { run } from "./fake_terminal.ts";

const RING = { members: [{ node: "n10" }, { node: "n1" }, { node: "n2" }] };

function bodyOf({ body }: Asked): { node: string; partitions?: number[] } {
  return JSON.parse(new TextDecoder().decode(body));
}

function peer(node: string, more: Partial<PeerRepairView> = {}): PeerRepairView {
  return { node, error: undefined, partitions: 1024, differing: [], repaired: 0, ...more };
}

Deno.test("repair has one node after the other repair, and shows what it found", async () => {
  await using node = startFakeNodeServer((asked) => {
    if (asked.target === "/cluster/ring") return Response.json(RING);
    const name = bodyOf(asked).node;
    const differing = name === "n1" ? { differing: [3, 7], repaired: 2 } : {};
    return Response.json({ node: name, peers: [peer(name === "n2" ? "n1" : "n2", differing)] });
  });
  const { code, outText } = await run(["repair", "--url", node.url]);
  assert.equal(code, EXIT_CODES.ok);
  assert.equal(
    outText,
    "NODE  WITH  PARTITIONS  DIFFERING  REPAIRED  PROBLEM\n" +
      "n1    n2          1024          2         2\n" +
      "\n3 comparisons, 2 copies brought up to date\n",
  );
  assert.deepEqual(node.asked.slice(1).map(bodyOf), [
    { node: "n1" },
    { node: "n2" },
    { node: "n10" },
  ]);
  assert.equal(node.asked[1]!.headers.get("content-type"), "application/json");
});

Deno.test("repair takes one node and some partitions", async () => {
  await using node = startFakeNodeServer(() => Response.json({ node: "n2", peers: [peer("n1")] }));
  const args = ["repair", "--node", "n2", "--partition", "7,9", "--json", "--url", node.url];
  const { code, outText } = await run(args);
  assert.equal(code, EXIT_CODES.ok);
  assert.deepEqual(JSON.parse(outText).nodes.length, 1);
  assert.deepEqual(node.asked.map(bodyOf), [{ node: "n2", partitions: [7, 9] }]);
});

Deno.test("repair goes on past a node that is away, and its exit code says that not all is done", async () => {
  const away = { status: 504, code: "timeout", outcome: "no", detail: "n2 is not connected" };
  await using node = startFakeNodeServer((asked) => {
    if (asked.target === "/cluster/ring") return Response.json(RING);
    const name = bodyOf(asked).node;
    if (name === "n2") return problemResponse(away);
    const peers = [peer("n2", { error: "n2 is not connected", partitions: 0 })];
    return Response.json({ node: name, peers });
  });
  const { code, outText } = await run(["repair", "--url", node.url]);
  assert.equal(code, EXIT_CODES.notInOrder);
  assert.equal(outText.match(/n2 is not connected$/gm)?.length, 3);
  assert.match(outText, /^n2( +-){4} {2}n2 is not connected$/m);
  const alone = await run(["repair", "--node", "n2", "--url", node.url]);
  assert.deepEqual([alone.code, alone.err], [EXIT_CODES.refused, "n2 is not connected\n"]);
});

Deno.test("repair --check says that all is equal, or what differs between whom", async () => {
  let view: DifferencesView = { partitions: 1024, differences: [], unasked: [] };
  await using node = startFakeNodeServer(() => Response.json(view));
  const check = (...args: string[]) => run(["repair", "--check", ...args, "--url", node.url]);
  const equal = await check();
  assert.deepEqual(
    [equal.code, equal.outText],
    [EXIT_CODES.ok, "All owners hold the same: 1024 partitions\n"],
  );
  view = {
    partitions: 2,
    differences: [{ partition: 7, copies: 3, groups: [["n1", "n3"], ["n2"]] }],
    unasked: [],
  };
  const differing = await check("--partition", "7,9");
  assert.equal(differing.code, EXIT_CODES.notInOrder);
  assert.equal(
    differing.outText,
    "PARTITION  COPIES  DIFFERENT COPIES\n" +
      "        7       3  n1 n3 | n2\n" +
      "\n1 of 2 partitions differs\n",
  );
  const asJson = await check("--json");
  assert.equal(asJson.code, EXIT_CODES.notInOrder);
  assert.deepEqual(JSON.parse(asJson.outText), view);
  assert.equal((await check("--node", "n4")).code, EXIT_CODES.ok);
  assert.equal((await check("--node", "n2")).code, EXIT_CODES.notInOrder);
  assert.deepEqual(node.asked.map(({ method, target }) => `${method} ${target}`).slice(0, 2), [
    "GET /cluster/differences",
    "GET /cluster/differences?partitions=7%2C9",
  ]);
});

Deno.test("repair --check does not take a node that cannot be asked for equal", async () => {
  const unasked = [{ node: "n2", error: "n2 is not connected" }];
  await using node = startFakeNodeServer(() =>
    Response.json({ partitions: 1, differences: [], unasked })
  );
  const { code, outText } = await run(["repair", "--check", "--url", node.url]);
  assert.deepEqual([code, outText], [
    EXIT_CODES.notInOrder,
    "Those that were asked hold the same: 1 partition\nn2 was not asked: n2 is not connected\n",
  ]);
});

Deno.test("repair refuses partitions that are no numbers", async () => {
  for (const text of ["", "x", "1,", "-1", "1.5"]) {
    const { code } = await run(["repair", `--partition=${text}`]);
    assert.equal(code, EXIT_CODES.usage, text);
  }
});
