import assert from "node:assert/strict";
import type { PeerId } from "../../src/ports/network.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Network } from "../../src/ports/network.ts";
import { type ProbeOutcome, Probes } from "../../src/membership/probes.ts";
import { Deadlines } from "../../src/wire/deadlines.ts";
import { Rpc } from "../../src/wire/rpc.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

/** Nodes that are all connected; what is sent from one to another may be swallowed. */
class ProbeWorld {
  readonly time = new VirtualTime();
  readonly names: readonly string[];
  readonly rpcs = new Map<string, Rpc>();
  readonly probes = new Map<string, Probes>();
  /** Ways on which nothing arrives: "n1 n2". */
  readonly broken = new Set<string>();
  readonly sent: string[] = [];

  constructor(count: number) {
    this.names = Array.from({ length: count }, (_, i) => `n${i + 1}`);
    for (const name of this.names) this.#start(name);
    for (const name of this.names) {
      for (const other of this.names) if (other !== name) this.rpcs.get(name)!.peerUp(other);
    }
  }

  #start(name: string): void {
    const clock = this.time.clock();
    const network = {
      self: name,
      send: (to: PeerId, _lane: string, bytes: Uint8Array) => {
        this.sent.push(`${name} ${to}`);
        const copy = bytes.slice();
        if (this.broken.has(`${name} ${to}`)) return true;
        this.time.after(1, () => this.rpcs.get(to)!.receive(name, "request", copy));
        return true;
      },
    } as unknown as Network;
    const log = { error: (message: string) => assert.fail(message) } as unknown as Log;
    const rpc = new Rpc(network, clock, new Deadlines(clock), log, () => "member");
    this.rpcs.set(name, rpc);
    const others = this.names.filter((other) => other !== name);
    const members = {
      upMembers: () => others.map((node) => ({ node, peerId: node })),
      nodeOf: (peer: PeerId) => peer,
    };
    this.probes.set(name, new Probes(rpc, members));
  }

  breakBetween(a: string, b: string): void {
    this.broken.add(`${a} ${b}`);
    this.broken.add(`${b} ${a}`);
  }

  kill(name: string): void {
    for (const other of this.names) if (other !== name) this.breakBetween(name, other);
  }

  /** What n1 finds out about a node under a peer id, and after how long. */
  async probe(node: string, peerId = node): Promise<{ outcome: ProbeOutcome; tookMs: number }> {
    const beganAtMs = this.time.nowMs;
    const outcomes: ProbeOutcome[] = [];
    const target = { node, peerId };
    this.probes.get("n1")!.probe(target, (outcome) => void outcomes.push(outcome));
    await this.time.until(() => outcomes.length > 0, "the end of a probe", 5_000);
    const tookMs = this.time.nowMs - beganAtMs;
    await this.time.pass(5_000);
    assert.equal(outcomes.length, 1, "it is told once");
    return { outcome: outcomes[0]!, tookMs };
  }
}

Deno.test("probe() asks a member, and nobody else if it answers", async () => {
  const world = new ProbeWorld(5);
  const { outcome, tookMs } = await world.probe("n2");
  assert.equal(outcome, "answered");
  assert.ok(tookMs < 10);
  assert.deepEqual(world.sent, ["n1 n2", "n2 n1"]);
});

Deno.test("probe() finds that another node reaches whom we do not", async () => {
  const world = new ProbeWorld(3);
  world.breakBetween("n1", "n2");
  const { outcome } = await world.probe("n2");
  assert.deepEqual(outcome, { kind: "others", through: "n3" });
});

Deno.test("probe() names those who do not reach a dead member either, within 1.5 s", async () => {
  const world = new ProbeWorld(4);
  world.kill("n2");
  const { outcome, tookMs } = await world.probe("n2");
  assert.deepEqual(outcome, { kind: "nobody", witnesses: ["n3", "n4"] });
  assert.ok(tookMs > 500 && tookMs < 1_500, `${tookMs}`);
});

Deno.test("probe() asks at once in our place whoever is not connected to us", async () => {
  const world = new ProbeWorld(3);
  world.rpcs.get("n1")!.peerDown("n2", "cut");
  const { outcome, tookMs } = await world.probe("n2");
  assert.deepEqual(outcome, { kind: "others", through: "n3" });
  assert.ok(tookMs < 10);
});

Deno.test("a later peer with the member's name does not answer in its place", async () => {
  const world = new ProbeWorld(3);
  // The others know n2 as the peer "n2"; we still wait for the one that held the name before.
  const { outcome } = await world.probe("n2", "the former n2");
  assert.deepEqual(outcome, { kind: "nobody", witnesses: ["n2", "n3"] });
});

Deno.test("others that are silent are no witnesses, and without others there are none", async () => {
  const world = new ProbeWorld(4);
  for (const name of ["n2", "n3", "n4"]) world.kill(name);
  assert.deepEqual((await world.probe("n2")).outcome, { kind: "nobody", witnesses: [] });
  const pair = new ProbeWorld(2);
  pair.kill("n2");
  assert.deepEqual((await pair.probe("n2")).outcome, { kind: "nobody", witnesses: [] });
});

Deno.test("three others are asked at most, and all in their turn", async () => {
  const world = new ProbeWorld(8);
  for (const other of world.names) if (other !== "n8") world.breakBetween("n2", other);
  const asked = new Set<string>();
  for (let i = 0; i < 6; i++) {
    world.sent.length = 0;
    const { outcome } = await world.probe("n2");
    const others = new Set(world.sent.filter((way) => way.startsWith("n1 ") && way !== "n1 n2"));
    assert.equal(others.size, 3);
    for (const way of others) asked.add(way);
    const isFound = others.has("n1 n8");
    assert.deepEqual(
      outcome,
      isFound
        ? { kind: "others", through: "n8" }
        : { kind: "nobody", witnesses: [...others].map((way) => way.slice(3)).sort() },
    );
  }
  assert.equal(asked.size, 6);
});
