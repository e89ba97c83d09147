// What a read must not fall behind: the context that its client has been shown before.
//
// A client that asks one node after the other may meet a copy that is older than the one it met before.
// If it carries the context of what it was shown or has written, a read is answered only with an object
// that has seen all of that. Together with "what a copy has seen it never forgets" this gives a client
// read your writes and monotonic reads over any nodes and with any quorums.
//
// Writes need nothing of the kind: a put that carries a context leaves an object that has seen the context,
// whatever its coordinator held before, so whoever reads the put has seen what the client saw.
//
// Source: Terry et al., "Session Guarantees for Weakly Consistent Replicated Data" (1994), sections 3 and 4.

import { showBytes } from "../base/bytes.ts";
import { EMPTY_VECTOR, mergeVectors, type VersionVector } from "../causality/version_vector.ts";
import { DataObject } from "../crdt/data_object.ts";
import type { Copy } from "../replica/copy.ts";
import { DenamoError } from "../wire/errors.ts";
import type { ClientAnswer, ClientRequest } from "./requests.ts";

/**
 * The actors of whom a copy has not seen as much as a context covers. What lies below its floor it has seen, though
 * the object may know nothing of it any more.
 */
export function actorsBehind({ floor, object }: Copy, context: VersionVector): string[] {
  const behind: string[] = [];
  for (const [actor, time] of context) {
    if (time > floor && object.timeOf(actor) < time) behind.push(actor);
  }
  return behind;
}

/** Whether a copy has seen everything that a context covers. */
export function hasSeen(copy: Copy, context: VersionVector): boolean {
  return actorsBehind(copy, context).length === 0;
}

/** The error of a read that has found less than its client has seen. A read has no effect. */
export function staleError(key: Uint8Array, copy: Copy, context: VersionVector): DenamoError {
  const nodes = new Set(actorsBehind(copy, context).map((actor) => actor.split("~")[0]!));
  const lacking = [...nodes].sort();
  const message = `Cannot read "${showBytes(key)}" at least as late as asked: no copy that has ` +
    `answered has all writes that went through ${lacking.join(", ")}`;
  return new DenamoError("stale", "no", message, { lacking });
}

/** All that the contexts which a get carries have seen together; undefined if it carries none. */
export function atLeastOf(request: ClientRequest): VersionVector | undefined {
  if (request.op !== "get" || request.atLeast.length === 0) return undefined;
  return request.atLeast.reduce((all, { vector }) => mergeVectors(all, vector), EMPTY_VECTOR);
}

/**
 * Refuses an answer of another node that falls behind: it may be of a version that knows nothing of this.
 *
 * @throws {DenamoError} `stale`
 */
export function checkNotStale(request: ClientRequest, { floor, object }: ClientAnswer): void {
  const atLeast = atLeastOf(request);
  const found = { object: object ?? DataObject.empty, floor };
  if (atLeast !== undefined && !hasSeen(found, atLeast)) {
    throw staleError(request.key, found, atLeast);
  }
}
