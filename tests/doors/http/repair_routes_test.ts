import assert from "node:assert/strict";
import { OpenDoor } from "./open_door.ts";

function order(body: string, contentType = "application/json"): RequestInit {
  return { method: "POST", body, headers: { "content-type": contentType } };
}

Deno.test("the door shows hints, differences and equality as the node says them", async () => {
  await using open = await OpenDoor.open();
  const { api } = open;
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
  assert.deepEqual((await open.json("/cluster/hints")).body, { nodes: plain(api.hintViews) });
  assert.deepEqual((await open.json("/cluster/equality")).body, {
    partitions: [{ partition: 0, copies: 3, equalAgoMs: 1_500 }, { partition: 1, copies: 3 }],
  });
  assert.deepEqual((await open.json("/cluster/differences")).body, {
    partitions: 16,
    differences: [],
    unasked: [],
  });
});

Deno.test("GET /cluster/differences looks at the partitions that are named, and refuses others", async () => {
  await using open = await OpenDoor.open();
  open.api.differing = [
    { partition: 3, copies: 3, groups: [["n1", "n3"], ["n2"]] },
    { partition: 9, copies: 3, groups: [["n1"], ["n2"], ["n3"]] },
  ];
  const some = await open.json("/cluster/differences?partitions=9,10");
  assert.equal(some.body.partitions, 2);
  assert.deepEqual(some.body.differences, [open.api.differing[1]]);
  for (const bad of ["", "x", "1,", "-1", "1.5", "16384", "1;2"]) {
    const { status, body } = await open.json(`/cluster/differences?partitions=${bad}`);
    assert.deepEqual([status, body.code], [400, "bad_request"], bad);
    assert.match(body.detail, /"partitions" must be integers from 0 to 16383 with commas/);
  }
});

Deno.test("POST /cluster/repair has one node repair, and tells what came of it for each peer", async () => {
  await using open = await OpenDoor.open();
  const whole = await open.json("/cluster/repair", order("{}"));
  assert.equal(whole.status, 200);
  assert.equal(whole.body.node, "n1");
  assert.deepEqual(whole.body.peers, [
    { node: "n2", partitions: 16, differing: [7], repaired: 2 },
    { node: "n3", partitions: 16, differing: [7], repaired: 2 },
  ]);
  const part = await open.json("/cluster/repair", order('{"node":"n3","partitions":[7,8]}'));
  assert.equal(part.body.node, "n3");
  assert.deepEqual(open.api.repairs, [
    { node: "n1", partitions: [] },
    { node: "n3", partitions: [7, 8] },
  ]);
  const stranger = await open.json("/cluster/repair", order('{"node":"n9"}'));
  assert.deepEqual([stranger.status, stranger.body.code], [400, "bad_request"]);
});

Deno.test("POST /cluster/repair refuses bodies that are no repair request, and foreign pages", async () => {
  await using open = await OpenDoor.open();
  const refused: [body: string, named: RegExp][] = [
    ["", /not JSON/],
    ["[]", /no repair request: body/],
    ['{"node":""}', /node/],
    ['{"node":1}', /node/],
    ['{"partitions":[]}', /partitions/],
    ['{"partitions":[-1]}', /partitions\.0/],
    ['{"partitions":[0,1.5]}', /partitions\.1/],
    ['{"partitions":[16384]}', /partitions\.0/],
    ['{"partition":7}', /partition/],
  ];
  for (const [text, named] of refused) {
    const { status, body } = await open.json("/cluster/repair", order(text));
    assert.deepEqual([status, body.code], [400, "bad_request"], text);
    assert.match(body.detail, named);
  }
  const foreign = await open.json("/cluster/repair", order("{}", "text/plain"));
  assert.deepEqual([foreign.status, foreign.body.code], [415, "unsupported_media_type"]);
  assert.deepEqual(open.api.repairs, []);
});
