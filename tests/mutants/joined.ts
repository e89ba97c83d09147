// Many mistakes in one tree, as far as they do not touch each other: so the types of all of them are checked
// at the price of a few trees.

import type { Edit } from "./mutant.ts";
import { edited } from "./mutated_tree.ts";

/** The edits of as few trees as it takes. @throws {Error} if an edit does not fit a tree of its own */
export function joinedEdits(
  mistakes: readonly (readonly Edit[])[],
  textOf: (file: string) => string,
): (readonly Edit[])[] {
  const trees: Tree[] = [];
  for (const edits of mistakes) {
    if (trees.some((tree) => tree.takes(edits, textOf))) continue;
    const tree = new Tree();
    // Throws what is wrong with it, since nothing else is in the way.
    tree.add(edits, textOf);
    trees.push(tree);
  }
  return trees.map(({ edits }) => edits);
}

class Tree {
  readonly edits: Edit[] = [];
  readonly #texts = new Map<string, string>();

  takes(edits: readonly Edit[], textOf: (file: string) => string): boolean {
    try {
      this.add(edits, textOf);
      return true;
    } catch {
      // They touch what another mistake has changed: the next tree is asked.
      return false;
    }
  }

  add(edits: readonly Edit[], textOf: (file: string) => string): void {
    const texts = new Map<string, string>();
    for (const edit of edits) {
      const { file } = edit;
      const text = texts.get(file) ?? this.#texts.get(file) ?? textOf(file);
      texts.set(file, edited(text, edit));
    }
    for (const [file, text] of texts) this.#texts.set(file, text);
    this.edits.push(...edits);
  }
}
