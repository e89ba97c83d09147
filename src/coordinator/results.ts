// Answers of a coordinator in the shape that the doors see.

import { encodeAtLeast, encodeContext } from "../causality/context_token.ts";
import type { DataObject, LiveValue } from "../crdt/data_object.ts";
import { MergedValues } from "../crdt/merged_values.ts";
import type { StoredValue } from "../crdt/value.ts";
import type { CoordinatedWrite } from "../replica/replica.ts";

/** What a read found; see ReadResult in node/api.ts. */
export class ReadAnswer {
  readonly #key: Uint8Array;
  readonly #object: DataObject;
  readonly #live: readonly LiveValue[];
  readonly merged: MergedValues;

  constructor(key: Uint8Array, object: DataObject, nowMs: number) {
    this.#key = key;
    this.#object = object;
    this.#live = object.live(nowMs);
    const slots = object.liveValues(nowMs);
    this.merged = slots.length === 0 ? MergedValues.empty : new MergedValues(slots);
  }

  get value(): StoredValue | undefined {
    return this.#live[0]?.value;
  }

  get siblings(): readonly StoredValue[] {
    return this.#live.map(({ value }) => value);
  }

  get expiresAtMs(): number | undefined {
    const [latest] = this.#live;
    if (latest !== undefined) return latest.expiresAtMs;
    return this.merged.types.length > 0 ? this.#object.endOf(0) : undefined;
  }

  get exists(): boolean {
    return this.#live.length > 0 || this.merged.types.length > 0;
  }

  context(): string {
    return encodeContext(this.#key, this.#object.vector());
  }
}

/** What a write left; see WriteResult in node/api.ts. */
export interface WriteAnswer {
  readonly siblings: number;
  /** Nothing is said of what has been seen: that is for reads. */
  readonly floor: 0;
  context(): string | undefined;
  atLeast(): string;
}

/**
 * The answer to a write that this node coordinated. Its context covers the write only if no other value is
 * left beside it: a context speaks for whole actors, and must not cover a value that nobody was shown.
 *
 * @param ownCount how many opaque values the write itself has left, one by a put and none by a delete; undefined
 *   where it has left what its client was not shown
 */
export function writeAnswer(
  key: Uint8Array,
  { object }: CoordinatedWrite,
  ownCount: 0 | 1 | undefined,
): WriteAnswer {
  let siblings = 0;
  for (const { value } of object.opaque.siblings()) if (value !== null) siblings++;
  const isShown = siblings === ownCount && object.values.store.length === 0;
  const context = () => isShown ? encodeContext(key, object.vector()) : undefined;
  const atLeast = () => context() ?? encodeAtLeast(key, object.vector());
  return { siblings, floor: 0, context, atLeast };
}
