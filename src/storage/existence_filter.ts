// Which keys have surely never been written: a Bloom filter that grows.
//
// The first write of a key must know that there is nothing under it yet, and asking the disk costs several
// times as much as the rest of the write. A filter that has been told of every key answers "surely not
// there" from memory; "perhaps there" it says of every key that is, and by mistake of about one in a hundred
// that are not. When a layer is full the next one is twice as large, up to a bound; past it mistakes become
// more frequent, which costs reads and nothing else.
//
// Source: Bloom, "Space/time trade-offs in hash coding with allowable errors" (1970); Kirsch and Mitzenmacher,
// "Less hashing, same performance" (2006); layers after Almeida et al., "Scalable Bloom Filters" (2007).

import { hash64 } from "../base/hash.ts";

const FIRST_LAYER_BYTES = 64 * 1024;
const LAST_LAYER_BYTES = 4 * 1024 * 1024;
const BITS_PER_KEY = 10;
const PROBES = 7;

interface Layer {
  readonly bits: Uint8Array;
  /** The number of bits less one: a power of two less one. */
  readonly mask: number;
  readonly capacity: number;
  count: number;
}

export class ExistenceFilter {
  readonly #layers: Layer[] = [makeLayer(FIRST_LAYER_BYTES)];

  /** Takes note of a key. */
  add(key: Uint8Array): void {
    const [first, step] = probesOf(key);
    if (this.#has(first, step)) return;
    let layer = this.#layers.at(-1)!;
    if (layer.count >= layer.capacity && layer.bits.length < LAST_LAYER_BYTES) {
      layer = makeLayer(layer.bits.length * 2);
      this.#layers.push(layer);
    }
    layer.count++;
    for (let i = 0, at = first; i < PROBES; i++, at = (at + step) >>> 0) {
      const bit = at & layer.mask;
      layer.bits[bit >>> 3]! |= 1 << (bit & 7);
    }
  }

  /** False if the key was certainly never added. */
  mayHave(key: Uint8Array): boolean {
    const [first, step] = probesOf(key);
    return this.#has(first, step);
  }

  #has(first: number, step: number): boolean {
    for (const layer of this.#layers) if (layerHas(layer, first, step)) return true;
    return false;
  }
}

function layerHas({ bits, mask }: Layer, first: number, step: number): boolean {
  for (let i = 0, at = first; i < PROBES; i++, at = (at + step) >>> 0) {
    const bit = at & mask;
    if ((bits[bit >>> 3]! & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}

function makeLayer(bytes: number): Layer {
  const bits = new Uint8Array(bytes);
  return { bits, mask: bytes * 8 - 1, capacity: Math.floor(bytes * 8 / BITS_PER_KEY), count: 0 };
}

/** Where a key's first bit is, and how far it is to the next; an odd step meets every bit. */
function probesOf(key: Uint8Array): [number, number] {
  const hash = hash64(key);
  return [Number(hash & 0xffffffffn), Number(hash >> 32n) | 1];
}
