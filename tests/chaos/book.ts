// What clients outside the cluster did and were shown, in the form in which the oracle on lost writes takes it.
//
// From outside nobody sees a dot. But every value is written once, so a value that is shown names its write, and
// a write with a context replaces what was shown with that context and what those had replaced. A write without a
// context replaces whatever its coordinator finds, which cannot be known here: it must be the only one of its key.
// Not even a second try may use the key, since a first one of which nobody knows may still come, find it, and
// replace it.

import {
  closure,
  type Operation,
  type OperationKind,
  showOperation,
  type Write,
} from "../sim/history.ts";
import { lostWriteProblems } from "../sim/oracles/lost_writes.ts";

export class Book {
  readonly #ofKey = new Map<string, { operations: Operation[]; writes: Write[] }>();
  readonly #byValue = new Map<string, Write>();
  #operationCount = 0;

  get keys(): Iterable<string> {
    return this.#ofKey.keys();
  }

  /** The write that left a value. @throws if nobody wrote it */
  writeOf(value: string): Write {
    const write = this.#byValue.get(value);
    if (write === undefined) throw new Error(`Nobody has written "${value}"`);
    return write;
  }

  /**
   * A put, or a delete, begins.
   *
   * @param shown what it replaces
   * @throws if it replaces what nobody knows
   */
  begin(
    at: { readonly client: string; readonly node: string; readonly key: string },
    value: string | undefined,
    shown: readonly Write[] | undefined,
    nowMs: number,
  ): Write {
    if (shown === undefined && this.#ofKey.has(at.key)) {
      throw new Error(`Nobody knows what a write to "${at.key}" without a context replaces`);
    }
    const kind: OperationKind = value === undefined ? "delete" : "put";
    const operation: Operation = {
      ...at,
      id: this.#operationCount++,
      kind,
      value,
      needed: 2,
      readNeeded: 2,
      shown,
      invokedAtMs: nowMs,
      endedAtMs: undefined,
      outcome: "open",
      error: undefined,
      siblings: [],
      isSession: false,
      seen: undefined,
      floor: 0,
      writes: [],
      found: [],
      answers: [],
    };
    const ofKey = this.#ofKey.get(at.key) ?? { operations: [], writes: [] };
    this.#ofKey.set(at.key, ofKey);
    const met = shown ?? [];
    const write: Write = {
      name: `#${operation.id}`,
      index: ofKey.writes.length,
      dot: { actor: "outside", time: operation.id + 1 },
      operation,
      key: at.key,
      partition: 0,
      value,
      replaced: closure(met),
      met,
      node: at.node,
      run: 0,
      drawnAtMs: nowMs,
    };
    ofKey.operations.push(operation);
    ofKey.writes.push(write);
    if (value !== undefined) this.#byValue.set(value, write);
    return write;
  }

  /** A write has ended. One that was refused must never be seen. */
  end(
    write: Write,
    outcome: "ok" | "no" | "unknown",
    error: string | undefined,
    nowMs: number,
  ): void {
    const { operation } = write;
    operation.outcome = outcome;
    operation.error = error;
    operation.endedAtMs = nowMs;
    if (outcome !== "no") operation.writes.push(write);
  }

  /** What is wrong with the final values of one key, and then all that was done to it. */
  problems(key: string, found: readonly string[]): string[] {
    const { operations, writes } = this.#ofKey.get(key)!;
    const problems = lostWriteProblems(key, operations, writes, found);
    if (problems.length === 0) return [];
    return [
      [...problems, `there is [${found}] after`, ...operations.map(showOperation)].join("\n  "),
    ];
  }

  /** How many writes ended in each way. */
  outcomes(): Record<"ok" | "no" | "unknown", number> {
    const counts = { ok: 0, no: 0, unknown: 0 };
    for (const { operations } of this.#ofKey.values()) {
      for (const { outcome } of operations) if (outcome !== "open") counts[outcome]++;
    }
    return counts;
  }
}
