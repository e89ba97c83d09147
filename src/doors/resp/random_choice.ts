// Elements drawn at random, as SRANDMEMBER and HRANDFIELD give them.

import { TooLargeError } from "../../wire/errors.ts";
import type { Client } from "./command.ts";
import { ELEMENT_BYTES, RESP_LIMITS } from "./resp_limits.ts";

/** What the reply adds to an element. */
const FRAME_BYTES = 6;

/**
 * Draws elements and writes an array of them. With repetition they may be many more than there are: each is counted
 * as gathered, and what is longer than a reply may be is refused before any is drawn.
 *
 * @param sizeOf the bytes of an element in the reply
 * @param width how many replies `write` makes of each element
 */
export function replyDrawn<T>(
  client: Client,
  list: readonly T[],
  count: number,
  sizeOf: (element: T) => number,
  write: (element: T) => void,
  width = 1,
): void {
  if (count < 0 && list.length > 0) {
    const least = list.reduce((least, it) => Math.min(least, sizeOf(it)), Infinity);
    const bytes = -count * (least + FRAME_BYTES);
    if (bytes > RESP_LIMITS.reply) throw new TooLargeError("The reply", RESP_LIMITS.reply, bytes);
    client.gather(-count * (least + FRAME_BYTES + ELEMENT_BYTES));
  }
  const drawn = drawSome(list, count);
  client.reply.array(drawn.length * width);
  for (const element of drawn) write(element);
}

/**
 * So many of a list, each once and in no order; for a negative count exactly so many, each as often as it is
 * drawn.
 */
export function drawSome<T>(list: readonly T[], count: number): T[] {
  if (list.length === 0) return [];
  if (count < 0) return Array.from({ length: -count }, () => list[below(list.length)]!);
  const left = [...list];
  const size = Math.min(count, left.length);
  for (let at = 0; at < size; at++) {
    const chosen = at + below(left.length - at);
    [left[at], left[chosen]] = [left[chosen]!, left[at]!];
  }
  return left.slice(0, size);
}

function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}
