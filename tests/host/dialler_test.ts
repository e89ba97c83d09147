import assert from "node:assert/strict";
import type { Connection } from "@libp2p/interface";
import { Dialler } from "../../src/host/dialler.ts";
import { hasName, withNumbers } from "../../src/host/host_names.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

const OWN = "/ip4/10.0.0.1/tcp/7101";

/** A dialler, who answers where, and which places it has called. */
function diallerOf(answers: Record<string, string>, names: Record<string, string[]> = {}) {
  const time = new VirtualTime();
  const called: string[] = [];
  const dialler = new Dialler({
    clock: time.clock(),
    own: () => [`${OWN}/p2p/self`],
    lookUp: (host) => {
      const numbers = names[host];
      return numbers ? Promise.resolve(numbers) : Promise.reject(new Error(`${host} is not known`));
    },
    connect: (address) => {
      called.push(address);
      const answer = answers[address];
      if (answer === undefined) return new Promise(() => {});
      const denied = dialler.gater.denyOutboundEncryptedConnection!(
        { toString: () => answer } as never,
        { remoteAddr: address } as never,
      );
      if (denied) return Promise.reject(new Error(`${answer} was let go`));
      return Promise.resolve({ remotePeer: answer } as unknown as Connection);
    },
  });
  const call = async (
    addresses: readonly string[],
    peer?: string,
    mayReach: (address: string, reach: string) => boolean = () => true,
  ) => {
    let outcome: string | undefined;
    dialler.call({ addresses, peer, mayReach }).then(
      (answered) => outcome = answered === "self" ? "self" : answered.remotePeer.toString(),
      (error) => outcome = `failed: ${error.message}`,
    );
    await time.until(() => outcome !== undefined, "the call ends");
    return outcome;
  };
  return { called, call, names, time };
}

Deno.test("a peer is reached at the last of its addresses though the others are silent", async () => {
  const good = "/ip4/10.0.0.9/tcp/1";
  const { call, time } = diallerOf({ [good]: "P" });
  const dead = [2, 3, 4, 5, 6].map((i) => `/ip4/10.0.0.${i}/tcp/1`);
  assert.equal(await call([...dead, good].map((address) => `${address}/p2p/P`), "P"), "P");
  assert.ok(time.nowMs < 2_000, `${time.nowMs} ms`);
});

Deno.test("whoever answers in place of the peer that is called is let go, and the next is tried", async () => {
  const { call } = diallerOf({ "/ip4/10.0.0.2/tcp/1": "Q", "/ip4/10.0.0.3/tcp/1": "P" });
  assert.equal(await call(["/ip4/10.0.0.2/tcp/1", "/ip4/10.0.0.3/tcp/1"], "P"), "P");
  assert.match((await call(["/ip4/10.0.0.2/tcp/1"], "P"))!, /Q was let go/);
  assert.equal(await call(["/ip4/10.0.0.2/tcp/1"]), "Q", "anybody will do");
});

Deno.test("a name is looked up for each call, and means all machines behind it but ourselves", async () => {
  const { call, called, names } = diallerOf({ "/ip4/10.0.0.7/tcp/7101": "P" }, {
    "nodes.example": ["10.0.0.1"],
  });
  const address = "/dns/nodes.example/tcp/7101";
  assert.equal(await call([address]), "self");
  assert.deepEqual(called, []);
  names["nodes.example"] = ["10.0.0.1", "10.0.0.6", "10.0.0.7"];
  assert.equal(await call([address]), "P");
  assert.deepEqual(called, ["/ip4/10.0.0.6/tcp/7101", "/ip4/10.0.0.7/tcp/7101"]);
  delete names["nodes.example"];
  assert.match((await call([address]))!, /nodes.example is not known/);
});

Deno.test("what a peer's name leads to is judged as if the peer had said it", async () => {
  const { call, called } = diallerOf({ "/ip4/10.0.0.7/tcp/1": "P" }, {
    "evil.example": ["127.0.0.1", "169.254.0.1", "0.0.0.0", "::1", "10.0.0.7"],
  });
  const isOrdinary = (_: string, reach: string) => reach === "ordinary";
  assert.equal(await call(["/dns/evil.example/tcp/1"], "P", isOrdinary), "P");
  assert.deepEqual(called, ["/ip4/10.0.0.7/tcp/1"]);
});

Deno.test("withNumbers() replaces the name and keeps the rest", async () => {
  const asked: unknown[] = [];
  const lookUp = (...question: unknown[]) => {
    asked.push(question);
    return Promise.resolve(["10.0.0.7", "fd00::7", "10.0.0.7"]);
  };
  assert.deepEqual(await withNumbers("/dns/a.example/tcp/1/p2p/P", lookUp), [
    "/ip4/10.0.0.7/tcp/1/p2p/P",
    "/ip6/fd00::7/tcp/1/p2p/P",
  ]);
  await withNumbers("/dns4/b/tcp/1", lookUp);
  await withNumbers("/dns6/c/tcp/1", lookUp);
  assert.deepEqual(asked, [["a.example", 0], ["b", 4], ["c", 6]]);
  assert.deepEqual(await withNumbers("/ip4/10.0.0.1/tcp/1", lookUp), ["/ip4/10.0.0.1/tcp/1"]);
  assert.deepEqual([hasName("/dns/a/tcp/1"), hasName("/ip4/1.2.3.4/tcp/1")], [true, false]);
  assert.ok((await withNumbers("/dns4/localhost/tcp/1")).includes("/ip4/127.0.0.1/tcp/1"));
});
