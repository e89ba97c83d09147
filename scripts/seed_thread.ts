// A thread of its own for one seed after another.
//
// A seed may take its thread down, or keep it busy for ever: neither may end the run. The one who waits is
// told what happened, and the next seed gets a new thread.

/** Runs one task after another on a thread of its own. */
export class SeedThread<Task, Answer> implements Disposable {
  readonly #module: URL;
  readonly #limitMs: number;
  #worker: Worker | undefined;
  /** Ends what is under way without an answer. */
  #giveUp: (() => void) | undefined;
  #isOver = false;

  /**
   * @param module answers each message with one message
   * @param limitMs how long a task may take in real time
   */
  constructor(module: URL, limitMs: number) {
    this.#module = module;
    this.#limitMs = limitMs;
  }

  /**
   * Runs one task; the one before it must have ended.
   *
   * @returns the answer; undefined if this was disposed of, or `signal` was aborted, meanwhile
   * @throws {Error} if the thread fails or takes too long
   */
  async run(task: Task, signal?: AbortSignal): Promise<Answer | undefined> {
    if (this.#isOver || signal?.aborted === true) return undefined;
    const worker = this.#worker ??= new Worker(this.#module, { type: "module" });
    const { promise, resolve, reject } = Promise.withResolvers<Answer | undefined>();
    const giveUp = () => {
      this.#end();
      resolve(undefined);
    };
    const fail = (message: string) => {
      this.#end();
      reject(new Error(message));
    };
    const timer = setTimeout(() => {
      fail(`It has not ended after ${this.#limitMs} ms of real time`);
    }, this.#limitMs);
    this.#giveUp = giveUp;
    signal?.addEventListener("abort", giveUp);
    worker.onmessage = (event: MessageEvent<Answer>) => resolve(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      fail(`The thread has failed: ${event.message}`);
    };
    try {
      worker.postMessage(task);
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
      this.#giveUp = undefined;
    }
  }

  /** Ends the thread, and what it is doing. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#giveUp?.();
    this.#end();
  }

  #end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}
