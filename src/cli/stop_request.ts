// When a process is asked to stop: by a signal, or by the end of its parent.
//
// A terminal sends SIGINT to everybody at once, a supervisor SIGTERM, a closed terminal SIGHUP; some send
// two of them, or the same twice. The first decides, the others change nothing. A process that was started
// with a pipe as its standard input can also be stopped by closing it, which the system does
// when the parent dies in whatever way, so no orphan is left behind.

/** The first request to stop. */
export interface StopRequest extends Disposable {
  /** Resolves with what asked: the name of a signal, or "end of input". */
  readonly asked: Promise<string>;
  /** Aborted at that moment. */
  readonly signal: AbortSignal;
}

/** Listens from now on. Disposing gives the signals back to the system. */
export function listenForStop(options: { withInput: boolean }): StopRequest {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<string>();
  const ask = (what: string) => {
    controller.abort();
    resolve(what);
  };
  const listeners = SIGNALS.map((signal) => [signal, () => ask(signal)] as const);
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  if (options.withInput) whenInputEnds(() => ask("end of input"));
  return {
    asked: promise,
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK", "SIGHUP"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** A pipe that fails is at its end as well. */
function whenInputEnds(callback: () => void): void {
  const buffer = new Uint8Array(1024);
  const read = (): Promise<void> =>
    Deno.stdin.read(buffer).then((length) => length === null ? callback() : read(), callback);
  void read();
}
