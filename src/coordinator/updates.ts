// The operations of one request on values that merge, with what its client has seen.

import { showBytes } from "../base/bytes.ts";
import { MalformedError } from "../base/malformed.ts";
import type { Dot, HybridTime } from "../causality/dot.ts";
import { timeAfter, type VersionVector } from "../causality/version_vector.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { NestedOperation } from "../crdt/map.ts";
import {
  onlyRemoves,
  type OperationResult,
  update,
  type Updated,
  UpdateError,
} from "../crdt/typed_update.ts";
import { DenamoError } from "../wire/errors.ts";

/** The actor of a dot that nobody will see. */
const PROBE = "~";

export class Updates {
  readonly #key: Uint8Array;
  readonly #operations: readonly NestedOperation[];
  readonly #seen: VersionVector | undefined;
  readonly #nowMs: number;

  constructor(
    key: Uint8Array,
    operations: readonly NestedOperation[],
    seen: VersionVector | undefined,
    nowMs: number,
  ) {
    this.#key = key;
    this.#operations = operations;
    this.#seen = seen;
    this.#nowMs = nowMs;
  }

  /** What comes of operations that only remove what is not there, and so need no write; else undefined. */
  withoutEffect(found: DataObject): readonly OperationResult[] | undefined {
    if (!this.#operations.every(onlyRemoves)) return undefined;
    const probe = this.carryOut(found, (above) => ({ actor: PROBE, time: above + 1 }));
    return probe.object.values === found.values ? probe.results : undefined;
  }

  /**
   * What the operations leave of an object.
   *
   * @throws {DenamoError} `wrong_type`, `not_a_number`, `too_late` or `bad_request` if they cannot be done
   */
  carryOut(object: DataObject, nextDot: (above: HybridTime) => Dot): Updated {
    const seenUpTo = this.#seen === undefined ? 0 : timeAfter(this.#seen);
    const next = (above: HybridTime) => nextDot(Math.max(above, seenUpTo));
    try {
      return update(object, this.#operations, this.#seen, next, this.#nowMs);
    } catch (error) {
      throw refusalOf(error, this.#key) ?? error;
    }
  }
}

/** Why a client's operations cannot be done; undefined for any other error. */
function refusalOf(error: unknown, key: Uint8Array): DenamoError | undefined {
  if (error instanceof UpdateError) {
    return new DenamoError(error.problem, "no", `${error.message}: "${showBytes(key)}"`);
  }
  if (error instanceof RangeError || error instanceof MalformedError) {
    return new DenamoError("bad_request", "no", error.message);
  }
  return undefined;
}
