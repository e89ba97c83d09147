// One request's operations on the values of a key, one after the other, and what came of each.
//
// A coordinator does here what needs to know what is there: an operation meets a value of another type, or one that
// has ended, or a number that was written as a text.
//
// The last is how counters begin in practice: SET key 10, then INCR key. The text becomes an operation on the
// counter whose id is the dot of the text. Two coordinators that do so at once both count the text, under one id,
// so it counts once; see counter.ts.
//
// An operation with an id that is known here has no effect, and is answered as though it had been carried out; one
// that is not known and whose time is over is refused. See operation_id.ts.

import { binaryString, utf8Text } from "../base/bytes.ts";
import { type Dot, type HybridTime, millisecondsOf } from "../causality/dot.ts";
import type { VersionVector } from "../causality/version_vector.ts";
import type { TypeName } from "./contract.ts";
import type { CounterOperation } from "./counter.ts";
import type { DataObject } from "./data_object.ts";
import { checkClientId, idOfText, isTooLate, type OperationId } from "./operation_id.ts";
import {
  type MapOperation,
  type MapStore,
  type NestedOperation,
  type Slots,
  slotsAt,
  storeIn,
  valueIn,
} from "./map.ts";
import type { RegisterStore } from "./register.ts";
import type { SetStore } from "./set.ts";
import type { StoredValue } from "./value.ts";

/** What came of one operation. */
export interface OperationResult {
  /** Elements or keys that were added or removed; else 1 if the value is another one, 0 if not. */
  readonly changed: number;
  /** Of an operation on a counter: what it shows after it. */
  readonly count: bigint | undefined;
}

/** Why an operation cannot be done. */
export type UpdateProblem = "wrong_type" | "not_a_number" | "too_late";

export class UpdateError extends Error {
  override readonly name = "UpdateError";
  constructor(readonly problem: UpdateProblem, message: string) {
    super(message);
  }
}

export interface Updated {
  readonly object: DataObject;
  readonly results: readonly OperationResult[];
}

/**
 * Carries out operations.
 *
 * @param seen what the client has seen, for those that remove something; undefined for all that is there
 * @param nextDot draws dots, each later than the one before and than the time that it is given
 * @throws {UpdateError} if the key holds a value of another type, or if it is too late for an operation
 * @throws {RangeError} if an operation, or its id, is out of bounds
 */
export function update(
  held: DataObject,
  operations: readonly NestedOperation[],
  seen: VersionVector | undefined,
  nextDot: (above: HybridTime) => Dot,
  nowMs: number,
): Updated {
  let object = held;
  const dot = () => nextDot(object.timeBefore(undefined));
  const results = operations.map((given) => {
    const operation = withSeen(given, seen);
    const id = operationIdOf(operation);
    if (id !== undefined) checkClientId(id, nowMs);
    object = makeRoom(object, operation.type, dot, nowMs);
    const before = object.values.store;
    for (const step of stepsOf(before, operation)) {
      const drawn = dot();
      const after = object.update(drawn, step);
      if (step === operation && id !== undefined && after !== object) checkInTime(id, drawn.time);
      object = after;
    }
    return resultOf(before, object.values.store, operation);
  });
  return { object, results };
}

/** The id of an operation, if it has one. */
export function operationIdOf({ operation, type }: NestedOperation): OperationId | undefined {
  if (type === "map" && operation.kind === "update") return operationIdOf(operation.nested);
  return type === "counter" ? operation.id : undefined;
}

function checkInTime(id: OperationId, time: HybridTime): void {
  if (!isTooLate(id, time)) return;
  const lateMs = millisecondsOf(time) - id.untilMs;
  throw new UpdateError(
    "too_late",
    `Operation ${id.number} of ${id.session} may take effect until ${id.untilMs} ms, and this ` +
      `try comes ${lateMs} ms too late; whether an earlier one has counted is not known here`,
  );
}

/** Whether operations only take something away, so that they have no effect where there is nothing. */
export function onlyRemoves({ operation, type }: NestedOperation): boolean {
  if (type === "map" && operation.kind === "update") return onlyRemoves(operation.nested);
  return (type === "map" || type === "set") && operation.kind === "remove" ||
    type === "flag" && operation.kind === "disable";
}

