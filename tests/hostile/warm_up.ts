// Ordinary work for nodes, hard enough that they take the memory that work takes: what was taken since their start says
// little, as they have compiled nothing and collected nothing yet.

import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { commandBytes } from "../fuzz/resp_words.ts";
import { readUntil, sendAll, withConnection } from "../fuzz/tcp.ts";
import type { TargetNode } from "./target.ts";

/** Connections to each node. */
const CLIENTS = 8;
const PIPELINE = 16;
const KEYS = 500;
const VALUE = "v".repeat(500);
const PATIENCE_MS = 30_000;

/** Writes and reads through all nodes for so long. The keys are none of other clients. */
export async function warmUp(nodes: readonly TargetNode[], forMs: number): Promise<void> {
  const endsAtMs = performance.now() + forMs;
  await Promise.all(
    nodes.flatMap(({ ports }) =>
      Array.from(
        { length: CLIENTS },
        (_, client) =>
          withConnection(ports.resp, async (connection) => {
            for (let round = 0; performance.now() < endsAtMs; round++) {
              await sendAll(connection, pipeline(client, round));
              const replies = await readUntil(connection, "warm\r\n", PATIENCE_MS);
              if (replies === undefined) {
                throw new Error("A node does not answer before any attack");
              }
            }
          }),
      )
    ),
  );
}

function pipeline(client: number, round: number): Uint8Array {
  const commands: string[][] = [];
  for (let i = 0; i < PIPELINE; i++) {
    const key = `warm:${(client * 61 + round * PIPELINE + i) % KEYS}`;
    commands.push(["SET", key, VALUE], ["GET", key]);
  }
  commands.push(["ECHO", "warm"]);
  return concatBytes(commands.map((words) => commandBytes(words.map((word) => utf8(word)))));
}
