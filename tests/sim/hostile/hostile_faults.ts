// What comes from others than the nodes of the cluster, or makes no sense. Of every kind one thing is done at a time, as
// often as the options say, for as long as things go wrong.

import type { FaultAct } from "../faults.ts";
import type { HostileKind } from "../options.ts";

export const HOSTILE_FAULTS = {
  /** A peer that knows how to get in, and is no member of the layout. */
  stranger: ({ world }) => world.hostility!.stranger(),
  /** One that does not get in. */
  ungreeted: ({ world }) => world.hostility!.ungreeted(),
  /** What was right when it was said. */
  replay: ({ world }) => world.hostility!.replay(),
  /** A member, as it is with a bug or a flipped bit. */
  wrongMember: ({ world }) => world.hostility!.wrongMember(),
  /** A client that makes up what it has seen. */
  forgedContext: ({ world }) => world.hostility!.forger.act(),
} satisfies Record<HostileKind, FaultAct>;
