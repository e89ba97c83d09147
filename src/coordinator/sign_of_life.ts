// Whom a write is handed to that can be handed over only once.
//
// A forwarded write must not be tried elsewhere unless the first certainly did nothing with it, so if its taker
// hangs it waits for its deadline and ends as `unknown`. Who has just said something hardly hangs. Of who
// has said nothing for a tenth of a second nobody knows: it is asked for a sign of life first, soon the next one
// beside it, and the write goes to the first that gives one. While there is much to do everybody speaks all the
// time, and nobody is asked; while there is little, a write takes one short way to and fro more.

import type { Cluster, Reachable } from "../replica/cluster.ts";
import type { Deadlines } from "../wire/deadlines.ts";
import { DenamoError } from "../wire/errors.ts";
import { METHODS } from "../wire/message_codec.ts";
import { firstAnswer } from "./first_answer.ts";

/** How long one is waited for before the next is asked as well, and in the end, in milliseconds. */
const NEXT_AFTER_MS = 20;
const PATIENCE_MS = 250;

/** The same nodes, the first of them one that lives; as they are if none gives a sign of life. */
export async function livingFirst(
  { rpc }: Cluster,
  nodes: readonly Reachable[],
  deadlines: Deadlines,
  timeoutMs: number,
): Promise<readonly Reachable[]> {
  const [first] = nodes;
  if (first === undefined || nodes.length === 1 || !rpc.isSilent(first.peer)) return nodes;
  const patienceMs = Math.min(timeoutMs, PATIENCE_MS);
  const living = await firstAnswer(nodes, deadlines, NEXT_AFTER_MS, async (node) => {
    try {
      await rpc.call(node.peer, METHODS.probe, [], patienceMs);
      return node;
    } catch (error) {
      if (!(error instanceof DenamoError)) throw error;
      return undefined;
    }
  });
  return living === undefined ? nodes : [living, ...nodes.filter((node) => node !== living)];
}
