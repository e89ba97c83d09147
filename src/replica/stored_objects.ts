// How objects go to the storage: small ones whole, those with large sets or maps in parts.

import type { DataObject } from "../crdt/data_object.ts";
import { decodeObject } from "../crdt/object_codec.ts";
import { changedParts, encodeHead, hasEntries, isApart, joinParts } from "../crdt/parts.ts";
import type { ObjectCodec } from "../storage/storage.ts";

/** @param apartBytes from which size on sets and maps are written in parts */
export function storedObjects(apartBytes?: number): ObjectCodec<DataObject> {
  return {
    encode: (object) => object.encoded(),
    decode: decodeObject,
    parts: {
      isApart: (object) => isApart(object, apartBytes),
      hasEntries,
      encodeHead,
      changedParts,
      joinParts,
      sizeBytes: ({ sizeBytes }) => sizeBytes,
    },
  };
}
