// Lets a process end after its network has stopped.
//
// libp2p's peer store takes its locks through `mortice`, which opens a BroadcastChannel called
// "mortice" for the worker threads that might share the store, and never closes it. On Node it takes the
// channel out of the event loop with `unref`; Deno's BroadcastChannel has no such method, so the
// process would stay for ever. We share no store between threads: that one channel becomes a mute one, and
// all others stay what they are.
//
// Must be imported before libp2p.

const MUTED = "mortice";

/** A channel on which nothing is ever heard. */
class MuteChannel extends EventTarget {
  readonly name = MUTED;
  onmessage = null;
  onmessageerror = null;
  postMessage(): void {}
  close(): void {}
}

globalThis.BroadcastChannel = new Proxy(globalThis.BroadcastChannel, {
  construct(target, args, newTarget): object {
    return args[0] === MUTED ? new MuteChannel() : Reflect.construct(target, args, newTarget);
  },
});
