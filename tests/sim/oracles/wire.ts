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
  type Method,
} from "../../../src/wire/message_codec.ts";
import { equalBytes } from "../../../src/base/bytes.ts";
import { messageOf } from "../../../src/wire/errors.ts";

/** What is wrong with a message that a node has sent; undefined if nothing is. */
export function messageProblem(bytes: Uint8Array): string | undefined {
  try {
    if (equalBytes(again(bytes), bytes)) return undefined;
    return `A message does not encode to what it was decoded from: ${bytes.toHex()}`;
  } catch (error) {
    return `A message is sent that nobody understands: ${bytes.toHex()}: ${messageOf(error)}`;
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

function again(bytes: Uint8Array): Uint8Array {
  const message = decodeMessage(bytes);
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
