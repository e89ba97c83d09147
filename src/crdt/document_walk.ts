// Measuring how Yjs looks for the place of an element among others that were put there at the same time.
//
// For each such element it walks over the others, from where its author saw it begin to where it ends. That is short
// in what people write, even where thousands have written at once; but thirty thousand elements that all claim to
// have been put around the same thirty thousand others are a thousand million steps in three hundred kilobytes. How
// long the walks are depends on the order of all that went before, so nothing short of walking tells it.
//
// Yjs has no place for counting. So the one method in which it walks is wrapped: while a document is put together
// here, the walk is done before Yjs does it, step by step and counted, and Yjs finds the place found. Elsewhere
// in the process nothing changes. The steps are those of Item.integrate() in yjs 13.6, and a test compares both.
//
// Source: Nicolaescu et al., "Near Real-Time Peer-to-Peer Shared Editing on Extensible Data Types" (2016),
// section 4.2 (the conflict resolution); Yjs, src/structs/Item.js.

// deno-lint-ignore denamo-rooms/imports -- It computes and touches nothing, as those that are allowed.
import * as Y from "yjs";
import { MalformedError } from "../base/malformed.ts";
import { NESTING_DEPTH_MAX } from "../base/nesting.ts";

/** How many steps may be walked for one document: half a second or so. */
const STEPS_MAX = 2_000_000;

/** What a step costs that only follows a reference, beside one that remembers what it has passed. */
const SHORT_STEP = 1 / 16;

/** The steps that are left to the document that is being put together; undefined if none is. */
let stepsLeft: number | undefined;

/**
 * Does what puts a document together. Its steps are counted.
 *
 * @throws {MalformedError} as soon as they are too many, or types are nested too deep
 */
export function withCountedSteps<T>(work: () => T): T {
  stepsLeft = STEPS_MAX;
  try {
    return work();
  } finally {
    stepsLeft = undefined;
  }
}

const integrate = Y.Item.prototype.integrate;

Y.Item.prototype.integrate = function (transaction: Y.Transaction, offset: number): void {
  if (stepsLeft === undefined) return integrate.call(this, transaction, offset);
  if (offset > 0) cut(this, transaction, offset);
  if (this.parent instanceof Y.AbstractType) {
    if (this.content instanceof Y.ContentType) checkDepth(this.parent);
    place(this, this.parent, transaction.doc.store);
  }
  integrate.call(this, transaction, 0);
};

/** Leaves of an element what is not known yet. */
function cut(item: Y.Item, transaction: Y.Transaction, offset: number): void {
  item.id.clock += offset;
  const last = Y.createID(item.id.client, item.id.clock - 1);
  item.left = Y.getItemCleanEnd(transaction, transaction.doc.store, last);
  item.origin = item.left.lastId;
  item.content = item.content.splice(offset);
  item.length -= offset;
}

type Parent = Y.AbstractType<unknown>;

/** Finds the place of an element and gives it its neighbours there, if others are where it claims to be. */
function place(item: Y.Item, parent: Parent, store: Y.Doc["store"]): void {
  const { left, right } = item;
  const isFree = left === null ? right !== null && right.left === null : left.right === right;
  if (isFree) return;
  const first = left === null ? firstIn(parent, item.parentSub) : left.right;
  item.left = walk(item, first, store);
  item.right = item.left === null ? first : item.left.right;
}

/** The element behind which an item belongs. */
function walk(item: Y.Item, first: Y.Item | null, store: Y.Doc["store"]): Y.Item | null {
  let left = item.left;
  /** Of those that were passed, the how manieth each was; and from which on they conflict. */
  const passed = new Map<Y.Item | Y.GC, number>();
  let conflictingFrom = 0;
  for (let other = first; other !== null && other !== item.right; other = other.right) {
    step(1);
    passed.set(other, passed.size);
    if (Y.compareIDs(item.origin, other.origin)) {
      if (other.id.client < item.id.client) {
        left = other;
        conflictingFrom = passed.size;
      } else if (Y.compareIDs(item.rightOrigin, other.rightOrigin)) {
        break;
      }
    } else {
      const before = other.origin === null ? undefined : passed.get(originOf(other, store));
      if (before === undefined) break;
      if (before < conflictingFrom) {
        left = other;
        conflictingFrom = passed.size;
      }
    }
  }
  return left;
}

/** The element behind which another was written: mostly the one before it. */
function originOf({ left, origin }: Y.Item, store: Y.Doc["store"]): Y.Item | Y.GC {
  const { client, clock } = origin!;
  const isBefore = left !== null && left.id.client === client && left.id.clock <= clock &&
    clock < left.id.clock + left.length;
  return isBefore ? left : Y.getItem(store, origin!);
}

function firstIn(parent: Parent, key: string | null): Y.Item | null {
  if (key === null) return parent._start;
  let first = parent._map.get(key) ?? null;
  while (first !== null && first.left !== null) {
    // Yjs goes this way once more.
    step(2 * SHORT_STEP);
    first = first.left;
  }
  return first;
}

/** Whoever deletes a type goes down to what is in it, level by level. */
function checkDepth(parent: Parent): void {
  let depth = 1;
  for (let type: Parent | null = parent; type?._item != null; depth++) {
    if (depth > NESTING_DEPTH_MAX) throw new MalformedError("document", "it is nested too deep");
    type = type._item.parent as Parent | null;
  }
}

function step(cost: number): void {
  stepsLeft! -= cost;
  if (stepsLeft! < 0) throw new MalformedError("document", "it takes too long to put together");
}
