// A client that makes up what it has seen.
//
// A context says which writes its client has seen, and so which of them it may replace: one that no node has given
// out must be refused, or it discards what nobody saw. The forger sends contexts that it has made itself, in the
// form that they had while a checksum was all that it took, true ones with a bit changed, and those of other keys.

import { fromBase64Url, toBase64Url } from "../../../src/base/bytes.ts";
import { ByteWriter } from "../../../src/base/byte_writer.ts";
import { hash32, hash64 } from "../../../src/base/hash.ts";
import { Client, FORGER } from "../client.ts";
import type { Dice } from "../dice.ts";
import { forgedContextProblem } from "../oracles/hostility.ts";
import type { World } from "../world.ts";
import { alteredBytes, randomBytes, WRITABLE_EDGES } from "./nonsense.ts";

/** How many true contexts are kept to be altered. */
const KEPT_COUNT = 20;

interface GivenContext {
  readonly key: string;
  readonly token: string;
}

export class Forger {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #client: Client;
  readonly #given: GivenContext[] = [];

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
    this.#client = new Client(world, FORGER);
  }

  /** Whether one of its requests has not ended yet. */
  get isBusy(): boolean {
    return this.#client.isBusy;
  }

  /** A client was given a context. */
  learns(key: string, token: string): void {
    const given = { key, token };
    if (this.#given.length < KEPT_COUNT) this.#given.push(given);
    else this.#given[this.#dice.below(KEPT_COUNT)] = given;
  }

  /** Sends one request with a context that nobody has given out for its key. */
  act(): void {
    const dice = this.#dice;
    const world = this.#world;
    const key = dice.one(world.keys);
    const token = this.#forged(key);
    const kind = dice.one(["put", "delete"] as const);
    const wish = { kind, key, level: undefined, knowing: { token, shown: [] } };
    this.#client.carryOut(wish, dice.one(world.machines)).then((operation) => {
      const problem = forgedContextProblem(operation, token);
      if (problem !== undefined) world.violation(problem);
    }, (error) => world.violation(String(error)));
  }

  #forged(key: string): string {
    const dice = this.#dice;
    const others = this.#given.filter((it) => it.key !== key);
    const own = this.#given.filter((it) => it.key === key);
    const kinds = [
      () => this.#unsealed(key),
      () => this.#unsealed(key),
      () => dice.one(["", "x", "=", "A".repeat(8_000), toBase64Url(randomBytes(dice))]),
    ];
    if (others.length > 0) kinds.push(() => dice.one(others).token);
    if (own.length > 0) {
      kinds.push(() => altered(dice.one(own).token, dice));
      kinds.push(() => altered(dice.one(own).token, dice));
    }
    return dice.one(kinds)();
  }

  /** A context as it was before contexts were sealed, which anybody could make. */
  #unsealed(key: string): string {
    const dice = this.#dice;
    const writer = new ByteWriter(256);
    const hash = hash64(this.#world.bytesOf(key));
    writer.byte(1);
    writer.uint32(Number(hash >> 32n));
    writer.uint32(Number(hash & 0xffffffffn));
    const writes = this.#world.history.writes.filter((write) => write.key === key);
    const known = dice.some(writes.map(({ dot }) => dot.actor), 2);
    const actors = [...new Set([...known, "n1~AAAAAAAAAAA"])].sort();
    writer.integer(actors.length);
    for (const actor of actors) {
      writer.text(actor);
      writer.integer(dice.one(WRITABLE_EDGES));
    }
    writer.uint32(hash32(writer.view()));
    return toBase64Url(writer.view());
  }
}

/** A context with something of it changed for certain. */
function altered(token: string, dice: Dice): string {
  const bytes = fromBase64Url(token)!;
  for (;;) {
    const changed = toBase64Url(alteredBytes(bytes, dice));
    if (changed !== token) return changed;
  }
}
