// Stored values as RESP shows them: always bytes.

import { utf8 } from "../../base/bytes.ts";
import type { StoredValue } from "../../crdt/value.ts";
import { DenamoError } from "../../wire/errors.ts";
import { jsonOfMsgpack } from "../msgpack_json.ts";

/** Bytes and texts as they are, MessagePack as JSON text. @throws {DenamoError} `unsupported` */
export function shownBytes(value: StoredValue): Uint8Array {
  return value.kind === "msgpack" ? utf8(jsonOfMsgpack(value.bytes)) : value.bytes;
}

/** The same among other values, which must not be lost for one that has no such form: that is shown as it is. */
export function shownAmongOthers(value: StoredValue): Uint8Array {
  try {
    return shownBytes(value);
  } catch (error) {
    if (error instanceof DenamoError && error.code === "unsupported") return value.bytes;
    throw error;
  }
}
