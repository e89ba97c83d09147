// Attacks the RESP doors: pipelines of commands with odd arguments, and connections that break the protocol.
//
// A pipeline ends with a word that the node says again, so that all of it is known to have been answered. What
// breaks the protocol has a connection of its own, as it ends it.

import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { Draw } from "./draw.ts";
import { commandBytes, drawBroken, drawCommand } from "./resp_words.ts";
import type { Tally } from "./tally.ts";
import { readUntil, sendAll, withConnection } from "./tcp.ts";

export interface DoorAttackOptions {
  readonly seed: string;
  readonly nodes: readonly { readonly name: string; readonly port: number }[];
  readonly inputCount: number;
  readonly isOver: () => boolean;
  readonly firstBatch: number;
}

/** Connections to each node. */
const CLIENTS = 4;
const BATCH_COUNT = 200;
/** Broken inputs that go with each batch. */
const BROKEN_COUNT = 100;
const PATIENCE_MS = 60_000;

export async function attackByResp(options: DoorAttackOptions, tally: Tally): Promise<void> {
  await Promise.all(
    options.nodes.flatMap((node) =>
      Array.from({ length: CLIENTS }, async (_, client) => {
        for (let batch = options.firstBatch; !options.isOver(); batch++) {
          if (tally.sentCount >= options.inputCount || tally.findings.length > 0) return;
          const place = `resp client ${client} at ${node.name} batch ${batch}`;
          const draw = new Draw(`${options.seed} ${place}`);
          try {
            await sendCommands(draw, node.port, batch, tally);
            for (let i = 0; i < BROKEN_COUNT; i++) await sendBroken(draw, node.port, tally);
          } catch (error) {
            tally.findings.push(`${node.name}: ${(error as Error).message} (${place})`);
          }
        }
      })
    ),
  );
}

async function sendCommands(draw: Draw, port: number, batch: number, tally: Tally) {
  const word = `end of batch ${batch}`;
  const parts: Uint8Array[] = [];
  for (let i = 0; i < BATCH_COUNT; i++) {
    const { kind, bytes } = drawCommand(draw);
    tally.send(kind);
    parts.push(bytes);
  }
  // Within MULTI it would only be queued.
  parts.push(commandBytes([utf8("RESET")]), commandBytes([utf8("ECHO"), utf8(word)]));
  await withConnection(port, async (connection) => {
    const sending = sendAll(connection, concatBytes(parts));
    const replies = await readUntil(connection, `${word}\r\n`, PATIENCE_MS);
    if (replies === undefined) throw new Error(`no end of a pipeline within ${PATIENCE_MS} ms`);
    await sending;
    for (const [, code] of replies.matchAll(/(?:^|\r\n)-([A-Z]+)/g)) tally.answer(code!);
  });
  tally.answer("pipelines answered");
}

/** Sends what may end the connection; whatever comes of it, it is given up. */
async function sendBroken(draw: Draw, port: number, tally: Tally): Promise<void> {
  tally.send("broken");
  await withConnection(port, async (connection) => {
    await sendAll(connection, drawBroken(draw));
    if (draw.onceIn(3)) await readUntil(connection, "\r\n", LINGER_MS);
  });
}

const LINGER_MS = 20;
