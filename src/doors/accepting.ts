// Accepting connections, whatever happens.
//
// A listener fails for moments: the process is out of descriptors, a client leaves at once. Neither ends a door. It
// waits a little and tries again; who connects meanwhile waits in the queue of the system.

import { messageOf } from "../wire/errors.ts";
import type { Log } from "../ports/log.ts";
import { Seldom } from "./seldom.ts";

const PAUSE_MS = 100;

export interface AcceptOptions {
  /** Names the door in the log, as in "RESP". */
  readonly door: string;
  readonly log: Log;
  readonly isStopping: () => boolean;
  /** Closes a connection that nobody misses, as the process may be out of descriptors; false if there is none. */
  readonly makeRoom: () => boolean;
}

/** Hands each connection to `admit` until the listener is closed. Never rejects. */
export async function acceptConnections(
  listener: Deno.TcpListener,
  admit: (connection: Deno.TcpConn) => void,
  { door, log, isStopping, makeRoom }: AcceptOptions,
): Promise<void> {
  const warnings = new Seldom();
  while (!isStopping()) {
    try {
      admit(await listener.accept());
    } catch (error) {
      if (isStopping()) return;
      warnings.do((count) =>
        log.warn(`Cannot accept a connection for ${door}; the door goes on`, {
          problem: messageOf(error),
          times: count,
        })
      );
      const pauseMs = makeRoom() ? 0 : PAUSE_MS;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
