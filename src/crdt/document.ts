// The document: texts, lists and maps that several people edit at once, as Yjs has them.
//
// The editing is done by the clients; what they send are updates of Yjs, and the state is all of them merged
// (document_update.ts). An update may come before what it builds on, and waits in the state.
//
// A document lives and dies as a whole, since what is left of an edit without the document that it was made
// in means nothing. As a HyperLogLog does, it belongs to the dot of the operation that began it; a removal
// that has seen that dot takes the document with all edits, also those that it has not seen.
// An edit that found nothing begins a document, and that one stays.
//
// Store: beginning -> update. There is one beginning, and more only where replicas began at the same
// time; they are shown as one document. Everything takes O(size of the document).
//
//   store := count | (dot | length | update) ...
//
// Source: Nicolaescu et al., "Near Real-Time Peer-to-Peer Shared Editing on Extensible Data Types" (2016).

import type { Dot } from "../causality/dot.ts";
import { equalBytes } from "../base/bytes.ts";
import { causalType } from "./causal_type.ts";
import {
  accepted,
  canonical,
  isStoredForm,
  joinUpdates,
  type Update,
  updateBetween,
} from "./document_update.ts";
import { DOT_BYTES, type StoreReader, type StoreType } from "./dot_store.ts";
import { joinDotted, readDotted, withoutSeen, writeDotted } from "./dotted.ts";

/** All edits of a document, under the dot of the operation that began it. */
export interface Edited extends Dot {
  readonly update: Update;
}

export type DocumentStore = readonly Edited[];

/** What is done to a document. */
export interface DocumentOperation {
  /** Takes in an update. */
  readonly kind: "edit";
  /** Of Yjs, in its first format. apply() throws MalformedError for anything else. */
  readonly update: Uint8Array;
}

export const documentStore: StoreType<DocumentStore, DocumentOperation, Update | undefined> = {
  name: "document",
  code: 9,
  empty: [],
  isEmpty: (store) => store.length === 0,
  isLive: (store) => store.length > 0,

  apply(store, operation, dot) {
    const [first, ...others] = store;
    const edit = accepted(operation.update);
    if (first === undefined) return [{ ...dot, update: edit }];
    const update = canonical(first.update, edit);
    return equalBytes(update, first.update) ? store : [{ ...first, update }, ...others];
  },

  remove: (store, seen) => withoutSeen(store, seen),
  join: (a, b, sides) =>
    joinDotted(a, b, sides, (mine, theirs) => {
      const update = joinUpdates(mine.update, theirs.update);
      if (update === mine.update) return mine;
      return update === theirs.update ? theirs : { ...mine, update };
    }),

  diff: (before, after) =>
    after.map((edited) => {
      const held = before.find(({ actor, time }) => actor === edited.actor && time === edited.time);
      return held === undefined
        ? edited
        : { ...edited, update: updateBetween(held.update, edited.update) };
    }),

  forget: (store) => store,
  value(store) {
    const [first, ...others] = store.map(({ update }) => update);
    return first === undefined || others.length === 0 ? first : joinUpdates(first, ...others);
  },
  latestDots: (store) => store,
  count: (store) => ({ elements: 0, dots: store.length }),
  sizeBytes: (store) => store.reduce((sum, { update }) => sum + DOT_BYTES + update.length, 0),
  write: (writer, store) => writeDotted(writer, store, ({ update }) => writer.bytes(update)),
  read: (reader) => readDotted(reader, (dot) => ({ ...dot, update: readUpdate(reader) })),
};

export const document = causalType(documentStore);

function readUpdate(reader: StoreReader): Update {
  const update = reader.bytes().slice();
  // What a delta brings is read here once, so that merging it cannot fail.
  const isStored = isStoredForm(update);
  if (!isStored && !reader.isPartial) throw reader.malformed("an update is not canonical");
  return update;
}
