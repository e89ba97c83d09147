// Attacks the RESP doors: pipelines of commands with odd arguments, and connections that break the protocol.
//
// A pipeline ends with a word that the node says again, so that all of it is known to have been answered. What
// breaks the protocol has a connection of its own, as it ends it.

import { inParallel } from "../../src/base/in_parallel.ts";
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

/** Connections with pipelines to each node. */
const CLIENTS = 8;
const BATCH_COUNT = 380;
/** Broken inputs that go beside each batch: one in twenty. */
const BROKEN_COUNT = 20;
/** How many of them are under way at a time. */
const BROKEN_AT_A_TIME = 4;
/** Batches of each client about the same keys. */
export const CHAPTER_BATCHES = 10;
const PATIENCE_MS = 60_000;

export async function attackByResp(options: DoorAttackOptions, tally: Tally): Promise<void> {
  await Promise.all(
    options.nodes.flatMap((node) =>
      Array.from({ length: CLIENTS }, async (_, client) => {
        for (let batch = options.firstBatch; !options.isOver(); batch++) {
          if (tally.sentCount >= options.inputCount || tally.findings.length > 0) return;
          const place = `resp client ${client} at ${node.name} batch ${batch}`;
          const draw = new Draw(`${options.seed} ${place}`);
          const chapter = Math.floor(batch / CHAPTER_BATCHES);
          // All is drawn before anything is sent: when the node answers has no say in it.
          const commands = times(BATCH_COUNT, () => drawCommand(draw, chapter));
          const broken = times(BROKEN_COUNT, () => ({
            bytes: drawBroken(draw, chapter),
            isAwaited: draw.onceIn(3),
          }));
          try {
            await Promise.all([
              sendCommands(commands, node.port, batch, tally),
              inParallel(broken, BROKEN_AT_A_TIME, (one) => sendBroken(one, node.port, tally)),
            ]);
          } catch (error) {
            tally.findings.push(`${node.name}: ${(error as Error).message} (${place})`);
          }
        }
      })
    ),
  );
}

async function sendCommands(
  commands: readonly ReturnType<typeof drawCommand>[],
  port: number,
  batch: number,
  tally: Tally,
): Promise<void> {
  const word = `end of batch ${batch}`;
  // Within MULTI it would only be queued.
  const end = concatBytes([
    commandBytes([utf8("RESET")]),
    commandBytes([utf8("ECHO"), utf8(word)]),
  ]);
  await withConnection(port, async (connection) => {
    const bytes = concatBytes([...commands.map((command) => command.bytes), end]);
    const sending = sendAll(connection, bytes);
    const replies = await readUntil(connection, `${word}\r\n`, PATIENCE_MS);
    if (replies === undefined) throw new Error(`no end of a pipeline within ${PATIENCE_MS} ms`);
    await sending;
    for (const [, code] of replies.matchAll(/(?:^|\r\n)-([A-Z]+)/g)) tally.answer(code!);
  });
  for (const { kind } of commands) tally.send(kind);
  tally.answer("pipelines answered");
}

/** Sends what may end the connection; whatever comes of it, it is given up. */
async function sendBroken(
  { bytes, isAwaited }: { readonly bytes: Uint8Array; readonly isAwaited: boolean },
  port: number,
  tally: Tally,
): Promise<void> {
  tally.send("broken");
  await withConnection(port, async (connection) => {
    await sendAll(connection, bytes);
    if (isAwaited) await readUntil(connection, "\r\n", LINGER_MS);
  });
}

const LINGER_MS = 20;

export function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
