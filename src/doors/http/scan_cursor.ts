// The cursor of a scan, as clients carry it from page to page.
//
// It is opaque to them: base64url of the partition, a byte that says whether a key follows, the key. It
// holds nothing that a client could not have asked for, so it needs no seal, only care in reading.

import { fromBase64Url, toBase64Url } from "../../base/bytes.ts";
import { ByteReader } from "../../base/byte_reader.ts";
import { ByteWriter } from "../../base/byte_writer.ts";
import { MalformedError } from "../../base/malformed.ts";
import type { ScanPosition } from "../../node/api.ts";
import { LIMITS } from "../../wire/limits.ts";

/** The cursor that says where to go on. */
export function cursorOf({ partition, after }: ScanPosition): string {
  const writer = new ByteWriter();
  writer.integer(partition);
  writer.byte(after === undefined ? 0 : 1);
  if (after !== undefined) writer.raw(after);
  return toBase64Url(writer.finish());
}

/** The inverse of {@linkcode cursorOf}; undefined for a text that it cannot have made. */
export function positionOf(cursor: string): ScanPosition | undefined {
  const bytes = fromBase64Url(cursor);
  if (bytes === undefined) return undefined;
  try {
    const reader = new ByteReader(bytes, "a cursor");
    const partition = reader.integer();
    const hasKey = reader.byte();
    if (hasKey === 0) {
      reader.end();
      return { partition };
    }
    if (hasKey !== 1 || reader.remaining > LIMITS.key) return undefined;
    return { partition, after: reader.raw(reader.remaining).slice() };
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
