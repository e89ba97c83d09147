// MessagePack that clients have written, before anybody reads it.
//
// A value of this kind is bytes to everybody but the door that shows it. So what one door wrote, or a program of
// another version, every other meets for the first time when a client asks for it.

import { checkMsgpack, type MsgpackBounds } from "../base/msgpack_shape.ts";
import { LIMITS } from "./limits.ts";

const BOUNDS: MsgpackBounds = {
  depth: LIMITS.depth,
  // Each takes a byte at least, and an object is no larger.
  elementCount: LIMITS.object,
  hasStrictTexts: false,
};

/** Makes sure that a value can be read without harm. @throws {MalformedError} if not */
export function checkMsgpackValue(bytes: Uint8Array): void {
  checkMsgpack(bytes, BOUNDS, "MessagePack");
}
