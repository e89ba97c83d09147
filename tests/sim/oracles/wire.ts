// What is sent is what is understood (I17).
//
// Every message that a node sends decodes to something that encodes to the same bytes. What no node would send
// is refused by the one error that means so; a node that a damaged message throws out of its course shows
// by other oracles.

import { MalformedError } from "../../../src/base/malformed.ts";
import {
  decodeMessage,
  encodeAnswer,
  encodeFailure,
  encodeRequest,
  type IncomingMessage,
  type Method,
} from "../../../src/wire/message_codec.ts";
import { equalBytes } from "../../../src/base/bytes.ts";
import { messageOf } from "../../../src/wire/errors.ts";

/** A message that a node has sent as others understand it, and what is wrong with it if something is. */
export function understood(
  bytes: Uint8Array,
): { readonly message?: IncomingMessage; readonly problem?: string } {
  try {
    const message = decodeMessage(bytes);
    if (equalBytes(encoded(message), bytes)) return { message };
    const problem = `A message does not encode to what it was decoded from: ${bytes.toHex()}`;
    return { message, problem };
  } catch (error) {
    const problem = `A message is sent that nobody understands: ${bytes.toHex()}`;
    return { problem: `${problem}: ${messageOf(error)}` };
  }
}

/** What is wrong with how damaged bytes are taken; undefined if nothing is. */
export function damageProblem(bytes: Uint8Array): string | undefined {
  try {
    decodeMessage(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    return `Damaged bytes end in ${messageOf(error)}: ${bytes.toHex()}`;
  }
  return undefined;
}

function encoded(message: IncomingMessage): Uint8Array {
  switch (message.kind) {
    case "request": {
      const { id, method, timeoutMs } = message;
      return encodeRequest(id, method as Method, timeoutMs, message.arguments);
    }
    case "answer":
      return encodeAnswer(message.id, message.result);
    case "failure":
      return encodeFailure(message.id, message.error);
  }
}
