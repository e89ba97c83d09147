// What is played in a small world: who asks for what, and who dies.

import { utf8 } from "../../src/base/bytes.ts";
import type { QuorumLevel } from "../../src/replica/namespaces.ts";
import { partitionOf } from "../../src/ring/partition.ts";

/** The one key of a small world. */
export const KEY = "k";

/** Its value from the beginning, if it has one. */
export const FIRST_VALUE = "first";

/** As few as there may be. */
export const PARTITIONS = 256;

/** The one that the key lies in. */
export const PARTITION = partitionOf(utf8(KEY), PARTITIONS);

/** One request of a client of its own. */
export interface Request {
  readonly kind: "get" | "put" | "delete";
  /** The node that is asked. All nodes own the key. */
  readonly at: string;
  /**
   * What its client knows: nothing, the value that is there from the beginning, or what the last read or
   * put before it has returned, if the requests are made in turn.
   */
  readonly knows: "nothing" | "first" | "last";
}

/** The one crash of a world. */
export interface Crash {
  readonly at: string;
  /** Whether the machine starts again with its disk, or with one that knows the layout and nothing else. */
  readonly disk: "kept" | "emptied";
}

export interface Scenario {
  readonly name: string;
  readonly nodeCount: number;
  readonly r: QuorumLevel;
  readonly w: QuorumLevel;
  /** Whether the key has a value from the beginning: then it lies in a record, not in the journal. */
  readonly isWritten: boolean;
  readonly requests: readonly Request[];
  /** Whether each request begins when the one before it has ended. */
  readonly isInTurn: boolean;
  readonly crash: Crash | undefined;
}