/** The object with a place for a value of a type. */
function makeRoom(
  object: DataObject,
  type: TypeName,
  dot: () => Dot,
  nowMs: number,
): DataObject {
  const slots = object.liveValues(nowMs);
  if (slots.some((slot) => slot.type.name === type)) return object;
  const [text] = object.live(nowMs);
  if (text === undefined && slots.length === 0) {
    // What has ended must not end what begins.
    return object.expiry.size === 0 ? object : object.renew(dot());
  }
  if (type !== "counter" || text === undefined) {
    throw new UpdateError("wrong_type", "The key holds a value of another type");
  }
  const amount = numberIn(text.value);
  if (amount === undefined) {
    throw new UpdateError("not_a_number", "The value is not an integer or out of range");
  }
  const first: CounterOperation = { kind: "add", amount, id: idOfText(text.actor, text.time) };
  return object.withoutOpaque().update(dot(), { type: "counter", operation: first });
}

/** The operation, and what has to be done before it. */
function stepsOf(slots: Slots, whole: NestedOperation): NestedOperation[] {
  const { operation, type } = whole;
  if (type !== "map" || operation.kind !== "update") return [whole];
  const { key, nested } = operation;
  const under = slotsAt(storeIn(slots, "map") as MapStore | undefined, key);
  const others = under.filter((slot) => slot.type.name !== nested.type && isLiveSlot(slot));
  const isThere = under.some((slot) => slot.type.name === nested.type && isLiveSlot(slot));
  if (others.length === 0 || isThere && nested.type !== "register") return [whole];
  const clear: MapOperation = { kind: "remove", keys: [key], seen: undefined };
  const remove: NestedOperation = { type: "map", operation: clear };
  if (nested.type === "register") return [remove, whole];
  const written = (storeIn(under, "register") as RegisterStore | undefined)?.at(-1);
  if (nested.type !== "counter" || written === undefined) {
    throw new UpdateError("wrong_type", "The key of the map holds a value of another type");
  }
  const amount = numberIn(valueIn(under, "register")!);
  if (amount === undefined) {
    throw new UpdateError("not_a_number", "The value in the map is not an integer");
  }
  const first: CounterOperation = {
    kind: "add",
    amount,
    id: idOfText(written.actor, written.time),
  };
  const begin: NestedOperation = { type: "counter", operation: first };
  return [remove, { type: "map", operation: { kind: "update", key, nested: begin } }, whole];
}

function resultOf(
  before: Slots,
  after: Slots,
  { operation, type }: NestedOperation,
): OperationResult {
  if (type === "map" && operation.kind === "update") {
    const [old, young] = [before, after].map((slots) => {
      return slotsAt(storeIn(slots, "map") as MapStore | undefined, operation.key);
    });
    const { count } = resultOf(old!, young!, operation.nested);
    return { changed: Number(!old!.some(isLiveSlot) && young!.some(isLiveSlot)), count };
  }
  if (type === "map" && operation.kind === "remove") {
    const keys = new Map(operation.keys.map((key) => [binaryString(key), key]));
    const liveKeys = (slots: Slots) => {
      const store = storeIn(slots, "map") as MapStore | undefined;
      return [...keys.values()].filter((key) => slotsAt(store, key).some(isLiveSlot)).length;
    };
    return { changed: liveKeys(before) - liveKeys(after), count: undefined };
  }
  if (type === "set") {
    const size = (slots: Slots) => (storeIn(slots, "set") as SetStore | undefined)?.size ?? 0;
    return { changed: Math.abs(size(after) - size(before)), count: undefined };
  }
  const count = type === "counter" ? valueIn(after, "counter") ?? 0n : undefined;
  return { changed: Number(storeIn(before, type) !== storeIn(after, type)), count };
}

function isLiveSlot({ store, type }: Slots[number]): boolean {
  return type.isLive(store);
}

function withSeen(whole: NestedOperation, seen: VersionVector | undefined): NestedOperation {
  const { operation, type } = whole;
  if (seen === undefined || !onlyRemoves(whole)) return whole;
  if (type === "map" && operation.kind === "update") {
    return { type, operation: { ...operation, nested: withSeen(operation.nested, seen) } };
  }
  return { type, operation: { ...operation, seen } } as NestedOperation;
}

/** The number that a value shows, as Redis reads numbers. */
function numberIn({ bytes, kind }: StoredValue): number | undefined {
  if (kind === "msgpack" || bytes.length > 20) return undefined;
  const text = utf8Text(bytes);
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
