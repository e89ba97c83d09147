// The world as a node has it: everything that is handed in.

import type { Clock } from "../ports/clock.ts";
import type { Compressor } from "../ports/compressor.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import type { Network } from "../ports/network.ts";
import type { Random } from "../ports/random.ts";
import type { Witness } from "../replica/replica.ts";

export interface NodePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly disk: Disk;
  readonly log: Log;
  /** For namespaces that compress; without it none does. */
  readonly compressor?: Compressor | undefined;
  readonly witness?: Witness | undefined;
}
