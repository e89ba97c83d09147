// From bytes on the disk to objects, and what callers and operators learn of bytes that are none.

import { MalformedError } from "../base/malformed.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import { CorruptError, DenamoError, messageOf } from "../wire/errors.ts";
import { MISS } from "./object_cache.ts";
import { corrupt, decodeHead, type Place } from "./record.ts";
import { readRecord } from "./record_reader.ts";
import type { ObjectCodec } from "./storage.ts";
import type { Write } from "./write.ts";

export class ObjectReader<T> {
  readonly #disk: Disk;
  readonly #codec: ObjectCodec<T>;
  readonly #log: Log | undefined;
  corruptCount = 0;

  constructor(disk: Disk, codec: ObjectCodec<T>, log: Log | undefined) {
    this.#disk = disk;
    this.#codec = codec;
    this.#log = log;
  }

  /** @throws {CorruptError} */
  decode(place: Place, body: Uint8Array<ArrayBuffer>): T {
    try {
      return this.#codec.decode(body);
    } catch (error) {
      if (error instanceof MalformedError) throw corrupt(place, error.message);
      throw error;
    }
  }

  /** The object of a change, also of one that came from the journal as bytes. @throws {CorruptError} */
  objectOf({ place, object, body }: Write<T>): T | undefined {
    // Such bytes were copied out of the journal and are nobody else's.
    return object === MISS ? this.decode(place, body as Uint8Array<ArrayBuffer>) : object;
  }

  /** Decodes a head, and fetches its pieces if it has any. @throws {CorruptError} */
  ofHead(place: Place, head: Uint8Array): T | Promise<T | undefined> {
    const decoded = decodeHead(place, head);
    if ("body" in decoded) return this.decode(place, decoded.body);
    return readRecord(this.#disk, place, head).then((stored) =>
      stored === undefined ? undefined : this.decode(place, stored.body)
    );
  }

  /** What a caller learns of a read that failed; corrupt records are told to the operator too. */
  failure(cause: unknown): unknown {
    if (cause instanceof CorruptError) {
      this.corruptCount++;
      this.#log?.error(cause.message);
      return cause;
    }
    if (cause instanceof DenamoError) return cause;
    const error = new DenamoError("disk_failed", "no", `A read failed: ${messageOf(cause)}`);
    error.cause = cause;
    return error;
  }
}
