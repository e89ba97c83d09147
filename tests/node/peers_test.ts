import assert from "node:assert/strict";
import { EMPTY, utf8 } from "../../src/base/bytes.ts";
import { type PeerRooms, Peers } from "../../src/node/peers.ts";
import type { Network, Refusal } from "../../src/ports/network.ts";
import { heartbeatOf } from "../membership/manual_clock.ts";
import { LogBook } from "./layout_world.ts";

/** The peers of a node whose other parts write down what they are told, in order. */
function tappedPeers(
  { isUp = true, isMember = true, members = ["n1", "n2"] }: {
    isUp?: boolean;
    isMember?: boolean;
    members?: string[] | null;
  } = {},
) {
  const told: string[] = [];
  const noted = new Map<string, string>();
  const tell = (line: string) => void told.push(line);
  const network = {
    self: "peer-1",
    keepConnected: (addresses: readonly string[], peer: string) =>
      tell(`keep ${peer} at ${addresses.join(" and ")}`),
    forget: (peer: string) => tell(`forget ${peer}`),
    reset: (peer: string, reason: string) => tell(`reset ${peer}: ${reason}`),
  };
  const log = new LogBook();
  const peers = new Peers(
    network as unknown as Network,
    log,
    (peer) => tell(`rival ${peer}`),
  );
  const rooms = {
    admission: {
      greeting: () => utf8("hello"),
      admit: (peer: string, greeting: Uint8Array) => `${peer} says ${greeting.length} bytes`,
      peerUp: (peer: string) => tell(`admission up ${peer}`),
      peerDown: (peer: string) => tell(`admission down ${peer}`),
      refusedBy: (peer: string, { message }: Refusal) => tell(`refused by ${peer}: ${message}`),
    },
    heartbeats: {
      probeWith: () => {},
      spoke: (peer: string) => tell(`${peer} spoke`),
      receive: (from: string, bytes: Uint8Array) =>
        tell(`heartbeat of ${bytes.length} bytes from ${from}`),
    },
    namespaces: {
      differsFrom: (digest: string | undefined) => digest === "theirs",
      fetchFrom: (peer: string) => Promise.resolve(tell(`fetch namespaces from ${peer}`)),
    },
    agreement: {
      heard: (peer: string, id: string | undefined) => {
        if (id !== undefined) tell(`${peer} has ${id}`);
        return Promise.resolve();
      },
    },
    otherLayouts: { judge: () => undefined },
    sealKeys: {
      makeIfDue: () => Promise.resolve(),
      differsFrom: (_peer: string, digest: string | undefined) => digest === "their keys",
      fetchFrom: (peer: string) => Promise.resolve(tell(`fetch keys from ${peer}`)),
    },
    layouts: {
      members: members === null ? undefined : new Set(members),
    },
    book: {
      note: (node: string, peer: string, addresses: readonly string[] | undefined) =>
        void noted.set(node, [peer, ...addresses ?? []].join(" ")),
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
      counts: () => isMember,
      connected: (peer: string) => tell(`table up ${peer}`),
      disconnected: (peer: string) => tell(`table down ${peer}`),
    },
  } as unknown as PeerRooms;
  const heard = (fields: Parameters<typeof heartbeatOf>[0] = {}) =>
    peers.heard(heartbeatOf({ peerId: "peer-2", addresses: ["/a"], ...fields }), rooms);
  return { peers, handlers: peers.handlers(rooms), heard, told, noted, log };
}

Deno.test("what the network tells goes to those that must know, who is connected before anything else", () => {
  const { handlers, told } = tappedPeers();
  handlers.peerUp("peer-2");
  handlers.message("peer-2", "bulk", EMPTY);
  handlers.published("peer-4", new Uint8Array(3));
  handlers.peerDown("peer-2", "it has gone");
  const refusal = { code: "other_cluster", message: "another cluster", details: {} };
  handlers.refusedBy("peer-3", refusal, { greeting: undefined, isDialled: true });
  assert.deepEqual(told, [
    "admission up peer-2",
    "table up peer-2",
    "rpc up peer-2",
    "refute",
    "peer-2 spoke",
    "rpc bulk of 0 bytes from peer-2",
    "heartbeat of 3 bytes from peer-4",
    "refute",
    "admission down peer-2",
    "table down peer-2",
    "rpc down peer-2: it has gone",
    "refused by peer-3: another cluster",
  ]);
  assert.deepEqual(handlers.greeting(), utf8("hello"));
  assert.equal(handlers.admit("peer-2", EMPTY, true), "peer-2 says 0 bytes");
});

