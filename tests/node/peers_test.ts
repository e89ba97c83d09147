import assert from "node:assert/strict";
import { EMPTY, utf8 } from "../../src/base/bytes.ts";
import { type PeerRooms, Peers } from "../../src/node/peers.ts";
import type { Network } from "../../src/ports/network.ts";
import { heartbeatOf } from "../membership/manual_clock.ts";
import { layoutOf, LogBook } from "./layout_world.ts";

/** The peers of a node whose other parts write down what they are told, in order. */
function tappedPeers(
  { layoutVersion = 0, isUp = true, members = ["n1", "n2"], canFetch = true } = {},
) {
  const told: string[] = [];
  const tell = (line: string) => void told.push(line);
  const network = {
    keepConnected: (addresses: readonly string[], peer: string) =>
      tell(`keep ${peer} at ${addresses.join(" and ")}`),
    forget: (peer: string) => tell(`forget ${peer}`),
    reset: (peer: string, reason: string) => tell(`reset ${peer}: ${reason}`),
  };
  const log = new LogBook();
  const peers = new Peers(
    network as unknown as Network,
    log,
    (reason) => tell(`give up: ${reason}`),
  );
  const rooms = {
    admission: {
      greeting: () => utf8("hello"),
      admit: (peer: string, greeting: Uint8Array) => `${peer} says ${greeting.length} bytes`,
      peerUp: () => tell("admission up"),
      refusedBy: (peer: string, reason: string) => tell(`refused by ${peer}: ${reason}`),
    },
    heartbeats: {
      probeWith: () => {},
      spoke: (peer: string) => tell(`${peer} spoke`),
      receive: (bytes: Uint8Array) => tell(`heartbeat of ${bytes.length} bytes`),
    },
    namespaces: {
      differsFrom: (digest: string | undefined) => digest === "theirs",
      fetchFrom: (peer: string) => Promise.resolve(tell(`fetch namespaces from ${peer}`)),
    },
    sealKeys: {
      digest: undefined as string | undefined,
      makeIfDue: () => Promise.resolve(),
      differsFrom: (_peer: string, digest: string | undefined) => digest === "their keys",
      fetchFrom(peer: string) {
        tell(`fetch keys from ${peer}`);
        if (canFetch) this.digest = "their keys";
        return Promise.resolve();
      },
    },
    layouts: {
      version: layoutVersion,
      held: layoutVersion === 0 ? undefined : { layout: layoutOf(members) },
      fetchFrom: (peer: string) => Promise.resolve(tell(`fetch from ${peer}`)),
    },
    refutation: { tell: () => tell("refute") },
    rpc: {
      serve: () => {},
      isUp: () => isUp,
      peerUp: (peer: string) => tell(`rpc up ${peer}`),
      peerDown: (peer: string, reason: string) => tell(`rpc down ${peer}: ${reason}`),
      receive: (peer: string, lane: string, bytes: Uint8Array) =>
        tell(`rpc ${lane} of ${bytes.length} bytes from ${peer}`),
    },
    table: {
      connected: (peer: string) => tell(`table up ${peer}`),
      disconnected: (peer: string) => tell(`table down ${peer}`),
    },
  } as unknown as PeerRooms;
  const heard = (fields: Parameters<typeof heartbeatOf>[0] = {}) =>
    peers.heard(heartbeatOf({ peerId: "peer-2", addresses: ["/a"], ...fields }), rooms);
  return { peers, handlers: peers.handlers(rooms), heard, told, log };
}

Deno.test("what the network tells goes to those that must know, who is connected before anything else", () => {
  const { handlers, told } = tappedPeers();
  handlers.peerUp("peer-2");
  handlers.message("peer-2", "bulk", EMPTY);
  handlers.published(new Uint8Array(3));
  handlers.peerDown("peer-2", "it has gone");
  handlers.refusedBy("peer-3", "another cluster");
  assert.deepEqual(told, [
    "admission up",
    "table up peer-2",
    "rpc up peer-2",
    "refute",
    "peer-2 spoke",
    "rpc bulk of 0 bytes from peer-2",
    "heartbeat of 3 bytes",
    "refute",
    "table down peer-2",
    "rpc down peer-2: it has gone",
    "refused by peer-3: another cluster",
  ]);
  assert.deepEqual(handlers.greeting(), utf8("hello"));
  assert.equal(handlers.admit("peer-2", EMPTY), "peer-2 says 0 bytes");
});

