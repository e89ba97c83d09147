// The limits of the RESP door, in one place.

import { LIMITS } from "../../wire/limits.ts";

/** Sizes in bytes, unless the name says otherwise. */
export const RESP_LIMITS = {
  /** Arguments of one command, its name included. */
  argumentCount: 65_536,
  /** One argument. A value a little over its own limit arrives, and its error names that limit. */
  argument: LIMITS.value + 64 * 1024,
  /** All arguments of one command together. */
  command: 16 * 1024 * 1024,
  /** One line of an inline command. */
  inline: 64 * 1024,
  /** What one read takes from a connection: the longest backlog of a pipeline. */
  read: 16 * 1024,
  /** Replies are written out once there are so many, before the next command of the pipeline runs. */
  replyBacklog: 64 * 1024,
  /** The values of one MGET, the keys of one KEYS. */
  reply: 64 * 1024 * 1024,
  /** The largest COUNT of SCAN that is obeyed. */
  scanCount: 10_000,
  /** Requests of one command with many keys that are under way at once. */
  concurrentKeysCount: 64,
  /** Replies are not held back for the rest of their pipeline longer than this. */
  replyDelayMs: 20,
  /** A client that takes nothing of its replies for so long is cut off. */
  slowReaderMs: 30_000,
  /** How long a connection that broke the protocol may go on sending before it is cut off. */
  lingerMs: 1_000,
  /** How long commands under way may take to end once the door stops. */
  stopMs: 2_000,
  connectionCount: 10_000,
} as const;
