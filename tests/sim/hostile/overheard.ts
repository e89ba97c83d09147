// What really went over the network of a world, kept for who wants to say it again, as it was or altered.
//
// Of everything the first and the latest are kept: what is said while a layout is made is never said again, and
// what was said long ago is what a replay is made of.

import type { PeerId } from "../../../src/ports/network.ts";
import type { IncomingMessage, IncomingRequest } from "../../../src/wire/message_codec.ts";
import type { Dice } from "../dice.ts";
import type { Publication } from "../publication.ts";

/** A message of one node to another. */
export interface OverheardMessage {
  readonly from: PeerId;
  readonly to: PeerId;
  readonly bytes: Uint8Array;
  /** What it says if it is a request. Its arguments are views of the bytes. */
  readonly request?: IncomingRequest;
}

export interface OverheardRequest extends OverheardMessage {
  readonly request: IncomingRequest;
}

export interface OverheardPublication {
  readonly from: PeerId;
  readonly bytes: Uint8Array;
}

/** How many of the first and how many of the latest of one kind are kept. */
const FIRST = 4;
const LATEST = 12;

/** The first and the latest of what there was. */
class Kept<T> {
  readonly #first: T[] = [];
  readonly #latest: T[] = [];
  #next = 0;

  add(item: T): void {
    if (this.#first.length < FIRST) this.#first.push(item);
    else this.#latest[this.#next++ % LATEST] = item;
  }

  one(dice: Dice): T | undefined {
    const count = this.#first.length + this.#latest.length;
    if (count === 0) return undefined;
    const at = dice.below(count);
    return this.#first[at] ?? this.#latest[at - this.#first.length];
  }
}

export class Overheard {
  readonly #requests = new Map<number, Kept<OverheardRequest>>();
  readonly #answers = new Kept<OverheardMessage>();
  readonly #publications = new Map<PeerId, Kept<OverheardPublication>>();
  readonly #genuine = new Map<PeerId, Kept<Publication>>();

  message(from: PeerId, to: PeerId, bytes: Uint8Array, message: IncomingMessage): void {
    if (message.kind !== "request") return this.#answers.add({ from, to, bytes });
    kept(this.#requests, message.method).add({ from, to, bytes, request: message });
  }

  publication(from: PeerId, bytes: Uint8Array): void {
    kept(this.#publications, from).add({ from, bytes });
  }

  /** A stranger has heard a publication with its signature. */
  signed(publication: Publication): void {
    kept(this.#genuine, publication.from).add(publication);
  }

  /** A request of any method, or of this one. */
  request(dice: Dice, method?: number): OverheardRequest | undefined {
    const methods = [...this.#requests.keys()];
    if (methods.length === 0) return undefined;
    return this.#requests.get(method ?? dice.one(methods))?.one(dice);
  }

  answer(dice: Dice): OverheardMessage | undefined {
    return this.#answers.one(dice);
  }

  /** Something that any peer has published, also one that is no more. */
  published(dice: Dice): OverheardPublication | undefined {
    return oneOf(this.#publications, dice);
  }

  /** The same with its signature. */
  oneSigned(dice: Dice): Publication | undefined {
    return oneOf(this.#genuine, dice);
  }
}

function oneOf<K, T>(all: ReadonlyMap<K, Kept<T>>, dice: Dice): T | undefined {
  return all.size === 0 ? undefined : dice.one([...all.values()]).one(dice);
}

function kept<K, T>(all: Map<K, Kept<T>>, key: K): Kept<T> {
  let found = all.get(key);
  if (found === undefined) all.set(key, found = new Kept());
  return found;
}
