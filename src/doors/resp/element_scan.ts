// SSCAN and HSCAN: pages of what one key holds.
//
// A cursor is a place that neither additions nor removals move: elements are walked in the order of their hashes, and
// the cursor is the hash to go on with. So what is there from the first call to the last comes exactly
// once, whatever else comes and goes meanwhile, and a cursor is good at every node. Elements with equal
// hashes come in one page. Small values come in one page as a whole.

import { hash32 } from "../../base/hash.ts";
import { cursorArgument, integerArgument } from "./arguments.ts";
import { type Arguments, type Client, lowerWord } from "./command.ts";
import { syntaxError } from "./error_replies.ts";
import { compileGlob } from "./glob.ts";

/** Up to how many elements all of them are one page, whatever COUNT says; as small sets of Redis are. */
const SMALL_COUNT = 128;
const DEFAULT_COUNT = 10;

/**
 * A walk takes this many pages at most, about: each page reads the whole value, so that small pages of a large one
 * would take the square of its size.
 */
const MOST_PAGES = 256;

/** Hashes have 32 bits: no element comes from here on. */
const END = 2 ** 32;

export interface ElementPage<T> {
  /** 0 at the end. */
  readonly next: number;
  readonly elements: readonly T[];
}

/** The cursor of `[name, key, cursor, options ...]`: any number of 64 bits, as Redis takes it. */
export function cursorOf(command: Arguments): number {
  const cursor = cursorArgument(command[2]!);
  return cursor < END ? Number(cursor) : END;
}

/** The page that `[name, key, cursor, options ...]` asks for; of nothing it is empty, whatever the options. */
export function pageOf<T>(
  command: Arguments,
  from: number,
  all: readonly T[],
  nameOf: (element: T) => Uint8Array,
): ElementPage<T> {
  if (all.length === 0) return { next: 0, elements: [] };
  const { count, matches } = optionsOf(command);
  const hashes = Uint32Array.from(all, (element) => hash32(nameOf(element)));
  const least = all.length <= SMALL_COUNT ? SMALL_COUNT : Math.ceil(all.length / MOST_PAGES);
  const until = lastOfPage(hashes, from, Math.max(count, least));
  const elements = all.filter((element, i) =>
    hashes[i]! >= from && hashes[i]! <= until && matches(nameOf(element))
  );
  const isEnd = hashes.every((hash) => hash <= until);
  return { next: isEnd ? 0 : until + 1, elements };
}

/** The hash at which a page of `count` elements from the hash `from` on ends. */
function lastOfPage(hashes: Uint32Array, from: number, count: number): number {
  const left = hashes.filter((hash) => hash >= from).sort();
  return left[count - 1] ?? END;
}

function optionsOf(command: Arguments) {
  let count = DEFAULT_COUNT;
  let matches = (_name: Uint8Array) => true;
  for (let at = 3; at < command.length; at += 2) {
    const value = command[at + 1];
    const word = lowerWord(command[at]!);
    if (value === undefined || word !== "count" && word !== "match") throw syntaxError();
    if (word === "match") {
      const glob = compileGlob(value);
      matches = (name) => glob.matches(name);
    } else {
      count = integerArgument(value);
      if (count < 1) throw syntaxError();
    }
  }
  return { count, matches };
}

/** @param width how many replies `write` makes of each element */
export function replyPage<T>(
  reply: Client["reply"],
  { elements, next }: ElementPage<T>,
  width: number,
  write: (element: T) => void,
): void {
  reply.array(2);
  reply.text(`${next}`);
  reply.array(elements.length * width);
  for (const element of elements) write(element);
}