Deno.test("a member that is heard is kept connected to, and again when its addresses change", () => {
  const { heard, told } = tappedPeers();
  heard();
  heard();
  heard({ addresses: ["/a", "/b"] });
  heard({ peerId: "peer-3" });
  assert.deepEqual(told, ["keep peer-2 at /a", "keep peer-2 at /a and /b", "keep peer-3 at /a"]);
});

Deno.test("a newer layout is fetched from the member that has it, if it can be asked", () => {
  const { heard, told } = tappedPeers({ layoutVersion: 2 });
  for (const layoutVersion of [1, 2, 3]) heard({ layoutVersion });
  assert.deepEqual(told, ["keep peer-2 at /a", "fetch from peer-2"]);
  const away = tappedPeers({ isUp: false });
  away.heard({ layoutVersion: 1 });
  assert.deepEqual(away.told, ["keep peer-2 at /a"]);
});

Deno.test("other namespaces are fetched from who tells of them, and before its layout", async () => {
  const { heard, told } = tappedPeers({ layoutVersion: 2 });
  heard({ namespaces: "own digest" });
  heard({ namespaces: "theirs", layoutVersion: 3 });
  assert.deepEqual(told, ["keep peer-2 at /a", "fetch namespaces from peer-2"]);
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  assert.equal(told.at(-1), "fetch from peer-2");
  const away = tappedPeers({ isUp: false });
  away.heard({ namespaces: "theirs" });
  assert.deepEqual(away.told, ["keep peer-2 at /a"]);
});

Deno.test("keys are fetched from members, and with the first layout from who has that", async () => {
  const { heard, told } = tappedPeers({ layoutVersion: 2 });
  heard({ node: "n2", sealKeys: "own keys" });
  heard({ node: "n2", sealKeys: "their keys" });
  assert.deepEqual(told, ["keep peer-2 at /a", "fetch keys from peer-2"]);
  const stranger = tappedPeers({ layoutVersion: 2, members: ["n1", "n3"] });
  stranger.heard({ node: "n2", sealKeys: "their keys" });
  assert.deepEqual(stranger.told, ["keep peer-2 at /a"], "no member of our layout");
  const starting = tappedPeers();
  starting.heard({ node: "n2", sealKeys: "their keys" });
  assert.deepEqual(starting.told, ["keep peer-2 at /a"], "it has no layout either");
  starting.heard({ node: "n2", sealKeys: "their keys", layoutVersion: 1 });
  assert.equal(starting.told.at(-1), "fetch keys from peer-2");
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  assert.equal(starting.told.at(-1), "fetch from peer-2", "and only then the layout");
  const unlucky = tappedPeers({ canFetch: false });
  unlucky.heard({ node: "n2", sealKeys: "their keys", layoutVersion: 1 });
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  assert.equal(unlucky.told.at(-1), "fetch keys from peer-2", "without keys it serves nobody");
});

Deno.test("a node that is back under another peer id is no longer dialled under its former one", () => {
  const { peers, heard, told } = tappedPeers();
  heard();
  const change = { kind: "rebound", node: "n2", peerId: "peer-3", formerPeerId: "peer-2" } as const;
  peers.changed(change);
  peers.changed(change);
  assert.deepEqual(told, ["keep peer-2 at /a", "forget peer-2"]);
  heard();
  assert.equal(told.at(-1), "keep peer-2 at /a", "who is heard after all is dialled again");
});

Deno.test("the connection to a member that is down is broken, so that its return is not blocked", () => {
  const { peers, told, log } = tappedPeers();
  const state = { kind: "state", node: "n2", peerId: "peer-2", from: "up" } as const;
  peers.changed({ ...state, to: "suspect" });
  assert.deepEqual(told, []);
  peers.changed({ ...state, to: "down" });
  assert.deepEqual(told, ["reset peer-2: its heartbeats have stopped"]);
  peers.changed({ ...state, from: "down", to: "up" });
  assert.deepEqual(log.lines, ["n2 is suspect {}", "n2 is down {}"], "a return is no warning");
});

Deno.test("a claim to our own name by a live peer ends this node, one to another's does not", () => {
  const { peers, told, log } = tappedPeers();
  peers.changed({ kind: "refused", node: "n2", peerId: "peer-3", reason: "it is in use" });
  assert.deepEqual(told, []);
  assert.match(log.lines[0]!, /claim to the name n2 .*in use/);
  peers.changed({ kind: "name_taken", node: "n1", peerId: "peer-3" });
  assert.deepEqual(told, ['give up: The name "n1" is in use by live peer peer-3']);
});

Deno.test("a node that stops begins no further connection", () => {
  const { peers, heard, told } = tappedPeers();
  peers.stop();
  heard({ layoutVersion: 9 });
  assert.deepEqual(told, []);
});
