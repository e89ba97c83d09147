// Limits on everything, in one place.

import { NESTING_DEPTH_MAX } from "../base/nesting.ts";
import { CONTEXT_BYTES_MAX } from "../causality/context.ts";
import { TOKEN_CHARACTERS_MAX } from "../causality/context_token.ts";
import { PARTITION_COUNT_MAX } from "../ring/partition.ts";

/** Sizes in bytes, unless the name says otherwise. */
export const LIMITS = {
  key: 1024,
  /** A key as Deno KV escapes it: every NUL byte counts twice. */
  escapedKey: 1900,
  value: 512 * 1024,
  /**
   * An encoded object with all its siblings, or its head and each part if it lies in parts: it must fit one batch of
   * the disk.
   */
  object: 700 * 1024,
  /** An object whose large sets and maps lie in parts, about: its encoding must fit one message, and is up to a third more. */
  objectInParts: 8 * 1024 * 1024,
  siblingCount: 64,
  /** Operations on values that merge in one request. */
  operationCount: 1024,
  /** One message between two nodes. */
  message: 11 * 1024 * 1024,
  /** Characters of one context as clients carry it. */
  contextToken: TOKEN_CHARACTERS_MAX,
  /** The same between nodes. */
  context: CONTEXT_BYTES_MAX,
  /** Contexts that one read may have to be at least as late as. */
  contextsOfReadCount: 8,
  /** All keys that a node seals contexts with, as they travel. */
  sealKeys: 4 * 1024,
  /** Lists in lists in one message, the message being the first. */
  messageDepth: 8,
  /**
   * Elements of all lists of one message: a repair of all partitions tells of each with every other owner whether it
   * differed.
   */
  messageElementCount: 262_144,
  /** The longest time that one node gives another, in milliseconds: for a repair. */
  messageTimeoutMs: 3_600_000,
  /** What one node tells another of a failure, in characters; what is longer is cut. */
  failureCharacters: 2_000,
  /** Numbers and names that go with a failure, and elements of a list among them. */
  failureDetailCount: 64,
  /** Lists and maps in one another in JSON, MessagePack and documents, from clients and in their values. */
  depth: NESTING_DEPTH_MAX,
  nodeName: 64,
  /** Requests that one node has open at one peer. */
  inFlightPerPeerCount: 4096,
  /** Requests that one node has in hand for clients and for nodes that forward to it. */
  inFlightPerNodeCount: 8192,
  /** Members of one layout. */
  layoutMemberCount: 1024,
  /** Partitions of one layout. */
  partitionCount: PARTITION_COUNT_MAX,
  /** Keys in one page of a scan. */
  scanPageCount: 1000,
  timeoutMsMax: 60_000,
  /** The most copies of a key that a namespace may ask for. */
  copiesCount: 16,
  /** The longest default time to live of a namespace: ten years. */
  ttlMsMax: 315_360_000_000,
} as const;

/** Used where neither the request nor its namespace says anything else. */
export const DEFAULT_TIMEOUT_MS = 5_000;
