// Attacks the HTTP doors: connections with many requests one behind the other, the last of which may be anything.

import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { Draw } from "./draw.ts";
import { drawBrokenHttp, drawHttpRequest } from "./http_words.ts";
import { CHAPTER_BATCHES, type DoorAttackOptions, times } from "./resp_attack.ts";
import type { Tally } from "./tally.ts";
import { readUntil, sendAll, withConnection } from "./tcp.ts";

/** Connections with requests to each node. */
const CLIENTS = 6;
/** Requests on one connection. */
const BATCH_COUNT = 60;
/** Broken inputs that go beside each batch: one in twenty. */
const BROKEN_COUNT = 3;
const PATIENCE_MS = 60_000;
const LINGER_MS = 20;

export async function attackByHttp(options: DoorAttackOptions, tally: Tally): Promise<void> {
  await Promise.all(
    options.nodes.flatMap((node) =>
      Array.from({ length: CLIENTS }, async (_, client) => {
        for (let batch = options.firstBatch; !options.isOver(); batch++) {
          if (tally.sentCount >= options.inputCount || tally.findings.length > 0) return;
          const place = `http client ${client} at ${node.name} batch ${batch}`;
          const draw = new Draw(`${options.seed} ${place}`);
          const chapter = Math.floor(batch / CHAPTER_BATCHES);
          const requests = times(BATCH_COUNT, () => drawHttpRequest(draw, chapter));
          const broken = times(BROKEN_COUNT, () => ({
            bytes: drawBrokenHttp(draw, chapter),
            isAwaited: draw.onceIn(3),
          }));
          try {
            await Promise.all([
              sendRequests(requests, node.port, tally),
              ...broken.map((one) => sendBroken(one, node.port, tally)),
            ]);
          } catch (error) {
            tally.findings.push(`${node.name}: ${(error as Error).message} (${place})`);
          }
        }
      })
    ),
  );
}

type Drawn = ReturnType<typeof drawHttpRequest>;

/** Sends requests; where one of them ends its connection, those behind it go on another. */
async function sendRequests(drawn: readonly Drawn[], port: number, tally: Tally): Promise<void> {
  for (let rest = drawn; rest.length > 0;) {
    const answeredCount = await sendOnOneConnection(rest, port, tally);
    // One that is not answered was looked at nevertheless.
    const done = rest.slice(0, Math.max(1, answeredCount));
    for (const { kind } of done) tally.send(kind);
    rest = rest.slice(done.length);
  }
}

/** Returns how many were answered. */
async function sendOnOneConnection(
  drawn: readonly Drawn[],
  port: number,
  tally: Tally,
): Promise<number> {
  const requests = drawn.map(({ bytes }) => bytes);
  requests.push(utf8("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  let answeredCount = 0;
  await withConnection(port, async (connection) => {
    const sending = sendAll(connection, concatBytes(requests));
    sending.catch(() => {});
    const answers = await readUntil(connection, undefined, PATIENCE_MS);
    if (answers === undefined) throw new Error(`no end of the answers within ${PATIENCE_MS} ms`);
    const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status!);
    for (const status of statuses) tally.answer(status);
    answeredCount = statuses.length;
  });
  return answeredCount;
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
    if (isAwaited) await readUntil(connection, undefined, LINGER_MS);
  });
}
