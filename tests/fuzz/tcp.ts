// Connections of rude clients: they may end at any moment, on either side.

import { Buffer } from "node:buffer";

/** Connects to a port of this machine, does something, and closes. That the other side cuts it off is no error. */
export async function withConnection(
  port: number,
  use: (connection: Deno.TcpConn) => Promise<void>,
): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await use(connection);
  } catch (error) {
    if (!isCut(error)) throw error;
  }
}

/** Sends all of it. */
export async function sendAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/**
 * What comes up to some words at its end, or to the end of the connection if there are none, each byte a character.
 * Undefined if it has not come in time, or the connection ended before the words.
 */
export async function readUntil(
  connection: Deno.TcpConn,
  words: string | undefined,
  timeoutMs: number,
): Promise<string | undefined> {
  const buffer = new Uint8Array(64 * 1024);
  const deadline = Promise.withResolvers<"late">();
  const timer = setTimeout(() => deadline.resolve("late"), timeoutMs);
  const chunks: Uint8Array[] = [];
  let end = "";
  try {
    for (;;) {
      const count = await Promise.race([connection.read(buffer), deadline.promise]);
      if (count === "late") return undefined;
      if (count === null) return words === undefined ? latin1Text(chunks) : undefined;
      chunks.push(buffer.slice(0, count));
      if (words === undefined) continue;
      end = (end + latin1Text([buffer.subarray(Math.max(0, count - words.length), count)]))
        .slice(-words.length);
      if (end === words) return latin1Text(chunks);
    }
  } catch (error) {
    if (!isCut(error)) throw error;
    return words === undefined ? latin1Text(chunks) : undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Each byte a character. */
function latin1Text(chunks: readonly Uint8Array[]): string {
  return Buffer.concat(chunks).toString("latin1");
}

function isCut(error: unknown): boolean {
  const { BadResource, BrokenPipe, ConnectionAborted, ConnectionReset, Interrupted, NotConnected } =
    Deno.errors;
  return [BadResource, BrokenPipe, ConnectionAborted, ConnectionReset, Interrupted, NotConnected]
    .some((kind) => error instanceof kind);
}