Deno.test("a member that is heard is kept connected to, and again when its addresses change", () => {
  const { heard, told } = tappedPeers();
  heard();
  heard();
  heard({ addresses: ["/a", "/b"] });
  heard({ peerId: "peer-3" });
  assert.deepEqual(told, ["keep peer-2 at /a", "keep peer-2 at /a and /b", "keep peer-3 at /a"]);
});

Deno.test("those whom an earlier run has met are called, but for ourselves and who has no address", () => {
  const { heard, peers, told } = tappedPeers();
  peers.begin(["/seed"], [
    { node: "n1", peer: "peer-1", addresses: ["/one"] },
    { node: "n2", peer: "peer-2", addresses: ["/a"] },
    { node: "n3", peer: "peer-3", addresses: [] },
  ]);
  assert.deepEqual(told, ["keep undefined at /seed", "keep peer-2 at /a"]);
  heard();
  assert.equal(told.length, 2, "it is kept already");
  heard({ addresses: ["/b"], sequence: 2 });
  assert.equal(told.at(-1), "keep peer-2 at /b");
});

Deno.test("where a peer says to be that is not connected is not noted, only who it is", () => {
  const { heard, noted } = tappedPeers({ isUp: false });
  heard();
  assert.deepEqual([...noted], [["n2", "peer-2"]]);
});

Deno.test("the layout that a member names is looked at, if the member can be asked", () => {
  const { heard, noted, told } = tappedPeers();
  heard({ node: "n2", layoutId: "1-a" });
  assert.deepEqual(told, ["keep peer-2 at /a", "peer-2 has 1-a"]);
  assert.deepEqual([...noted], [["n2", "peer-2 /a"]]);
  const away = tappedPeers({ isUp: false });
  away.heard({ layoutId: "1-a" });
  assert.deepEqual(away.told, ["keep peer-2 at /a"]);
});

Deno.test("other namespaces are fetched from who tells of them, and before its layout", async () => {
  const { heard, told } = tappedPeers();
  heard({ namespaces: "own digest", layoutId: undefined });
  heard({ namespaces: "theirs", layoutId: "1-a" });
  assert.deepEqual(told, ["keep peer-2 at /a", "fetch namespaces from peer-2"]);
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  assert.equal(told.at(-1), "peer-2 has 1-a");
  const away = tappedPeers({ isUp: false });
  away.heard({ namespaces: "theirs" });
  assert.deepEqual(away.told, ["keep peer-2 at /a"]);
});

Deno.test("keys are fetched from members of the layout, and before the layout is looked at", async () => {
  const { heard, told } = tappedPeers();
  heard({ node: "n2", sealKeys: "own keys", layoutId: undefined });
  heard({ node: "n2", sealKeys: "their keys", layoutId: "1-a" });
  assert.deepEqual(told, ["keep peer-2 at /a", "fetch keys from peer-2"]);
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  assert.equal(told.at(-1), "peer-2 has 1-a");
  for (const members of [["n1", "n3"], null]) {
    const stranger = tappedPeers({ members });
    stranger.heard({ node: "n2", sealKeys: "their keys", layoutId: undefined });
    assert.deepEqual(stranger.told, ["keep peer-2 at /a"], "not a member of our layout");
  }
});

Deno.test("what is set of namespaces is not taken from who is no member of the layout", () => {
  const { heard, told } = tappedPeers({ isMember: false });
  heard({ namespaces: "theirs", layoutId: "1-a" });
  assert.deepEqual(told, ["keep peer-2 at /a", "peer-2 has 1-a"]);
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

Deno.test("who speaks under our own name is looked into, a claim to another's is refused", () => {
  const { peers, told, log } = tappedPeers();
  peers.changed({ kind: "refused", node: "n2", peerId: "peer-3", reason: "it is in use" });
  assert.deepEqual(told, []);
  assert.match(log.lines[0]!, /claim to the name n2 .*in use/);
  peers.changed({ kind: "rival", node: "n1", peerId: "peer-3" });
  assert.deepEqual(told, ["rival peer-3"]);
});

Deno.test("a node that was dropped from the table is no longer dialled", () => {
  const { peers, heard, told } = tappedPeers();
  heard();
  const dropped = { kind: "dropped", node: "n2", peerId: "peer-2" } as const;
  peers.changed(dropped);
  peers.changed(dropped);
  assert.deepEqual(told, ["keep peer-2 at /a", "forget peer-2"]);
});

Deno.test("a node that stops begins no further connection", () => {
  const { peers, heard, told } = tappedPeers();
  peers.stop();
  heard({ layoutVersion: 9 });
  assert.deepEqual(told, []);
});
