// Attacks the HTTP doors: connections with many requests one behind the other, the last of which may be anything.

import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { Draw } from "./draw.ts";
import { drawBrokenHttp, drawHttpRequest } from "./http_words.ts";
import type { DoorAttackOptions } from "./resp_attack.ts";
import type { Tally } from "./tally.ts";
import { readUntil, sendAll, withConnection } from "./tcp.ts";

/** Connections at a time to each node. */
const CLIENTS = 3;
/** Requests on one connection. */
const BATCH_COUNT = 60;
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
          try {
            await sendRequests(draw, node.port, tally);
            await sendBroken(draw, node.port, tally);
          } catch (error) {
            tally.findings.push(`${node.name}: ${(error as Error).message} (${place})`);
          }
        }
      })
    ),
  );
}

async function sendRequests(draw: Draw, port: number, tally: Tally): Promise<void> {
  const drawn = Array.from({ length: BATCH_COUNT }, () => drawHttpRequest(draw));
  const requests = drawn.map(({ bytes }) => bytes);
  requests.push(utf8("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  await withConnection(port, async (connection) => {
    const sending = sendAll(connection, concatBytes(requests));
    sending.catch(() => {});
    const answers = await readUntil(connection, undefined, PATIENCE_MS);
    if (answers === undefined) throw new Error(`no end of the answers within ${PATIENCE_MS} ms`);
    const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status!);
    for (const status of statuses) tally.answer(status);
    // One that ends the connection is the last that was looked at.
    for (const { kind } of drawn.slice(0, Math.max(1, statuses.length))) tally.send(kind);
  });
}

/** Sends what may end the connection; whatever comes of it, it is given up. */
async function sendBroken(draw: Draw, port: number, tally: Tally): Promise<void> {
  tally.send("broken");
  await withConnection(port, async (connection) => {
    await sendAll(connection, drawBrokenHttp(draw));
    if (draw.onceIn(3)) await readUntil(connection, undefined, LINGER_MS);
  });
}
