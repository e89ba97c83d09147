// Promises that failed while nobody waited for them.
//
// By default the first one ends the process, and there are libraries below a node that forget a promise when a socket
// fails at the wrong moment. A node whose requests all have somebody who waits for them goes on, and says what it was.

import type { Log } from "../ports/log.ts";

/** Logs such promises from now on, until it is disposed of. */
export function logStrayRejections(log: Log): Disposable {
  const listener = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    const { reason } = event;
    log.error("Something failed that nobody waited for; the node goes on", {
      problem: reason instanceof Error ? reason.stack ?? reason.message : String(reason),
    });
  };
  globalThis.addEventListener("unhandledrejection", listener);
  return {
    [Symbol.dispose]: () => globalThis.removeEventListener("unhandledrejection", listener),
  };
}
