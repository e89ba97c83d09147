import assert from "node:assert/strict";
import { waitUntilReady } from "../../src/cli/cluster_readiness.ts";
import { CannotRunError } from "../../src/cli/report.ts";
import { type Asked, problemResponse, startFakeNodeServer } from "./fake_node_server.ts";

Deno.test("waitUntilReady() waits for members, makes the first layout once, and waits for readiness", async () => {
  const world = { polls: 0, hasLayout: false, layouts: 0 };
  const answer = (name: string) => ({ method, target, body }: Asked) => {
    switch (`${method} ${target}`) {
      case "GET /cluster/members":
        return membersOf(name, world.polls++ < 4 ? "suspect" : "up");
      case "GET /cluster/ring":
        return world.hasLayout ? Response.json({}) : notReady("There is no layout yet");
      case "POST /cluster/layout":
        assert.deepEqual(JSON.parse(new TextDecoder().decode(body)), {
          members: ["n1", "n2"],
          force: true,
        });
        // The first attempt meets a node that does not see the other yet.
        if (world.layouts++ === 0) return notReady("n2 is missing");
        world.hasLayout = true;
        return Response.json({}, { status: 201 });
      case "GET /readyz":
        return Response.json({ status: "ready" });
      default:
        return Response.json({ node: name });
    }
  };
  await using n1 = startFakeNodeServer(answer("n1"));
  await using n2 = startFakeNodeServer(answer("n2"));
  const ready = await waitUntilReady(
    [{ name: "n1", url: n1.url, checkAlive() {} }, { name: "n2", url: n2.url, checkAlive() {} }],
    { timeoutMs: 30_000, signal: new AbortController().signal },
  );
  assert.deepEqual(ready?.map(({ node }) => node), ["n1", "n2"]);
  assert.equal(world.layouts, 2);
  assert.ok(world.polls > 4);
});

Deno.test("a layout that any node knows is left alone", async () => {
  const answer = (name: string) => ({ method, target }: Asked) => {
    assert.equal(method, "GET");
    if (target === "/cluster/members") return membersOf(name, "up");
    if (target === "/cluster/ring" && name === "n1") return notReady("There is no layout yet");
    return Response.json({ node: name });
  };
  await using n1 = startFakeNodeServer(answer("n1"));
  await using n2 = startFakeNodeServer(answer("n2"));
  const ready = await waitUntilReady(
    [{ name: "n1", url: n1.url, checkAlive() {} }, { name: "n2", url: n2.url, checkAlive() {} }],
    { timeoutMs: 30_000, signal: new AbortController().signal },
  );
  assert.equal(ready?.length, 2);
});

Deno.test("what is missing is said of each node when the time is up", async () => {
  await using n1 = startFakeNodeServer(() => membersOf("n1", "up", false));
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closed = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const nodes = [{ name: "n1", url: n1.url, checkAlive() {} }, {
    name: "n2",
    url: closed,
    checkAlive() {},
  }];
  const waiting = waitUntilReady(nodes, {
    timeoutMs: 0,
    signal: new AbortController().signal,
  });
  await assert.rejects(waiting, (error: Error) => {
    assert.ok(error instanceof CannotRunError);
    assert.match(error.message, /n1: it does not see n2\n {2}n2: Cannot reach a node at .*refused/);
    return true;
  });
});

Deno.test("a node that has ended ends the wait, and so does the signal", async () => {
  await using n1 = startFakeNodeServer(() => notReady("It starts"));
  const controller = new AbortController();
  const node = { name: "n1", url: n1.url };
  const options = { timeoutMs: 30_000, signal: controller.signal };
  const dead = {
    ...node,
    checkAlive: () => {
      throw new CannotRunError("n1 was killed");
    },
  };
  await assert.rejects(waitUntilReady([dead], options), /n1 was killed/);
  const stopping = { ...node, checkAlive: () => controller.abort() };
  assert.equal(await waitUntilReady([stopping], options), undefined);
});

function membersOf(self: string, state: string, isConnected = true): Response {
  const members = ["n1", "n2"].map((node) => ({
    node,
    isSelf: node === self,
    state: node === self ? "up" : state,
    isConnected: node !== self && isConnected,
  }));
  return Response.json({ members });
}

function notReady(detail: string): Response {
  return problemResponse({ status: 503, code: "not_ready", outcome: "no", detail });
}
