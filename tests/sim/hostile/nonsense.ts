// Values that make no sense, or only just: what a bug, a flipped bit or somebody else's program may send.
//
// What is altered was right before. That gets past more checks than noise does, and into more of what lies behind
// them.

import type { Dice } from "../dice.ts";

/** What a hostile peer gives as the reason of whatever refusal it likes. */
export const HOSTILE_REASON = "A hostile peer has its reasons";

/** Numbers at which something ends: a byte, a word, what a double holds exactly, hybrid times, counts. */
export const EDGES: readonly number[] = [
  0,
  1,
  -1,
  1.5,
  255,
  256,
  65_535,
  65_536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 2 ** 32 - 1,
  2 ** 53 - 2 ** 32,
  2 ** 53 - 2 ** 32 + 1,
  2 ** 53 - 2,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  NaN,
  Infinity,
];

/** Those of them that our own formats can write. */
export const WRITABLE_EDGES = EDGES.filter((edge) => Number.isSafeInteger(edge) && edge >= 0);

/** How deep arrays lie in one another that no message needs. */
const DEPTH = 2_000;
const MOST_BYTES = 300;

/** A value of some type, whatever was expected. */
export function anything(dice: Dice): unknown {
  return dice.one<() => unknown>([
    () => null,
    () => true,
    () => dice.one(EDGES),
    () => "",
    () => "__proto__",
    () => "x".repeat(5_000),
    () => [],
    () => Array.from({ length: 300 }, () => 0),
    () => ({}),
    () => ({ length: 2 ** 32, layout: randomBytes(dice) }),
    () => randomBytes(dice),
    () => new Uint8Array(20_000),
  ])();
}

/** The same value with something of it changed. */
export function altered(value: unknown, dice: Dice): unknown {
  if (dice.happens(0.15)) return anything(dice);
  if (typeof value === "number") return dice.one(EDGES);
  if (value instanceof Uint8Array) return alteredBytes(value, dice);
  if (Array.isArray(value)) return alteredList(value, dice);
  if (typeof value === "string") {
    return dice.one([`${value}0`, value.slice(1), value.toUpperCase(), ""]);
  }
  return anything(dice);
}

/** A list with one of its parts changed, missing, or there twice. */
export function alteredList(list: readonly unknown[], dice: Dice): unknown[] {
  const copy = [...list];
  const at = dice.below(list.length + 1);
  if (at === list.length) copy.push(anything(dice));
  else if (dice.happens(0.8)) copy[at] = altered(list[at], dice);
  else if (dice.happens(0.5)) copy.splice(at, 1);
  else copy.splice(at, 0, list[at]);
  return copy;
}

/** Bytes cut short, with more behind them, with one of them changed, or other ones. */
export function alteredBytes(bytes: Uint8Array, dice: Dice): Uint8Array<ArrayBuffer> {
  switch (dice.below(4)) {
    case 0:
      return bytes.slice(0, dice.below(bytes.length + 1));
    case 1:
      return new Uint8Array([...bytes, ...randomBytes(dice)]);
    case 2: {
      const copy = new Uint8Array(bytes);
      if (copy.length > 0) copy[dice.below(copy.length)]! ^= 1 << dice.below(8);
      return copy;
    }
    default:
      return randomBytes(dice);
  }
}

/** Numbers that are none of those that may be written. */
const IMPOSSIBLE: readonly number[] = [-1, 1.5, 2 ** 53, 2 ** 63, NaN];

/** Something in the place of a part that cannot be meant, whatever the part is. */
export function impossible(part: unknown, dice: Dice): unknown {
  if (Array.isArray(part) && part.length > 0 && dice.happens(0.7)) {
    return withImpossible(part, dice) ?? -1;
  }
  if (typeof part === "number") return dice.one<unknown>([...IMPOSSIBLE, "1", []]);
  if (typeof part === "string") return dice.one<unknown>([-1, {}, "x".repeat(5_000)]);
  return dice.one<unknown>([-1, { a: 1 }]);
}

/** A list one part of which cannot be meant; undefined if it has none but nil, which may be left out. */
export function withImpossible(list: readonly unknown[], dice: Dice): unknown[] | undefined {
  const places = list.flatMap((part, at) => part === null ? [] : [at]);
  if (places.length === 0) return undefined;
  const at = dice.one(places);
  return list.map((part, i) => i === at ? impossible(part, dice) : part);
}

export function randomBytes(dice: Dice): Uint8Array<ArrayBuffer> {
  return new Uint8Array(dice.random.bytes(1 + dice.below(MOST_BYTES)));
}

/** A whole message that is none: noise, or MessagePack that is cheap to write and dear to read. */
export function noise(dice: Dice): Uint8Array<ArrayBuffer> {
  switch (dice.below(4)) {
    case 0:
      return randomBytes(dice);
    case 1:
      // Arrays of one element in one another, without an end.
      return new Uint8Array(DEPTH).fill(0x91);
    case 2:
      // An array that claims 65,535 elements, each of which claims as many.
      return Uint8Array.from({ length: 3 * 40 }, (_, i) => i % 3 === 0 ? 0xdc : 0xff);
    default:
      // A map of maps.
      return Uint8Array.from({ length: DEPTH }, (_, i) => i % 2 === 0 ? 0x81 : 0x01);
  }
}
