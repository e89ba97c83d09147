// The objects that were used lately, bounded in bytes.
//
// Eviction is the clock algorithm: a hand goes round, spares once what was used since it last came by, and
// drops the rest. A hit costs one lookup and sets a flag, where the least-recently-used order would cost
// two changes of the map. "There is no object" is kept too: it saves a read of the disk as well.

/** The answer of memory when only the disk knows. */
export const MISS: unique symbol = Symbol("miss");

/** What an entry weighs beside the object's bytes and its name: measured with small objects, roughly. */
const OVERHEAD_BYTES = 400;

export interface CachedObject<T> {
  /** Undefined means that the disk has none. */
  readonly object: T | undefined;
  readonly sizeBytes: number;
  readonly form: StoredForm;
}

/** How the record of an object lies on the disk. */
export interface StoredForm {
  /** In how many pieces. */
  readonly pieceCount: number;
  /** Whether it is a head, beside parts. */
  readonly isApart: boolean;
}

/** Of what is not on the disk, and of what fits one value of it. */
export const PLAIN_FORM: StoredForm = { pieceCount: 0, isApart: false };

interface Slot<T> extends CachedObject<T> {
  wasUsed: boolean;
}

export class ObjectCache<T> {
  readonly #limitBytes: number;
  readonly #slots = new Map<string, Slot<T>>();
  #hand: MapIterator<[string, Slot<T>]>;
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#hand = this.#slots.entries();
  }

  get count(): number {
    return this.#slots.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(name: string): CachedObject<T> | undefined {
    const slot = this.#slots.get(name);
    if (slot !== undefined) slot.wasUsed = true;
    return slot;
  }

  /** Like {@linkcode get}, and does not count as a use. */
  look(name: string): CachedObject<T> | undefined {
    return this.#slots.get(name);
  }

  /** @param objectBytes the size of the encoded object, 0 if there is none */
  set(name: string, object: T | undefined, objectBytes: number, form: StoredForm): void {
    const sizeBytes = OVERHEAD_BYTES + name.length + objectBytes;
    this.#bytes += sizeBytes - (this.#slots.get(name)?.sizeBytes ?? 0);
    this.#slots.set(name, { object, sizeBytes, form, wasUsed: false });
    while (this.#bytes > this.#limitBytes) this.#evictOne();
  }

  delete(name: string): void {
    const slot = this.#slots.get(name);
    if (slot === undefined) return;
    this.#slots.delete(name);
    this.#bytes -= slot.sizeBytes;
  }

  #evictOne(): void {
    for (;;) {
      const { value, done } = this.#hand.next();
      if (done) {
        this.#hand = this.#slots.entries();
      } else if (value[1].wasUsed) {
        value[1].wasUsed = false;
      } else {
        this.delete(value[0]);
        return;
      }
    }
  }
}
