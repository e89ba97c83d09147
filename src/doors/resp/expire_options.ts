// EXPIRE … NX | XX | GT | LT: whether a key's end may be set, judged by the end that it has.

import { utf8Text } from "../../base/bytes.ts";
import { type Arguments, lowerWord } from "./command.ts";
import { ReplyError } from "./error_replies.ts";

/** Whether the end `nextMs` may take the place of the present one, which is undefined for a key without an end. */
export type ExpireCondition = (presentMs: number | undefined, nextMs: number) => boolean;

/**
 * The condition of `[name, key, time, options ...]`; undefined without one.
 *
 * @throws {ReplyError} for options that are unknown or exclude each other
 */
export function expireCondition(command: Arguments): ExpireCondition | undefined {
  const given = new Set<string>();
  for (const word of command.slice(3)) {
    const option = lowerWord(word);
    if (!["nx", "xx", "gt", "lt"].includes(option)) {
      throw new ReplyError(`ERR Unsupported option ${utf8Text(word)}`);
    }
    given.add(option);
  }
  if (given.has("nx") && given.size > 1) {
    throw new ReplyError("ERR NX and XX, GT or LT options at the same time are not compatible");
  }
  if (given.has("gt") && given.has("lt")) {
    throw new ReplyError("ERR GT and LT options at the same time are not compatible");
  }
  if (given.size === 0) return undefined;
  return (presentMs, nextMs) => {
    if (given.has("nx") && presentMs !== undefined) return false;
    if (given.has("xx") && presentMs === undefined) return false;
    // A key without an end ends later than any other.
    if (given.has("gt") && (presentMs === undefined || nextMs <= presentMs)) return false;
    return !(given.has("lt") && presentMs !== undefined && nextMs >= presentMs);
  };
}
