// Answers of a coordinator in the shape that the doors see.

import { type Context, contextOf } from "../causality/context.ts";
import type { DataObject, LiveValue } from "../crdt/data_object.ts";
import { MergedValues } from "../crdt/merged_values.ts";
import type { StoredValue } from "../crdt/value.ts";
import type { CoordinatedWrite } from "../replica/replica.ts";

/** What a read found; see ReadResult in node/api.ts. */
export class ReadAnswer {
  readonly #object: DataObject;
  readonly #seal: (context: Context) => string;
  readonly #live: readonly LiveValue[];
  readonly merged: MergedValues;

  /** @param seal makes the token of a context of the key */
  constructor(object: DataObject, nowMs: number, seal: (context: Context) => string) {
    this.#object = object;
    this.#seal = seal;
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
    return this.#seal(contextOf(this.#object.vector()));
  }
}

/** What a write left; see WriteResult in node/api.ts. */
export interface WriteAnswer {
  readonly siblings: number;
  /** Nothing is said of what has been seen: that is for reads. */
  readonly floor: 0;
  seen(): Context;
  /** Whether the client was shown all that the write leaves. */
  readonly isShown: boolean;
}

/**
 * The answer to a write that this node coordinated. What it has seen may be the context of another write only if no
 * other value is left beside it: a context speaks for whole actors, and must not cover a value that nobody was shown.
 *
 * @param ownCount how many opaque values the write itself has left, one by a put and none by a delete; undefined
 *   where it has left what its client was not shown
 */
export function writeAnswer(
  { object }: CoordinatedWrite,
  ownCount: 0 | 1 | undefined,
): WriteAnswer {
  let siblings = 0;
  for (const { value } of object.opaque.siblings()) if (value !== null) siblings++;
  const isShown = siblings === ownCount && object.values.store.length === 0;
  return { siblings, floor: 0, seen: () => contextOf(object.vector()), isShown };
}
