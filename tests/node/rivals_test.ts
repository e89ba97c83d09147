import assert from "node:assert/strict";
import { Rivals } from "../../src/node/rivals.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import type { Rpc } from "../../src/wire/rpc.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

/** n2, and whom each of the other members has let in under that name: a peer that answers it, or nobody. */
function rivalsOf(holders: Readonly<Record<string, string | undefined>>) {
  const time = new VirtualTime();
  const asked: string[] = [];
  const yielded: string[] = [];
  const rpc = {
    isUp: (peer: string) => peer in holders,
    ask: (
      peers: readonly string[],
      method: number,
      [peer, name]: readonly string[],
      _timeoutMs: number,
      done: (peer: string, reply: unknown) => void,
    ) => {
      assert.deepEqual([method, name], [METHODS.probeFor, "n2"]);
      for (const voter of peers) {
        asked.push(`${voter} of ${peer}`);
        time.clock().after(10, () => {
          const holder = holders[voter];
          const silent = new DenamoError("timeout", "unknown", "It is silent");
          done(voter, holder === undefined ? silent : [holder === peer]);
        });
      }
    },
  };
  const members = [...Object.keys(holders), "away"];
  const rivals = new Rivals({
    clock: time.clock(),
    rpc: rpc as unknown as Rpc,
    table: {
      node: "n2",
      peerId: "own",
      upMembers: () => members.map((peerId) => ({ node: peerId, peerId })),
    },
    yieldTo: (reason) => void yielded.push(reason),
  });
  /** Heartbeats of the rival, four in a second, for so many seconds. */
  const hear = async (seconds: number) => {
    for (let i = 0; i < seconds * 4; i++) {
      rivals.heard("rival");
      await time.pass(250);
    }
    return yielded;
  };
  return { hear, asked };
}

Deno.test("a rival that no member has let in has no effect, whatever it says", async () => {
  const { hear, asked } = rivalsOf({ n1: "own", n3: "own" });
  assert.deepEqual(await hear(60), []);
  assert.ok(asked.length > 0 && asked.length <= 4 * 30, "and asking has its pace");
});

Deno.test("a node yields to a rival that as many members have let in, when it is so a second time", async () => {
  const { hear } = rivalsOf({ n1: "own", n3: "rival" });
  assert.deepEqual(await hear(1), []);
  assert.match((await hear(9))[0]!, /The name "n2" is in use by live peer rival/);
});

Deno.test("a node that more members have keeps its name", async () => {
  const { hear } = rivalsOf({ n1: "own", n3: "rival", n4: "own" });
  assert.deepEqual(await hear(30), []);
  const outvoted = rivalsOf({ n1: "own", n3: "rival", n4: "rival" });
  assert.equal((await outvoted.hear(10)).length > 0, true);
});

Deno.test("members that do not answer give no vote, and without any nobody yields", async () => {
  assert.deepEqual(await rivalsOf({ n1: undefined, n3: undefined }).hear(30), []);
  assert.deepEqual(await rivalsOf({}).hear(30), []);
  assert.ok((await rivalsOf({ n1: undefined, n3: "rival" }).hear(10)).length > 0);
});
