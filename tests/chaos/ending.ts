// When everything is healed: are the copies equal, and is everything there that was acknowledged?

import { waitFor } from "../cluster/wait_for.ts";
import type { Book } from "./book.ts";
import { Door, readAnswer } from "./door.ts";
import type { Victims } from "./victims.ts";

/** How many keys are read at once. */
const READERS = 32;

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

/** Reads every key from all its owners, and from some node alone; returns what is wrong. */
export async function judge(book: Book, victims: Victims): Promise<string[]> {
  const ports = new Map(victims.nodes.map(({ name, ports }) => [name, ports.resp]));
  const keys = [...book.keys];
  const problems: string[] = [];
  let next = 0;
  const read = async (door: Door) => {
    for (let at = next++; at < keys.length; at = next++) {
      const key = keys[at]!;
      const { name } = victims.nodes[at % victims.nodes.length]!;
      const answer = await door.ask(name, "DN.GET", key, "R", "all", "STRICT");
      if (answer.outcome === "ok") {
        problems.push(...book.problems(key, readAnswer(answer.reply).siblings.sort()));
      } else {
        problems.push(`${key} cannot be read from all its owners: ${answer.error}`);
      }
    }
  };
  await Promise.all(Array.from({ length: READERS }, async () => {
    using door = new Door(ports);
    await read(door);
  }));
  return problems;
}
