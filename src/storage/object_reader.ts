// From bytes on the disk to objects, and what callers and operators learn of bytes that are none.
//
// An object in parts is read as its head, its parts, and its head once more: if that has changed the parts may be
// those of another state, and all is read again. Flushing such an object may take several batches of the disk.
// Until the last of them memory knows the object, so whoever reads the disk asks memory afterwards.

import { equalBytes } from "../base/bytes.ts";
import { MalformedError } from "../base/malformed.ts";
import type { Compressor } from "../ports/compressor.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import { CorruptError, DenamoError, messageOf } from "../wire/errors.ts";
import type { JournalPart } from "./journal_format.ts";
import { MISS, type StoredForm } from "./object_cache.ts";
import { corrupt, decodeHead, headKey, type Place } from "./record.ts";
import { readParts, readRecord, type StoredBytes, type StoredPart } from "./record_reader.ts";
import type { ObjectCodec, StorageOptions } from "./storage.ts";
import type { Write } from "./write.ts";

/** An object as it lies on the disk. */
export interface ReadObject<T> {
  readonly object: T;
  /** About how much memory it takes. */
  readonly sizeBytes: number;
  readonly form: StoredForm;
}

export class ObjectReader<T> {
  readonly #disk: Disk;
  readonly #codec: ObjectCodec<T>;
  readonly #compressor: Compressor | undefined;
  readonly #log: Log | undefined;
  corruptCount = 0;

  constructor(disk: Disk, codec: ObjectCodec<T>, { compressor, log }: StorageOptions) {
    this.#disk = disk;
    this.#codec = codec;
    this.#compressor = compressor;
    this.#log = log;
  }

  /** Reads the object of a place; undefined if there is none. @throws {CorruptError} */
  async read(place: Place, head?: Uint8Array): Promise<ReadObject<T> | undefined> {
    let known = head;
    for (;;) {
      const first = known ?? await this.#disk.get(headKey(place));
      const stored = first && await readRecord(this.#disk, place, first, this.#compressor);
      if (stored === undefined) return undefined;
      const { pieceCount } = stored;
      if (!stored.isApart) {
        const object = this.#decode(place, stored.body);
        return { object, sizeBytes: stored.body.length, form: { pieceCount, isApart: false } };
      }
      const [object, latest] = await this.#readApart(place, stored);
      if (latest !== undefined && equalBytes(latest, first!)) {
        if (object instanceof Error) throw object;
        const sizeBytes = this.#codec.parts!.sizeBytes(object);
        return { object, sizeBytes, form: { pieceCount, isApart: true } };
      }
      known = latest;
      if (latest === undefined) return undefined;
    }
  }

  /** The object of a change, also of one that came from the journal as bytes. @throws {CorruptError} */
  objectOf(write: Write<T>): T | undefined | Promise<T> {
    const { body, clearsParts, isApart, object, parts, place } = write;
    if (object !== MISS) return object;
    // Such bytes were copied out of the journal and are nobody else's.
    if (!isApart) return this.#decode(place, body as Uint8Array<ArrayBuffer>);
    if (clearsParts) return this.#join(place, body!, partsIn(parts));
    return readParts(this.#disk, place, parts, this.#compressor).then((unchanged) => {
      return this.#join(place, body!, [...unchanged, ...partsIn(parts)]);
    });
  }

  /** Decodes a head, and fetches what belongs to it, if anything does. @throws {CorruptError} */
  ofHead(place: Place, head: Uint8Array): T | Promise<T | undefined> {
    const decoded = decodeHead(place, head);
    const { isApart, isCompressed } = decoded;
    if ("body" in decoded && !isApart && !isCompressed) return this.#decode(place, decoded.body);
    return this.read(place, head).then((read) => read?.object);
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

  /** The object, or why it is none, and the head as it was afterwards. */
  async #readApart(
    place: Place,
    { body }: StoredBytes,
  ): Promise<[object: T | CorruptError, latest: Uint8Array | undefined]> {
    let object: T | CorruptError;
    try {
      object = this.#join(place, body, await this.#partsOf(place));
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      object = error;
    }
    return [object, await this.#disk.get(headKey(place))];
  }

  #partsOf(place: Place): Promise<StoredPart[]> {
    return readParts(this.#disk, place, undefined, this.#compressor);
  }

  #join(
    place: Place,
    head: Uint8Array,
    parts: Iterable<StoredPart>,
  ): T {
    const { parts: codec } = this.#codec;
    if (codec === undefined) throw corrupt(place, "it lies in parts");
    return orCorrupt(place, () => codec.joinParts(head as Uint8Array<ArrayBuffer>, parts));
  }

  #decode(place: Place, body: Uint8Array<ArrayBuffer>): T {
    return orCorrupt(place, () => this.#codec.decode(body));
  }
}

/** The parts that a change brings. */
function partsIn(changes: ReadonlyMap<string, JournalPart> = new Map()): StoredPart[] {
  return [...changes.values()].flatMap(({ body, name }) =>
    body === undefined ? [] : [{ name, body }]
  );
}

/** @throws {CorruptError} in place of a {@linkcode MalformedError} */
function orCorrupt<R>(place: Place, read: () => R): R {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedError) throw corrupt(place, error.message);
    throw error;
  }
}
