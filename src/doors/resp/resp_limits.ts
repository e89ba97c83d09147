// The limits of the RESP door, in one place.

import { LIMITS } from "../../wire/limits.ts";

/** Sizes in bytes, unless the name says otherwise. */
export const RESP_LIMITS = {
  /** Arguments of one command, its name included. */
  argumentCount: 1024 * 1024,
  /** Up to so many, what a command makes of its arguments is not counted. */
  fewArguments: 1024,
  /** One argument as a client may announce it, as in Redis: what is too large but no larger than this is read away. */
  announced: 512 * 1024 * 1024,
  /** One argument that is kept. A value a little over its own limit arrives, and its error names that limit. */
  argument: LIMITS.value + 64 * 1024,
  /** All arguments of one command together. */
  command: 16 * 1024 * 1024,
  /** One line of an inline command. */
  inline: 64 * 1024,
  /** What one read takes from a connection: the longest backlog of a pipeline. */
  read: 16 * 1024,
  /** The same for a connection that has not sent more at once: many wait idly and have one. */
  firstRead: 1024,
  /** What a command gathers for its reply is counted in steps of about so many bytes. */
  gatherStep: 64 * 1024,
  /** Replies are written out once there are so many, before the next command of the pipeline runs. */
  replyBacklog: 64 * 1024,
  /** The reply of one command. */
  reply: 64 * 1024 * 1024,
  /** What one command holds at once to make its reply: the keys of one KEYS, the sets of one SUNION. */
  gathered: 128 * 1024 * 1024,
  /** The largest COUNT of SCAN that is obeyed. */
  scanCount: 10_000,
  /** Requests of one command with many keys that are under way at once. */
  concurrentKeysCount: 64,
  /** Keys that the pipelined commands of one connection ask for at once. */
  pipelinedKeysCount: 64,
  /** Replies of pipelined commands that are ready, or expected of those that run. */
  pipelinedReplies: LIMITS.value,
  /** Replies are not held back for the rest of their pipeline longer than this. */
  replyDelayMs: 20,
  /** A client that takes nothing of its replies for so long is cut off. */
  slowReaderMs: 30_000,
  /** A client that has begun a command and sends nothing more of it for so long is cut off. */
  halfCommandMs: 15_000,
  /** How long a connection that broke the protocol may go on sending before it is cut off. */
  lingerMs: 1_000,
  /** How long commands under way may take to end once the door stops. */
  stopMs: 2_000,
} as const;

/**
 * What a byte string takes beside its bytes while it waits in a list, as an argument or a key does: a view (113 bytes
 * of heap, measured) and its place in the list.
 */
export const ELEMENT_BYTES = 128;
