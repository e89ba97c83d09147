// The request header Idempotency-Key: a request that is made again with the same key counts once.
//
// Clients know this header from elsewhere, and draw a UUID for each request. A node must be able to tell when a request
// was first made, or it could never forget that it was; so the UUID must be of version 7, which begins with the time
// at which it was drawn. From then on the request may be tried for five minutes; later it is refused as `too_late`.
//
// Only increments of counters can be told apart so. Of other operations that merge a second one shows in the value, if
// others have changed it meanwhile, so with such a key they are refused.
//
// Source: IETF draft-ietf-httpapi-idempotency-key-header; RFC 9562, section 5.7 (UUID version 7).

import type { NestedOperation } from "../../node/api.ts";
import { badRequest } from "./problem.ts";

export const IDEMPOTENCY_KEY_HEADER = "Idempotency-Key";

/** How long after its key was drawn a request may be tried, in milliseconds. */
export const IDEMPOTENCY_WINDOW_MS = 300_000;

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The operations with ids by which they are known if the request is made again.
 *
 * @param given the value of the header: a UUID, with quotes or without; null leaves the operations alone
 * @throws {DenamoError} `bad_request` if it is no UUID of version 7, or if an operation can have no id
 */
export function withIdempotencyKey(
  operations: readonly NestedOperation[],
  given: string | null,
): readonly NestedOperation[] {
  if (given === null) return operations;
  const uuid = given.trim().replace(/^"(.*)"$/, "$1").toLowerCase();
  if (!UUID_7.test(uuid)) {
    throw badRequest(
      `${IDEMPOTENCY_KEY_HEADER} must be a UUID of version 7, which says when it was drawn`,
    );
  }
  const drawnAtMs = Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
  const untilMs = drawnAtMs + IDEMPOTENCY_WINDOW_MS;
  return operations.map((operation, number) =>
    withId(operation, { session: uuid, number, untilMs })
  );
}

function withId(
  whole: NestedOperation,
  id: { session: string; number: number; untilMs: number },
): NestedOperation {
  const { operation, type } = whole;
  if (type === "map" && operation.kind === "update") {
    return { type, operation: { ...operation, nested: withId(operation.nested, id) } };
  }
  if (type !== "counter") {
    throw badRequest(`With ${IDEMPOTENCY_KEY_HEADER} all operations must be on counters`);
  }
  if (operation.id !== undefined) {
    throw badRequest(`An operation has an id of its own beside ${IDEMPOTENCY_KEY_HEADER}`);
  }
  return { type, operation: { ...operation, id } };
}
