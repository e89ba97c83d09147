// Somebody who edits a document of Yjs at a copy of his own, and sends what he has changed.
//
// An edit inserts a word, or deletes one. What was not acknowledged is sent again with the next edit. Authors come to
// know of each other what was acknowledged, so that their edits build upon each other's.

import * as Y from "yjs";
import type { Dice } from "./dice.ts";

const WORDS = "words";

/** How many ids of clients there are for Yjs. */
const CLIENT_IDS = 2 ** 31;

/** What is sent, and which words it inserts and deletes. */
export interface Edit {
  readonly update: Uint8Array;
  readonly inserted: readonly string[];
  readonly deleted: readonly string[];
}

export class DocumentAuthor {
  readonly #doc = new Y.Doc({ guid: "" });
  /** All that was acknowledged to any author of this world. */
  readonly #acknowledged: Uint8Array[];
  #known = 0;
  #unsent: Edit[] = [];

  /** @param acknowledged one list for all authors of a document */
  constructor(dice: Dice, acknowledged: Uint8Array[]) {
    // Yjs would draw one that is not the same twice.
    this.#doc.clientID = dice.below(CLIENT_IDS);
    this.#acknowledged = acknowledged;
  }

  /** Makes an edit; returns all that is to be sent. */
  edit(dice: Dice, word: string): Edit {
    for (; this.#known < this.#acknowledged.length; this.#known++) {
      Y.applyUpdate(this.#doc, this.#acknowledged[this.#known]!);
    }
    const words = this.#doc.getArray<string>(WORDS);
    const before = Y.encodeStateVector(this.#doc);
    const deleted: string[] = [];
    this.#doc.transact(() => {
      if (words.length > 0 && dice.happens(0.25)) {
        const at = dice.below(words.length);
        deleted.push(words.get(at));
        words.delete(at);
      }
      words.insert(dice.below(words.length + 1), [word]);
    });
    const update = Y.encodeStateAsUpdate(this.#doc, before);
    this.#unsent.push({ update, inserted: [word], deleted });
    return {
      update: Y.mergeUpdates(this.#unsent.map((edit) => edit.update)),
      inserted: this.#unsent.flatMap((edit) => edit.inserted),
      deleted: this.#unsent.flatMap((edit) => edit.deleted),
    };
  }

  /** What was sent last has arrived. */
  arrived(): void {
    this.#acknowledged.push(...this.#unsent.map(({ update }) => update));
    this.#unsent = [];
  }
}

/** The words that a document shows. */
export function wordsOf(update: Uint8Array | undefined): string[] {
  const doc = new Y.Doc({ guid: "" });
  if (update !== undefined) Y.applyUpdate(doc, update);
  const words = doc.getArray<string>(WORDS).toArray();
  doc.destroy();
  return words;
}
