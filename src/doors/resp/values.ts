// Stored values as RESP shows them: always bytes.

import { utf8 } from "../../base/bytes.ts";
import type { StoredValue } from "../../crdt/value.ts";
import { jsonOfMsgpack } from "../msgpack_json.ts";

/** Bytes and texts as they are, MessagePack as JSON text. @throws {DenamoError} `unsupported` */
export function shownBytes(value: StoredValue): Uint8Array {
  return value.kind === "msgpack" ? utf8(jsonOfMsgpack(value.bytes)) : value.bytes;
}
