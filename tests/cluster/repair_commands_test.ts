// What an operator does when a node has failed: looks, starts it again, waits, and makes sure.

import assert from "node:assert/strict";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import type { DifferencesView, HintsView, MemberView, RepairView } from "../../src/node/api.ts";
import { run } from "../cli/fake_terminal.ts";
import { freePortBase } from "./free_ports.ts";
import { DenamoProcess, pidsIn } from "./processes.ts";
import { waitFor } from "./wait_for.ts";

const NAMES = ["n1", "n2", "n3", "n4", "n5"];
const VICTIM = 2;
const WRITES = 60;

Deno.test("a node of five is killed and comes back: hints, members, hints wait and repair tell the story", async () => {
  const directory = await Deno.makeTempDir();
  const base = freePortBase(NAMES.length);
  const url = `http://127.0.0.1:${base + 201}`;
  const cluster = new DenamoProcess([
    ...["cluster", "--nodes", `${NAMES.length}`, "--data", directory],
    ...["--port-base", `${base}`, "--log-level", "error"],
  ]);
  let restarted: DenamoProcess | undefined;
  const ask = async (...args: string[]) => {
    const { code, err, outText } = await run([...args, "--json", "--url", url]);
    return { code, err, answer: JSON.parse(outText || "null") };
  };
  /** How n1 sees n3. */
  const victimSeen = async () => {
    const { members }: { members: MemberView[] } = (await ask("members")).answer;
    return members.find(({ node }) => node === NAMES[VICTIM])!;
  };
  const hintsOf = async () => (await ask("hints")).answer.nodes as HintsView[];
  try {
    await cluster.line(/^cluster ready$/);
    assert.equal((await ask("hints", "wait")).code, EXIT_CODES.ok);
    assert.equal((await ask("repair", "--check")).code, EXIT_CODES.ok);

    const [pid] = await pidsIn(directory, [NAMES[VICTIM]!]);
    Deno.kill(pid!, "SIGKILL");
    // A request on its way to a node that is killed has an unknown outcome.
    await waitFor("n1 to lose n3", async () => !(await victimSeen()).isConnected);
    for (let i = 0; i < WRITES; i++) {
      const response = await fetch(`${url}/kv/key:${i}`, { method: "PUT", body: `value ${i}` });
      assert.equal(response.status, 204, await response.text());
    }
    const views = await waitFor("hints that only n3 lacks", async () => {
      const nodes = await hintsOf();
      const keepers = nodes.filter(({ keys }) => keys > 0);
      const isTold = ({ keys, owners }: HintsView) =>
        owners.length === 1 && owners[0]!.node === "n3" && owners[0]!.keys === keys;
      return keepers.length > 0 && keepers.every(isTold) && nodes;
    });
    assert.deepEqual(views.map(({ node }) => node), NAMES);
    assert.notEqual(views[VICTIM]!.error, undefined);
    const member = await waitFor("n3 to be down", async () => {
      const seen = await victimSeen();
      return seen.state === "down" && seen;
    });
    assert.match(member.because, /^its heartbeats (are late|have stopped)/);
    assert.equal((await ask("hints", "wait", "--timeout", "1s")).code, EXIT_CODES.notInOrder);
    const without = await ask("repair", "--check");
    assert.equal(without.code, EXIT_CODES.notInOrder);
    const { differences, unasked }: DifferencesView = without.answer;
    assert.deepEqual([differences, unasked.map(({ node }) => node)], [[], ["n3"]]);

    restarted = new DenamoProcess(restartArguments(directory, base));
    const waited = await ask("hints", "wait");
    assert.equal(waited.code, EXIT_CODES.ok, waited.err);
    const after = await ask("repair", "--check");
    assert.deepEqual(after, {
      code: EXIT_CODES.ok,
      err: "",
      answer: { partitions: 1024, differences: [], unasked: [] },
    });
    const repaired = await ask("repair");
    assert.equal(repaired.code, EXIT_CODES.ok, repaired.err);
    const nodes: RepairView[] = repaired.answer.nodes;
    assert.deepEqual(nodes.map(({ node }) => node), NAMES);
    for (const { peers } of nodes) {
      for (const { differing, error } of peers) {
        assert.deepEqual([differing, error], [[], undefined]);
      }
    }
  } finally {
    await cluster[Symbol.asyncDispose]();
    await restarted?.[Symbol.asyncDispose]();
    await Deno.remove(directory, { recursive: true });
  }
});

function restartArguments(directory: string, base: number): string[] {
  const join = NAMES.flatMap((_, k) =>
    k === VICTIM ? [] : ["--join", `/ip4/127.0.0.1/tcp/${base + 1 + k}`]
  );
  return [
    ...["node", "--name", NAMES[VICTIM]!, "--data", `${directory}/${NAMES[VICTIM]}`],
    ...["--listen", `/ip4/127.0.0.1/tcp/${base + 1 + VICTIM}`, ...join],
    ...["--http", `127.0.0.1:${base + 201 + VICTIM}`],
    ...["--resp", `127.0.0.1:${base + 101 + VICTIM}`, "--log-level", "error"],
  ];
}
