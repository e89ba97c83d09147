// Histories made by hand, to be judged by the oracles.

import { closure, type Operation, type OperationOutcome, type Write } from "../history.ts";

/** How a request of a made history differs from a plain one. */
export interface Made {
  readonly outcome?: OperationOutcome;
  /** The writes that it was shown. */
  readonly knowing?: readonly Write[];
  readonly needed?: number;
  readonly from?: number;
  readonly until?: number;
  readonly actor?: string;
  readonly time?: number;
  readonly node?: string;
  readonly run?: number;
  readonly partition?: number;
  readonly client?: string;
  readonly isSession?: boolean;
  /** Of a get: the writes that its context covers. */
  readonly covering?: readonly Write[];
  /** Of a get: up to where all owners have seen everything. */
  readonly floor?: number;
}

/** The requests for one key. Without other words each begins when the one before it has ended. */
export class MadeHistory {
  readonly key = "k";
  readonly operations: Operation[] = [];
  readonly writes: Write[] = [];

  put(value: string, made: Made = {}): Write {
    return this.#write({ ...this.#operation(made), kind: "put", value }, made);
  }

  /** A put that drew no dot. */
  putInVain(value: string, made: Made = {}): Operation {
    const operation: Operation = { ...this.#operation(made), kind: "put", value };
    this.operations.push(operation);
    return operation;
  }

  delete(made: Made = {}): Write {
    return this.#write({ ...this.#operation(made), kind: "delete" }, made);
  }

  get(siblings: readonly string[], made: Made = {}): Operation {
    const operation = { ...this.#operation(made), siblings };
    this.operations.push(operation);
    return operation;
  }

  readonly writeOf = (value: string): Write | undefined =>
    this.writes.find((write) => write.value === value);

  #operation(made: Made): Operation {
    const { client = "c1", covering = [], from, isSession = false, knowing, until } = made;
    const { floor = 0, needed = 2, node = "n1", outcome = "ok" } = made;
    const id = this.operations.length;
    return {
      id,
      client,
      node,
      key: this.key,
      kind: "get",
      value: undefined,
      needed,
      shown: knowing,
      isSession,
      invokedAtMs: from ?? 10 * id,
      endedAtMs: until ?? 10 * id + 5,
      outcome,
      error: undefined,
      siblings: [],
      seen: new Map(covering.map(({ dot }) => [dot.actor, dot.time])),
      floor,
      writes: [],
      found: [],
      readNeeded: 2,
      answers: [],
    };
  }

  #write(operation: Operation, made: Made): Write {
    const { actor = "n1~a", time = this.writes.length + 1, node = "n1", run = 1 } = made;
    const { knowing = [], partition = 7 } = made;
    const write: Write = {
      name: `${actor}:${time}`,
      index: this.writes.length,
      dot: { actor, time },
      operation,
      key: this.key,
      partition,
      value: operation.value,
      replaced: closure(knowing),
      met: knowing,
      node,
      run,
      drawnAtMs: operation.invokedAtMs,
    };
    operation.writes.push(write);
    this.operations.push(operation);
    this.writes.push(write);
    return write;
  }
}
