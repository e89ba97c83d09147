// When everything is healed: are the copies equal, and is everything there that was acknowledged?

import { inParallel } from "../../src/base/in_parallel.ts";
import { waitFor } from "../cluster/wait_for.ts";
import type { Book } from "./book.ts";
import { Door, readAnswer, type Reply } from "./door.ts";
import type { Victims } from "./victims.ts";

/** How many keys are read at once, and how often one is tried that is not answered in time. */
const READERS = 16;
const TRIES = 5;

/** Waits until all nodes are whole, keep nothing for others, and say that all owners hold the same. */
export async function becomeEqual(victims: Victims): Promise<void> {
  await victims.whenWhole();
  for (const node of victims.nodes) {
    await waitFor(`${node.name} to have handed over what it keeps`, async () => {
      return await victims.gauge(node, "hinted_keys_count") === 0;
    });
  }
  const [first] = victims.nodes;
  await waitFor("the copies to be equal", async () => {
    const response = await fetch(`${first!.url}/cluster/differences`);
    const { differences, unasked } = await response.json();
    return differences.length === 0 && unasked.length === 0;
  });
}

/** Reads every key from all its owners; returns what is wrong. */
export async function judge(book: Book, victims: Victims): Promise<string[]> {
  const ports = new Map(victims.nodes.map(({ name, ports }) => [name, ports.resp]));
  const nodes = [...ports.keys()];
  const problems: string[] = [];
  using door = new Door(ports);
  await inParallel(book.keys, READERS, async (key) => {
    const answer = await readFromAll(door, nodes, key);
    if (answer.outcome === "ok") {
      problems.push(...book.problems(key, readAnswer(answer.reply).siblings.sort()));
    } else {
      problems.push(`${key} cannot be read from all its owners: ${answer.error}`);
    }
  });
  return problems;
}

/** The last answer of several tries, each at another node. */
async function readFromAll(door: Door, nodes: readonly string[], key: string): Promise<Reply> {
  let answer: Reply = { outcome: "no", error: "nobody was asked" };
  for (let i = 0; i < TRIES && answer.outcome !== "ok"; i++) {
    answer = await door.ask(nodes[i % nodes.length]!, "DN.GET", key, "R", "all", "STRICT");
  }
  return answer;
}
