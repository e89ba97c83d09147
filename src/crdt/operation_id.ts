// The id of an operation: by it an operation that is tried again is known to be the same, at whatever node.
//
// A client that got no answer tries again, perhaps at another coordinator, and both may have counted. Who merges
// finds two dots under one id, and counts the earlier only. But nobody can keep ids for ever. When may one be
// forgotten, so that no late try counts a second time?
//
// An id says itself until when its operation may take effect, as a time on the scale of dots. A coordinator refuses
// an operation that it does not know if the dot that it has drawn for it is later than that. So:
//
//   - every dot under which an operation was ever counted is at or below the end of its id
//   - a floor says that all owners have seen every dot at or below it, and that none will be drawn there any more
//   - so once the floor has passed the end of an id, everybody knows all dots that the operation will ever have:
//     the earliest is folded into the totals, the others are taken out as echoes, and the id goes
//   - whoever tries it after that, at whatever node, is given a dot above the floor, above the end of the id: no
//
// No clock is trusted for that. A coordinator whose clock is slow takes a try a little longer than others do, but
// its dot is at or below the end all the same, so a floor that has passed the end knows of it; and once the node has
// promised to draw no dot up to a floor, its clock has passed that floor for good. A client whose clock is wrong has
// its operations refused too early, or finds them refused as ending too late, and loses nothing else. Nor does it
// matter how long a floor lags behind: for as long ids stay, and no longer.
//
// What it costs: an object with a time far ahead, from a node whose clock was wrong, draws all its dots above that,
// and so takes no operation with an id until the clocks get there. That is an answer `no`, never a wrong sum.
//
// There is one other kind of id: that of a number which was written as a text and becomes the beginning of a counter
// (typed_update.ts). Its end is the time of that text. It is never refused, since who has seen the counter finds no
// text there any more; it goes when all of its dots are below the floor.
//
// Ids sort by their ends, so that those which go first come first.

import { type HybridTime, MAX_TIME, TICKS_PER_MS } from "../causality/dot.ts";

/** Names an operation across tries. All that is in it must be the same each time. */
export interface OperationId {
  /** Who tries: drawn at random by each client. Printable ASCII without spaces. */
  readonly session: string;
  /** Which operation of the session: a whole number that it uses once. */
  readonly number: number;
  /** Until when it may take effect, in milliseconds since 1970. */
  readonly untilMs: number;
}

/** How far ahead the end of an operation may be, in milliseconds. */
export const TRIED_MS_MAX = 600_000;

/** Longest session that a client may have, in characters. */
export const CLIENT_SESSION_MAX = 64;

/** Longest session of any id, in characters. */
export const SESSION_MAX = 128;

/** The latest end that an id can have. */
export const UNTIL_MS_MAX = Math.floor(MAX_TIME / TICKS_PER_MS);

/** Hexadecimal digits of the latest end and of the largest number. */
const UNTIL_DIGITS = 11;
const NUMBER_DIGITS = 14;

const CLIENT_SESSION = new RegExp(`^[!-~]{1,${CLIENT_SESSION_MAX}}$`);

/**
 * The key of an id among others: its end and its number in a fixed width, then the session.
 *
 * @throws {RangeError} if it is no id
 */
export function keyOfId({ number, session, untilMs }: OperationId): string {
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new RangeError(`Operation number ${number} is not a whole number from 0 to 2^53 - 1`);
  }
  if (!Number.isSafeInteger(untilMs) || untilMs < 0 || untilMs > UNTIL_MS_MAX) {
    throw new RangeError(`The end of an operation is no time in milliseconds: ${untilMs}`);
  }
  if (session.length > SESSION_MAX || !session.isWellFormed()) {
    throw new RangeError(`A session must be Unicode of at most ${SESSION_MAX} characters`);
  }
  return hex(untilMs, UNTIL_DIGITS) + hex(number, NUMBER_DIGITS) + session;
}

/** The id that a key stands for. */
export function idOfKey(key: string): OperationId {
  return {
    session: key.slice(UNTIL_DIGITS + NUMBER_DIGITS),
    number: Number.parseInt(key.slice(UNTIL_DIGITS, UNTIL_DIGITS + NUMBER_DIGITS), 16),
    untilMs: Number.parseInt(key.slice(0, UNTIL_DIGITS), 16),
  };
}

/** The latest time that a dot of an id may have, from its key. */
export function endOfKey(key: string): HybridTime {
  return Number.parseInt(key.slice(0, UNTIL_DIGITS), 16) * TICKS_PER_MS;
}

/** Whether a dot is too late for the operation with this id. */
export function isTooLate({ untilMs }: OperationId, time: HybridTime): boolean {
  return time > untilMs * TICKS_PER_MS;
}

/**
 * Refuses what is no id for a client.
 *
 * @param nowMs the time at the coordinator
 * @throws {RangeError}
 */
export function checkClientId(id: OperationId, nowMs: number): void {
  if (!CLIENT_SESSION.test(id.session)) {
    throw new RangeError(
      `A session must be 1 to ${CLIENT_SESSION_MAX} printable characters of ASCII without spaces`,
    );
  }
  keyOfId(id);
  if (id.untilMs > nowMs + TRIED_MS_MAX) {
    throw new RangeError(
      `The operation may take effect until ${id.untilMs} ms, which is more than ${TRIED_MS_MAX} ms ` +
        `after the time at its coordinator, ${Math.floor(nowMs)} ms`,
    );
  }
}

/** The id of a number that a write has left as a text: nobody else uses it. */
export function idOfText(actor: string, time: HybridTime): OperationId {
  return { session: `text ${actor}`, number: time, untilMs: Math.floor(time / TICKS_PER_MS) };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
