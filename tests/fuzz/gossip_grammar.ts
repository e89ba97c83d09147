// Heartbeats and greetings by grammar: facts at their edges, names of others, and bytes that are none.

import { concatBytes } from "../../src/base/bytes.ts";
import {
  type ForgedHeartbeat,
  greetingBytes,
  heartbeatBytes,
  leftBehindRefusals,
} from "../hostile/forgery.ts";
import { encodeAccept, encodeHello } from "../../src/host/greeting.ts";
import { CLUSTER } from "../hostile/stranger.ts";
import type { Draw } from "./draw.ts";
import type { ClusterFacts } from "./rpc_words.ts";

/** What is drawn for whoever calls itself so. */
export function drawHeartbeat(
  draw: Draw,
  self: Pick<ForgedHeartbeat, "node" | "peerId">,
  facts: ClusterFacts,
): ForgedHeartbeat {
  const isOwn = draw.onceIn(2);
  return {
    node: isOwn ? self.node : draw.pick([...facts.names, "ghost", draw.text()]),
    peerId: isOwn ? self.peerId : draw.pick([...facts.peerIds, draw.text()]),
    incarnation: draw.pick([Date.now(), draw.count()]),
    sequence: draw.count(),
    timeMs: draw.pick([Date.now(), draw.count()]),
    intervalMs: draw.pick([250, draw.count()]),
    weight: draw.pick(["1", "0", "-1", "1e308", "Infinity", "NaN", draw.text()]),
    layoutVersion: draw.pick([0, 1, draw.count()]),
    load: draw.count(),
    disk: draw.below(4),
    // Nobody listens at the ports below, and nothing but this machine is ever named.
    addresses: draw.pick([[], ["/ip4/127.0.0.1/tcp/9"], Array(9).fill("/ip4/127.0.0.1/tcp/1")]),
    ...(draw.onceIn(4) ? { namespaces: draw.pick(["0123456789abcdef", draw.text()]) } : {}),
  };
}

/** A heartbeat, or what is left of one. */
export function drawPublished(
  draw: Draw,
  self: Pick<ForgedHeartbeat, "node" | "peerId">,
  facts: ClusterFacts,
): Uint8Array {
  const bytes = heartbeatBytes(drawHeartbeat(draw, self, facts));
  return draw.onceIn(3) ? draw.damaged(bytes) : bytes;
}

/** What somebody may say before anybody has let him in: frames one after the other. */
export function drawGreetings(draw: Draw, peerId: string, facts: ClusterFacts): Uint8Array[] {
  const greeting = greetingBytes(
    drawHeartbeat(draw, { node: "guest", peerId }, facts),
    draw.pick([0, draw.count()]),
  );
  const said = {
    cluster: draw.pick([CLUSTER, CLUSTER, "other", draw.text()]),
    instance: draw.text(),
    startedMs: draw.count(),
    number: draw.count(),
    holds: draw.count(),
    greeting: draw.onceIn(3) ? draw.damaged(greeting) : greeting,
  };
  const hello = encodeHello(said);
  const frames = [
    hello,
    encodeAccept(),
    ...leftBehindRefusals(draw.count()),
    draw.damaged(hello),
    draw.bytes(draw.length(400)),
    concatBytes([encodeAccept(), hello]),
  ];
  return Array.from({ length: 1 + draw.below(4) }, () => draw.pick(frames));
}
