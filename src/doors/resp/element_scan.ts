// SSCAN and HSCAN: pages of what one key holds.
//
// Elements have an order, that of their bytes, but a cursor is a number. So it says after how many elements to go on,
// which is exact while nothing changes. What is added or removed before the cursor meanwhile moves the rest by one:
// an element may then come twice or not at all, as it may in Redis while it changes itself. Small values come
// in one page.

import { utf8Text } from "../../base/bytes.ts";
import { integerArgument } from "./arguments.ts";
import { type Arguments, type Client, lowerWord } from "./command.ts";
import { ReplyError, syntaxError } from "./error_replies.ts";
import { compileGlob } from "./glob.ts";

/** Up to how many elements all of them are one page, whatever COUNT says; as small sets of Redis are. */
const SMALL_COUNT = 128;
const DEFAULT_COUNT = 10;

export interface ElementPage<T> {
  /** 0 at the end. */
  readonly next: number;
  readonly elements: readonly T[];
}

/** The cursor of `[name, key, cursor, options ...]`. */
export function cursorOf(command: Arguments): number {
  const text = utf8Text(command[2]!);
  if (!/^[0-9]{1,15}$/.test(text)) throw new ReplyError("ERR invalid cursor");
  return Number(text);
}

/** The page that `[name, key, cursor, options ...]` asks for; of nothing it is empty, whatever the options. */
export function pageOf<T>(
  command: Arguments,
  from: number,
  all: readonly T[],
  nameOf: (element: T) => Uint8Array,
): ElementPage<T> {
  if (all.length === 0) return { next: 0, elements: [] };
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
  const until = all.length <= SMALL_COUNT ? all.length : from + count;
  const page = all.slice(from, until).filter((element) => matches(nameOf(element)));
  return { next: until >= all.length ? 0 : until, elements: page };
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
