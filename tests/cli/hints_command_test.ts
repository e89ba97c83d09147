import assert from "node:assert/strict";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import type { HintsView } from "../../src/node/api.ts";
import { problemResponse, startFakeNodeServer } from "./fake_node_server.ts";
import { run } from "./fake_terminal.ts";

const NOTHING: Omit<HintsView, "node"> = {
  error: undefined,
  isComplete: true,
  keys: 0,
  bytes: 0,
  limitBytes: 256 * 1024 * 1024,
  oldestAgeMs: undefined,
  owners: [],
  tooLongAway: [],
};

const SOME: Omit<HintsView, "node"> = {
  ...NOTHING,
  keys: 3,
  bytes: 1_536,
  oldestAgeMs: 65_000,
  owners: [{ node: "n2", keys: 1, bytes: 512 }, { node: "n3", keys: 3, bytes: 1_536 }],
};

const AWAY: Omit<HintsView, "node"> = { ...NOTHING, error: "not connected" };

function answer(nodes: Record<string, Omit<HintsView, "node">>): Response {
  return Response.json({ nodes: Object.entries(nodes).map(([node, one]) => ({ node, ...one })) });
}

Deno.test("hints is a table of what each node keeps, or the JSON that it is", async () => {
  const searching = { ...NOTHING, isComplete: false };
  const closed = { ...SOME, tooLongAway: ["n3", "n10"] };
  await using node = startFakeNodeServer(() =>
    answer({ n10: AWAY, n1: SOME, n2: NOTHING, n4: searching, n5: closed })
  );
  const { code, outText } = await run(["hints", "--url", node.url]);
  assert.equal(code, EXIT_CODES.ok);
  assert.equal(
    outText,
    "NODE  KEYS     SIZE    LIMIT     OLDEST  LACKING AT\n" +
      "n1       3  1.5 KiB  256 MiB  1 min 5 s  n2 (1 key), n3 (3 keys)\n" +
      "n2       0      0 B  256 MiB          -  -\n" +
      "n4       0      0 B  256 MiB          -  it is still searching its disk\n" +
      "n5       3  1.5 KiB  256 MiB  1 min 5 s  n2 (1 key), n3 (3 keys), " +
      "nothing more for n3, nothing more for n10\n" +
      "n10      ?        ?        ?          ?  not connected\n",
  );
  assert.equal(node.asked[0]!.target, "/cluster/hints");
  const asJson = await run(["hints", "--json", "--url", node.url]);
  assert.deepEqual(JSON.parse(asJson.outText).nodes.length, 5);
});

Deno.test("hints wait ends once every node keeps nothing and says so itself", async () => {
  const turns = [{ n1: SOME, n2: NOTHING }, { n1: NOTHING, n2: AWAY }];
  const searching = { n1: NOTHING, n2: { ...NOTHING, isComplete: false } };
  const all = [...turns, searching, { n1: NOTHING, n2: NOTHING }];
  let asked = 0;
  await using node = startFakeNodeServer(() => answer(all[Math.min(asked++, all.length - 1)]!));
  const { code, outText } = await run(["hints", "wait", "--url", node.url]);
  assert.deepEqual([code, outText], [EXIT_CODES.ok, "No node keeps anything for another\n"]);
  assert.equal(node.asked.length, all.length);
});

Deno.test("hints wait gives up in time, shows what is left, and its exit code says so", async () => {
  await using node = startFakeNodeServer(() => answer({ n1: SOME, n2: NOTHING, n3: AWAY }));
  const { code, err, outText } = await run([
    ...["hints", "wait", "--timeout", "300ms"],
    ...["--url", node.url],
  ]);
  assert.equal(code, EXIT_CODES.notInOrder);
  assert.match(outText, /^n1 .*n3 \(3 keys\)$/m);
  assert.match(err, /^After 300 ms 2 nodes may still keep something for others\n$/);
  const args = ["hints", "wait", "--timeout", "0s", "--json", "--url", node.url];
  const asJson = await run(args);
  assert.equal(asJson.code, EXIT_CODES.notInOrder);
  assert.equal(JSON.parse(asJson.outText).nodes[0].keys, 3);
});

Deno.test("hints wait ends at once when nobody can answer, and refuses times without a unit", async () => {
  const problem = { status: 503, code: "not_ready", outcome: "no", detail: "There is no layout" };
  await using node = startFakeNodeServer(() => problemResponse(problem));
  const refused = await run(["hints", "wait", "--url", node.url]);
  assert.deepEqual([refused.code, refused.err], [EXIT_CODES.refused, "There is no layout\n"]);
  for (const timeout of ["60", "-1s", "1.5s", "soon", ""]) {
    const { code } = await run(["hints", "wait", `--timeout=${timeout}`, "--url", node.url]);
    assert.equal(code, EXIT_CODES.usage, timeout);
  }
  assert.equal((await run(["hints", "drop", "--url", node.url])).code, EXIT_CODES.usage);
  assert.equal(node.asked.length, 1);
});
