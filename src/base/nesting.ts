// How deep things from outside may be nested.
//
// Whatever walks through nested things calls itself for each level, or a library does; a text of brackets would
// have it do so until the stack ends, which is at another depth on each machine and in each place of the program.
// So depth has one limit, wherever it comes from, and is looked at before anything walks.

/** Lists and maps in one another, in JSON, MessagePack and documents. */
export const NESTING_DEPTH_MAX = 100;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING_LIST = 0x5b;
const OPENING_MAP = 0x7b;
const CLOSING_LIST = 0x5d;
const CLOSING_MAP = 0x7d;

/** Whether JSON in UTF-8 is nested deeper than it may be. What is no JSON is judged somehow. */
export function isNestedTooDeep(json: Uint8Array): boolean {
  let depth = 0;
  let isInText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]!;
    if (isInText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    else if (byte === OPENING_LIST || byte === OPENING_MAP) {
      if (++depth > NESTING_DEPTH_MAX) return true;
    } else if (byte === CLOSING_LIST || byte === CLOSING_MAP) depth--;
  }
  return false;
}
