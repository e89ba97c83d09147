// Two live processes with one identity: a data directory was copied, and both copies were started.
//
// To everybody else they are one peer, of which now this and now that run is connected. A process that has crashed and
// begun again looks the same, and it must be let in at once. What tells them apart is whether the former run still
// lives, so it is asked: by opening a stream over its connection, which only a process that runs can accept. If both
// live, the one that began earlier stays connected and the other is refused.
//
// A process that calls an address and finds its own identity there asks who that is. libp2p makes no connection to
// itself, so another identity, drawn for the occasion, carries the question.

import { generateKeyPair } from "@libp2p/crypto/keys";
import type { Connection, Stream } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p, type Libp2p } from "libp2p";
import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { MalformedError } from "../base/malformed.ts";
import type { PeerId } from "../ports/network.ts";
import { FrameReader, FrameWriter, plainBytes } from "./frames.ts";
import { NETWORK_VERSION, type Run } from "./greeting.ts";

/** How long a process may take to show that it lives, in milliseconds. */
export const SIGN_OF_LIFE_MS = 1_000;

/** How long the way to an address may take, in milliseconds. */
const CALL_MS = 3_000;

const PROTOCOL = `/denamo/${NETWORK_VERSION}/alive`;
const ANSWER_BYTES_MAX = 256;

/** Answers everybody who asks whether this process lives, and which run it is. */
export async function answerSigns(node: Libp2p, run: Run): Promise<void> {
  const writer = new ByteWriter();
  writer.text(run.instance);
  writer.integer(run.startedMs);
  const frame = new FrameWriter();
  frame.add(writer.finish());
  const answer = frame.take()!;
  await node.handle(PROTOCOL, (stream) => {
    stream.send(answer);
    stream.close().catch((error: Error) => stream.abort(error));
  });
}

/** Whether the process at the other end of a connection lives. Resolves within {@linkcode SIGN_OF_LIFE_MS}. */
export async function isAlive(connection: Connection): Promise<boolean> {
  return (await runAt(connection, SIGN_OF_LIFE_MS)) !== undefined;
}

/** Which run of a process with this identity answers at an address; undefined if none does. */
export async function runOf(peer: PeerId, address: string): Promise<Run | undefined> {
  const asker = await createLibp2p({
    privateKey: await generateKeyPair("Ed25519"),
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  });
  try {
    const connection = await asker.dial(multiaddr(address), {
      signal: AbortSignal.timeout(CALL_MS),
    });
    if (connection.remotePeer.toString() !== peer) return undefined;
    return await runAt(connection, SIGN_OF_LIFE_MS);
  } catch {
    return undefined;
  } finally {
    await asker.stop();
  }
}

async function runAt(connection: Connection, timeoutMs: number): Promise<Run | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  let stream: Stream | undefined;
  try {
    stream = await connection.newStream(PROTOCOL, { signal });
    return await firstFrame(stream, signal);
  } catch {
    stream?.abort(new Error("It gave no sign of life"));
    return undefined;
  }
}

/** What a process says of its run. @throws {MalformedError} */
export function readRun(frame: Uint8Array): Run {
  const fields = new ByteReader(frame, "sign of life");
  return { instance: fields.text(), startedMs: fields.integer() };
}

function firstFrame(stream: Stream, signal: AbortSignal): Promise<Run> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error("It gave no sign of life"));
    const reader = new FrameReader(ANSWER_BYTES_MAX, (frame) => {
      resolve(readRun(frame));
      return false;
    });
    signal.addEventListener("abort", fail, { once: true });
    stream.addEventListener("close", fail);
    stream.addEventListener("message", ({ data }) => {
      try {
        const chunks = data instanceof Uint8Array ? [data] : data;
        for (const chunk of chunks) reader.read(plainBytes(chunk));
        stream.close().catch((error: Error) => stream.abort(error));
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error;
        reject(error);
      }
    });
  });
}
