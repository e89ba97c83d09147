import assert from "node:assert/strict";
import { Solitude } from "../../src/node/solitude.ts";
import type { Layout } from "../../src/ring/layout.ts";
import { ManualTime } from "../membership/manual_clock.ts";
import { layoutOf, LogBook } from "./layout_world.ts";

const JOIN = ["/dns/n1.example/tcp/7101"];

function solitudeOf(layout: Layout | undefined, join: readonly string[] = JOIN) {
  const time = new ManualTime();
  const log = new LogBook();
  const seen = new Set<string>();
  const solitude = new Solitude({
    self: "n1",
    clock: time.clock(),
    log,
    layout: () => layout,
    isSeen: (node) => seen.has(node),
    hasPeers: () => seen.size > 0,
    join,
  });
  solitude.start();
  return { time, log, seen, solitude };
}

Deno.test("a node that reaches nobody says so once a minute, with whom it calls", () => {
  const { log, seen, time } = solitudeOf(layoutOf(["n1", "n2", "n3"]));
  time.run(9_999);
  assert.equal(log.lines.length, 0, "others may be starting");
  time.run(10_000);
  assert.match(log.lines[0]!, /^This node is alone: it cannot reach n2, n3 .*n1\.example/);
  time.run(300_000);
  assert.equal(log.lines.length, 5);
  seen.add("n2");
  time.run(900_000);
  assert.equal(log.lines.length, 5, "it sees a majority");
  seen.delete("n2");
  time.run(920_000);
  assert.equal(log.lines.length, 6);
});

Deno.test("a node that sees too few says whom it misses", () => {
  const { seen, solitude } = solitudeOf(layoutOf(["n1", "n2", "n3", "n4", "n5"]));
  seen.add("n2");
  assert.equal(
    solitude.problem,
    "This node sees no majority of the members: it cannot reach n3, n4, n5",
  );
});

Deno.test("before there is a layout a node is alone if it was told to join others and none is there", () => {
  const { seen, solitude } = solitudeOf(undefined);
  assert.equal(solitude.problem, "This node is alone: it cannot reach /dns/n1.example/tcp/7101");
  seen.add("n2");
  assert.equal(solitude.problem, undefined);
  assert.equal(solitudeOf(undefined, []).solitude.problem, undefined, "it is the first");
  assert.equal(solitudeOf(layoutOf(["n1"], 1)).solitude.problem, undefined, "it is its cluster");
});

Deno.test("after stop() nothing is said", () => {
  const { log, solitude, time } = solitudeOf(layoutOf(["n1", "n2", "n3"]));
  solitude.stop();
  time.run(600_000);
  assert.equal(log.lines.length, 0);
});
