// The commands of one connection that came together: which of them run at once, and in which order they are answered.
//
// A client that sends many commands without waiting for replies wants them done fast, and as if they had run one
// after the other. Each takes a round to other nodes, so they run together; but a command waits for
// those before it that name one of its keys. So a GET sees the SET before it, and every command of one key finds what
// it would have found alone. Replies are taken in the order of the commands.
//
// Two things are bounded: how many keys are asked for at once, and the replies that are ready but not sent. Nobody
// knows how long the reply of a read will be, so the longest of late is expected, and at first the longest there is: a
// connection begins with one read at a time, and doubles that with every reply that is short.
//
// The oldest command waits for nothing before it. If nothing else runs and its reply is waited for, it begins whatever
// the bounds say, so there is always an end.

import { assert } from "../../base/assert.ts";

/** One command. */
export interface PipelineTask {
  /** Its keys, each as a string that differs from those of other keys. */
  readonly keys: readonly string[];
  /** Whether its reply can be long. */
  readonly isRead: boolean;
  /** How long its reply is once it has run, in bytes. */
  readonly replyBytes: number;
  /** Carries it out. Must not reject. */
  run(): void | Promise<void>;
}

export interface PipelineLimits {
  /** Keys that are asked for at once. A command with more runs alone. */
  readonly concurrentKeysCount: number;
  /** Replies that are ready or expected, in bytes. */
  readonly replyBytes: number;
  /** The longest reply that is expected of a connection that is new, in bytes. */
  readonly firstReplyBytes: number;
}

export class Pipeline<Task extends PipelineTask> {
  readonly #limits: PipelineLimits;
  readonly #unsentBytes: () => number;
  /** In the order in which they came; those before `#taken` have been taken. */
  #entries: Entry<Task>[] = [];
  #taken = 0;
  /** Those that wait for no command before them and have not begun, the oldest first. */
  readonly #ready: Entry<Task>[] = [];
  /** The latest command of each key that has not ended. */
  readonly #latest = new Map<string, Entry<Task>>();
  #runningKeys = 0;
  #runningReads = 0;
  #runningCount = 0;
  /** The replies of commands that have ended and are not taken. */
  #endedBytes = 0;
  #expectedReplyBytes: number;
  /** Called when the oldest command ends, while somebody waits for it. */
  #wake: (() => void) | undefined;
  #isCancelled = false;
  #isBeginning = false;

  /** @param unsentBytes how much of the replies that were taken is not sent */
  constructor(limits: PipelineLimits, unsentBytes: () => number) {
    this.#limits = limits;
    this.#unsentBytes = unsentBytes;
    this.#expectedReplyBytes = limits.firstReplyBytes;
  }

  /** How many commands have begun and not ended. */
  get runningCount(): number {
    return this.#runningCount;
  }

  get isEmpty(): boolean {
    return this.#taken === this.#entries.length;
  }

  /** Runs a command as soon as it may; perhaps at once. */
  add(task: Task): void {
    const entry = new Entry(task, this.#entries.length);
    this.#entries.push(entry);
    for (const key of task.keys) {
      const before = this.#latest.get(key);
      if (before === entry) continue;
      this.#latest.set(key, entry);
      if (before === undefined) continue;
      before.followers.push(entry);
      entry.waitsFor++;
    }
    if (entry.waitsFor > 0) return;
    this.#ready.push(entry);
    this.#begin();
  }

  /** The oldest command that was not taken, once it has ended. Undefined if no command waits, or the rest was cancelled. */
  async take(): Promise<Task | undefined> {
    const entry = this.#entries[this.#taken];
    if (entry === undefined) return undefined;
    if (!entry.hasEnded) {
      // A promise that is taken by one place only: the loop of the session.
      const ended = new Promise<void>((resolve) => this.#wake = resolve);
      this.#begin();
      if (!entry.hasEnded && !(this.#isCancelled && !entry.hasBegun)) await ended;
      this.#wake = undefined;
      if (!entry.hasEnded) return undefined;
    }
    this.#endedBytes -= entry.task.replyBytes;
    if (++this.#taken === this.#entries.length) this.#clear();
    return entry.task;
  }

  /** Commands that have not begun will not run. */
  cancel(): void {
    this.#isCancelled = true;
    this.#ready.length = 0;
    if (this.#entries[this.#taken]?.hasBegun === false) this.#wakeUp();
  }

  #clear(): void {
    assert(
      this.#latest.size === 0 && this.#ready.length === 0,
      "Nothing is left of what has ended",
    );
    this.#entries = [];
    this.#taken = 0;
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #begin(): void {
    // A command that ends at once comes here again: the loop below goes on with what it left.
    if (this.#isBeginning) return;
    this.#isBeginning = true;
    while (this.#ready.length > 0 && this.#mayBegin(this.#ready[0]!)) {
      this.#run(this.#ready.shift()!);
    }
    this.#isBeginning = false;
  }

  #mayBegin({ task }: Entry<Task>): boolean {
    if (this.#runningCount === 0 && this.#wake !== undefined) return true;
    const { concurrentKeysCount, replyBytes } = this.#limits;
    const keys = this.#runningKeys + task.keys.length;
    if (keys > concurrentKeysCount && this.#runningCount > 0) return false;
    const reads = this.#runningReads + (task.isRead ? 1 : 0);
    const expected = reads * this.#expectedReplyBytes;
    return this.#unsentBytes() + this.#endedBytes + expected <= replyBytes;
  }

  #run(entry: Entry<Task>): void {
    const { task } = entry;
    entry.hasBegun = true;
    this.#runningCount++;
    this.#runningKeys += task.keys.length;
    if (task.isRead) this.#runningReads++;
    const pending = task.run();
    if (pending === undefined) this.#end(entry);
    else pending.then(() => this.#end(entry));
  }

  #end(entry: Entry<Task>): void {
    const { task } = entry;
    entry.hasEnded = true;
    this.#runningCount--;
    this.#runningKeys -= task.keys.length;
    this.#endedBytes += task.replyBytes;
    if (task.isRead) {
      this.#runningReads--;
      this.#expectedReplyBytes = Math.max(task.replyBytes, this.#expectedReplyBytes / 2);
    }
    for (const key of task.keys) {
      if (this.#latest.get(key) === entry) this.#latest.delete(key);
    }
    for (const follower of entry.followers) {
      if (--follower.waitsFor === 0 && !this.#isCancelled) this.#makeReady(follower);
    }
    if (this.#entries[this.#taken] === entry) this.#wakeUp();
    this.#begin();
  }

  /** Puts a command before the younger ones. */
  #makeReady(entry: Entry<Task>): void {
    let at = this.#ready.length;
    while (at > 0 && this.#ready[at - 1]!.number > entry.number) at--;
    this.#ready.splice(at, 0, entry);
  }
}

class Entry<Task> {
  readonly task: Task;
  readonly number: number;
  /** Those that may run once this has ended, if they wait for nothing else. */
  readonly followers: Entry<Task>[] = [];
  waitsFor = 0;
  hasBegun = false;
  hasEnded = false;

  constructor(task: Task, number: number) {
    this.task = task;
    this.number = number;
  }
}
