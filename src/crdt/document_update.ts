// Updates of Yjs documents in one form: equal contents are equal bytes.
//
// Yjs can merge updates without reading them, and what comes out depends on the order: of a deleted piece one
// update still has the text and another only the length, and the first of them is kept. Here every update
// goes through a document, which drops the texts of deleted pieces, joins what belongs together and
// keeps aside what waits for something that is missing (document_waiting.ts); what it then writes depends on what it was
// given and not on the order. That takes time and memory in proportion to the document, for each operation.
//
// The documents below take no part in the editing: they have no client id that could be drawn, and take no formats
// out of a text that have no effect, since Yjs does so or not by the order of what comes.
//
// Updates come from clients. So each is read, and what they cost reckoned, before Yjs sees them: update_scan.ts,
// update_cost.ts, update_joining.ts; and the steps that it takes then are counted: document_walk.ts.
//
// Source: Nicolaescu et al., "Near Real-Time Peer-to-Peer Shared Editing on Extensible Data Types" (2016);
// Yjs, INTERNALS.md.

// deno-lint-ignore denamo-rooms/imports -- It computes and touches nothing, as those that are allowed.
import * as Y from "yjs";
import { compareBytes, equalBytes } from "../base/bytes.ts";
import { MalformedError } from "../base/malformed.ts";
import { withCountedSteps } from "./document_walk.ts";
import { waitingUpdate } from "./document_waiting.ts";
import { checkCost } from "./update_cost.ts";
import { withJoinedLists } from "./update_joining.ts";
import { scanUpdate } from "./update_scan.ts";

export type Update = Uint8Array;

/** The largest update that a client may send, in bytes. */
export const UPDATE_MAX_BYTES = 512 * 1024;

/** No update names a client below 0, so none can take the document for its own. */
const NOBODY = -1;

/**
 * All that the updates contain, as one update in the one form.
 *
 * @throws {MalformedError} if any of them is no update, or if it would take too long to put them together
 */
export function canonical(...updates: readonly Update[]): Update {
  const scanned = updates.map(scanUpdate);
  const joined = scanned.map(withJoinedLists);
  checkCost(
    scanned.map((update, i) => joined[i] === update.bytes ? update : scanUpdate(joined[i]!)),
  );
  return withCountedSteps(() => putTogether(joined, waitingUpdate));
}

/**
 * Whether what is on a disk can have been written there: in the one form, or in the form of Yjs, which has what
 * waits as it came. Disks hold both; the next edit makes the first of the second.
 *
 * @throws {MalformedError} if it is no update, or if it would take too long to find out
 */
export function isStoredForm(update: Update): boolean {
  if (equalBytes(canonical(update), update)) return true;
  checkCost([scanUpdate(update)]);
  return equalBytes(withCountedSteps(() => putTogether([update])), update);
}

/** @param waitingOf writes what waits; without it that is left as Yjs has it */
function putTogether(updates: readonly Update[], waitingOf?: typeof waitingUpdate): Update {
  const document = new Y.Doc({ gc: true, guid: "" });
  document.clientID = NOBODY;
  document.on("afterTransaction", leaveFormats);
  try {
    for (const update of updates) Y.applyUpdate(document, update);
    takeWhatWaits(document);
    if (document.store.pendingStructs === null || waitingOf === undefined) {
      return Y.encodeStateAsUpdate(document);
    }
    document.store.pendingStructs = null;
    const taken = Y.encodeStateAsUpdate(document);
    return Y.mergeUpdates([taken, waitingOf(updates, stateOf(document))]);
  } catch (error) {
    // Yjs throws whatever its parts throw.
    if (error instanceof MalformedError) throw error;
    throw new MalformedError("document", error instanceof Error ? error.message : String(error));
  } finally {
    document.destroy();
  }
}

function leaveFormats(transaction: Y.Transaction): void {
  transaction._needFormattingCleanup = false;
}

/**
 * Takes in what has come before its time, if that is now.
 *
 * Yjs tries it again by itself, but may miss the moment: of each client it remembers one edit that is waited for, and
 * that may be a later one than would do for a part of what waits.
 */
function takeWhatWaits(document: Y.Doc): void {
  const waiting = document.store.pendingStructs;
  if (waiting === null) return;
  document.store.pendingStructs = null;
  Y.applyUpdateV2(document, waiting.update);
}

/** How many elements of each client are in the document. */
function stateOf(document: Y.Doc): Map<number, number> {
  return Y.decodeStateVector(Y.encodeStateVector(document));
}

/**
 * An update that a client has sent in the one form.
 *
 * @throws {MalformedError} also if it has none: Yjs reads some damaged updates, and writes them differently each time
 */
export function accepted(update: Update): Update {
  if (update.length > UPDATE_MAX_BYTES) {
    throw new MalformedError("document", `it has more than ${UPDATE_MAX_BYTES} bytes`);
  }
  const once = canonical(update);
  if (equalBytes(canonical(once), once)) return once;
  throw new MalformedError("document", "it has no one form");
}

/**
 * What all contain, of several that are canonical; returns one of them if that is the result.
 *
 * @throws {MalformedError} if it would take too long to put them together
 */
export function joinUpdates(first: Update, ...others: readonly Update[]): Update {
  // The order matters only if a client has used one id for two different edits. Then everybody errs alike.
  const sorted = [first, ...others].sort(compareBytes);
  const distinct = sorted.filter((update, i) => i === 0 || !equalBytes(update, sorted[i - 1]!));
  if (distinct.length === 1) return first;
  const joined = canonical(...distinct);
  return distinct.find((update) => equalBytes(update, joined)) ?? joined;
}

/** An update, not in the one form, that makes `after` of `before`. */
export function updateBetween(before: Update, after: Update): Update {
  return Y.diffUpdate(after, Y.encodeStateVectorFromUpdate(before));
}
