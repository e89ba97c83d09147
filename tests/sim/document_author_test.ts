import assert from "node:assert/strict";
import * as Y from "yjs";
import { Dice } from "./dice.ts";
import { DocumentAuthor, wordsOf } from "./document_author.ts";

Deno.test("what was not acknowledged is sent again with the next edit, and others build upon the rest", () => {
  const dice = new Dice(1, "author");
  const acknowledged: Uint8Array[] = [];
  const [ann, bob] = [0, 1].map(() => new DocumentAuthor(dice, acknowledged));
  const first = ann!.edit(dice, "one");
  assert.deepEqual(wordsOf(first.update), ["one"]);
  const second = ann!.edit(dice, "two");
  assert.deepEqual(second.inserted, ["one", "two"]);
  ann!.arrived();
  const third = bob!.edit(dice, "three");
  assert.deepEqual(third.inserted, ["three"]);
  const all = Y.mergeUpdates([second.update, third.update]);
  const left = ["one", "three", "two"].filter((word) => {
    return ![...second.deleted, ...third.deleted].includes(word);
  });
  assert.deepEqual(wordsOf(all).sort(), left);
});

Deno.test("equal dice make equal edits", () => {
  const edit = () => {
    const dice = new Dice(7, "author");
    return new DocumentAuthor(dice, []).edit(dice, "word").update;
  };
  assert.deepEqual(edit(), edit());
});
