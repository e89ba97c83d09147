import assert from "node:assert/strict";
import {
  callable,
  isSameAddress,
  type Reach,
  reachOf,
  unreachableProblem,
} from "../../src/host/addresses.ts";

const PEER = "12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d";

const REACHES: Record<Reach, readonly string[]> = {
  ordinary: [
    "/ip4/10.1.2.3/tcp/7101",
    "/ip4/192.168.0.9/tcp/1",
    "/ip4/203.0.113.9/tcp/65535",
    "/ip6/2001:db8::1/tcp/7101",
    "/ip6/::ffff:10.1.2.3/tcp/7101",
    "/dns/b.example/tcp/7101",
    "/dns4/n1/tcp/7101",
    "/dns6/n_1.db.example./tcp/7101",
  ],
  loopback: [
    "/ip4/127.0.0.1/tcp/7101",
    "/ip4/127.255.0.7/tcp/7101",
    "/ip6/::1/tcp/7101",
    "/ip6/0:0:0:0:0:0:0:1/tcp/7101",
    "/ip6/::ffff:127.0.0.1/tcp/7101",
    "/ip6/::ffff:7f00:1/tcp/7101",
    "/dns/localhost/tcp/7101",
    "/dns4/LocalHost./tcp/7101",
    "/dns/redis.localhost/tcp/6379",
  ],
  link_local: ["/ip4/169.254.169.254/tcp/80", "/ip6/fe80::1/tcp/7101", "/ip6/febf::1/tcp/7101"],
  nowhere: [
    "/ip4/0.0.0.0/tcp/7101",
    "/ip4/224.0.0.1/tcp/7101",
    "/ip4/255.255.255.255/tcp/7101",
    "/ip4/10.1.2/tcp/7101",
    "/ip4/10.1.2.3/tcp/0",
    "/ip4/10.1.2.3/tcp/65536",
    "/ip4/10.1.2.3/udp/7101",
    "/ip4/10.1.2.3/tcp/7101/ws",
    "/ip4/10.1.2.3/tcp/7101/http",
    "/ip4/10.1.2.3/tcp/7101/p2p/x/p2p-circuit/p2p/y",
    "/ip6/::/tcp/7101",
    "/ip6/ff02::1/tcp/7101",
    "/ip6/fe80::1%eth0/tcp/7101",
    "/ip6/::ffff:0.0.0.0/tcp/7101",
    "/dns/2130706433/tcp/7101",
    "/dns/0x7f000001/tcp/7101",
    "/dns/10.1.2.3/tcp/7101",
    "/dns/a b/tcp/7101",
    "/dns/-a/tcp/7101",
    `/dns/${"a.".repeat(127)}example/tcp/7101`,
    "/dnsaddr/b.example/tcp/7101",
    "/unix/tmp/socket",
    "10.1.2.3:7101",
    "",
  ],
};

for (const [reach, addresses] of Object.entries(REACHES)) {
  Deno.test(`reachOf() finds which addresses are ${reach}`, () => {
    for (const address of addresses) assert.equal(reachOf(address), reach, address);
  });
}

Deno.test("callable() takes eight plain addresses of that very peer, and near ones where they are meant", () => {
  const never = () => false;
  const own = `/ip4/10.1.2.3/tcp/7101/p2p/${PEER}`;
  assert.deepEqual(callable([own, "/ip4/127.0.0.1/tcp/6379"], PEER, never), [own]);
  assert.deepEqual(callable(["/ip4/10.1.2.3/tcp/1/p2p/12D3KooWother"], PEER, () => true), []);
  const near = (reach: Reach) => reach === "loopback";
  const [loopback] = REACHES.loopback;
  assert.deepEqual(callable([loopback!, ...REACHES.link_local], PEER, near), [loopback]);
  assert.deepEqual(callable(REACHES.nowhere, PEER, () => true), []);
  const many = Array.from({ length: 20 }, (_, i) => `/ip4/10.1.2.3/tcp/${i + 1}`);
  assert.equal(callable(many, PEER, never).length, 8);
});

Deno.test("isSameAddress() overlooks whose address it is", () => {
  assert.ok(isSameAddress("/ip4/10.1.2.3/tcp/1", `/ip4/10.1.2.3/tcp/1/p2p/${PEER}`));
  assert.ok(!isSameAddress("/ip4/10.1.2.3/tcp/1", "/ip4/10.1.2.3/tcp/2"));
});

Deno.test("unreachableProblem() is about nodes that call other machines and cannot be called by them", () => {
  const loopback = ["/ip4/127.0.0.1/tcp/40001/p2p/P"];
  const problem = unreachableProblem(["/ip4/10.0.0.1/tcp/7101"], loopback)!;
  assert.match(problem, /10\.0\.0\.1.*--listen \/ip4\/0\.0\.0\.0\/tcp\/7101/);
  assert.ok(unreachableProblem(["/dns/n1.example/tcp/7101"], loopback) !== undefined);
  assert.equal(unreachableProblem(["/ip4/127.0.0.1/tcp/7101"], loopback), undefined);
  assert.equal(unreachableProblem(["/dns/localhost/tcp/7101"], loopback), undefined);
  assert.equal(unreachableProblem([], loopback), undefined);
  const both = [...loopback, "/ip4/10.0.0.2/tcp/7101/p2p/P"];
  assert.equal(unreachableProblem(["/ip4/10.0.0.1/tcp/7101"], both), undefined);
});
