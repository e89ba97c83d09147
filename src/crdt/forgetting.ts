// What an object may forget once everybody has seen all that happened up to some time.
//
// A tombstone is there to recognise what it replaced, should that arrive again: from a copy that was away, an old
// disk, a message that was late. An actor's entry without values does the same. Once every owner has seen
// everything up to a time, the floor, such things below it are not needed: a value below the floor that an
// owner does not hold was seen and replaced, since the floor says that nothing below it is still to come.
//
// Values that merge keep the floor in what they have seen, and go on being recognised by it; of those that are
// gone altogether nothing is left, and the floor of the copy stands in for theirs.
//
// All here depend on the object and the floor alone, so owners that hold the same and have the same floor hold
// the same afterwards.
//
// Source: Gonçalves et al., "Concise Server-Wide Causality Management for Eventually Consistent Data Stores"
// (2015), section 4, where a node's clock does what the floor does here.

import { type HybridTime, MAX_TIME, TICKS_PER_MS } from "../causality/dot.ts";
import { type ActorEntry, SiblingSet } from "../causality/sibling_set.ts";
import { DataObject, type Opaque } from "./data_object.ts";
import { isLive, pendingInSlots } from "./map.ts";
import { SeenVector } from "./seen_vector.ts";
import { type Values, values as valuesType } from "./values.ts";

/**
 * How long after its end an expired value counts as ended for all, in milliseconds: until then a node whose clock
 * is behind may still let it live on.
 */
export const EXPIRY_SLACK_MS = 5_000;

/** From how many entries without values on an object is worth writing anew. */
export const IDLE_ENTRIES = 8;

/** From how many ids of operations on counters is worth writing anew. */
export const IDLE_IDS = 64;

/**
 * What is left of an object below a floor; the object itself if that is all of it.
 *
 * Of opaque values with a write above the floor nothing is forgotten. An idle entry may then be the word that this
 * write has replaced a value which another owner still holds.
 */
export function forget(object: DataObject, floor: HybridTime): DataObject {
  if (object.isEmpty || floor === 0) return object;
  const values = forgetInValues(object.values, floor);
  if (object.latestTime() > floor) {
    if (values === object.values) return object;
    return new DataObject(object.opaque, object.expiry, values);
  }
  if (endTime(object) <= floor) return DataObject.empty;
  if (idleCount(object) < IDLE_ENTRIES && values === object.values) return object;
  return new DataObject(object.opaque.filter(hasValues), object.expiry.filter(hasValues), values);
}

/** The lowest floor below which an object has something to forget, Infinity if it has nothing. */
export function forgettableFrom(object: DataObject): HybridTime {
  if (object.isEmpty) return Infinity;
  const from = idleCount(object) < IDLE_ENTRIES ? endTime(object) : object.latestTime();
  return Math.min(from, valuesForgettableFrom(object.values));
}

/**
 * Whether `incoming` has a value, written up to `upTo`, of which `held` knows nothing: neither that it is there
 * nor that it was replaced. Tombstones are no values: they bring nothing back.
 */
export function bringsUnseen(
  held: DataObject,
  incoming: DataObject,
  upTo: HybridTime,
): boolean {
  if (upTo === 0 || held === incoming) return false;
  return hasUnseen(held.opaque, incoming.opaque, upTo) ||
    hasUnseen(held.expiry, incoming.expiry, upTo) ||
    hasUnseenInValues(held.values, incoming.values, upTo);
}

/**
 * What is left of `own` when it is held against another copy that has seen everything up to `floor`: what was
 * written up to there and is not in `theirs` has been replaced.
 *
 * If nothing is left, not even what `own` knows to be replaced is taken over. It may come from a write that
 * reached nobody else in time, and has as a whole not happened. Values that merge are left as they are otherwise:
 * what is outdated in them is found when they are merged (see {@linkcode withFloor}).
 */
export function withoutOutdated(
  own: DataObject,
  theirs: DataObject,
  floor: HybridTime,
): DataObject {
  if (!bringsUnseen(theirs, own, floor)) return own;
  const opaque = keepSeen(own.opaque, theirs.opaque, floor);
  const expiry = keepSeen(own.expiry, theirs.expiry, floor);
  if (opaque.size > 0 || isAnyLeft(own.values, theirs.values, floor)) {
    return new DataObject(opaque, expiry, own.values);
  }
  const hasLater = valuesType.latestTime(own.values) > floor;
  const values = hasLater ? own.values : valuesType.empty;
  return new DataObject(replaced(own.opaque, floor), replaced(own.expiry, floor), values);
}

/**
 * With the floor in what its values have seen, so that a merge with them takes what they have seen replaced: to be
 * merged with what {@linkcode withoutOutdated} has left.
 *
 * @param floor up to where the copy that holds the object has seen everything
 */
export function withFloor({ expiry, opaque, values }: DataObject, floor: HybridTime): DataObject {
  if (floor === 0) return new DataObject(opaque, expiry, values);
  const { seen, store } = valuesType.forget(values, floor);
  const raised = { seen: new SeenVector(Math.max(floor, seen.floor), seen.times), store };
  return new DataObject(opaque, expiry, raised);
}

/** What is left of values below a floor, if enough is forgotten to be worth it. */
function forgetInValues(values: Values, floor: HybridTime): Values {
  return valuesForgettableFrom(values) > floor ? values : valuesType.forget(values, floor);
}

/**
 * The lowest floor with which values are worth writing anew. Ids of operations and actors that are silent pile up,
 * and nobody walks through all of them with every write to see which of them are below the floor. There must be
 * many of them, and the first must be due. Of actors that is the earliest beyond those that have been forgotten;
 * ids are sorted by their ends, so one look tells, and each is dealt with once, when it goes.
 */
function valuesForgettableFrom({ seen, store }: Values): HybridTime {
  const ids = pendingInSlots(store);
  let earliest = ids.count < IDLE_IDS ? Infinity : ids.from;
  if (seen.times.size < IDLE_ENTRIES) return earliest;
  for (const time of seen.times.values()) if (time > seen.floor && time < earliest) earliest = time;
  return earliest;
}

function hasUnseenInValues(held: Values, incoming: Values, upTo: HybridTime): boolean {
  const mayBeUnseen = [...incoming.seen.times].some(([actor, time]) => {
    return held.seen.upTo(actor) < Math.min(time, upTo);
  });
  if (!mayBeUnseen) return false;
  for (const dot of valuesType.dots(incoming)) {
    if (dot.time <= upTo && !held.seen.has(dot)) return true;
  }
  return false;
}

/** Whether anything of `own` is left beside another copy that has seen everything up to `floor`. */
function isAnyLeft(own: Values, theirs: Values, floor: HybridTime): boolean {
  const held = new Set([...valuesType.dots(theirs)].map(({ actor, time }) => `${time} ${actor}`));
  for (const dot of valuesType.dots(own)) {
    const isSeen = dot.time <= floor || theirs.seen.has(dot);
    if (!isSeen || held.has(`${dot.time} ${dot.actor}`)) return true;
  }
  return false;
}

function hasUnseen<V>(held: SiblingSet<V>, incoming: SiblingSet<V>, upTo: HybridTime): boolean {
  for (const { actor, values } of incoming.entries) {
    if (values.length === 0 || values[0]!.time > upTo) continue;
    for (const { time, value } of values) {
      if (time <= upTo && value !== null && !held.knows(actor, time)) return true;
    }
  }
  return false;
}

function keepSeen<V>(own: SiblingSet<V>, theirs: SiblingSet<V>, floor: HybridTime): SiblingSet<V> {
  const entries: ActorEntry<V>[] = [];
  for (const entry of own.entries) {
    const { actor } = entry;
    const values = entry.values.filter(({ time, value }) => {
      return time > floor || value === null || theirs.knows(actor, time);
    });
    if (values.length === entry.values.length) entries.push(entry);
    else if (values.length > 0) entries.push({ ...entry, values });
    else entries.push({ ...entry, discardedUpTo: entry.values.at(-1)!.time, values });
  }
  return new SiblingSet(entries);
}

/** That the values of a set have been replaced, and no word below the floor of what they replaced. */
function replaced<V>(set: SiblingSet<V>, floor: HybridTime): SiblingSet<V> {
  const entries = set.entries.filter(({ discardedUpTo, values }) => {
    return values.length > 0 || discardedUpTo > floor;
  });
  return new SiblingSet(entries.map((entry) => {
    if (entry.values.length === 0) return entry;
    return { actor: entry.actor, discardedUpTo: entry.values.at(-1)!.time, values: [] };
  }));
}

/** The time below which an object is of no use to anybody, Infinity if it has a value that does not end. */
function endTime(object: DataObject): HybridTime {
  // Who tries an operation again that was counted and removed must not find that nobody has heard of it.
  let end = Math.max(object.latestTime(), pendingInSlots(object.values.store).until);
  if (object.values.store.some(isLive)) {
    const endMs = object.endOf(0);
    if (endMs === undefined) return Infinity;
    end = Math.max(end, (endMs + EXPIRY_SLACK_MS) * TICKS_PER_MS);
  }
  for (const { time, value } of object.opaque.siblings()) {
    if (value === null) continue;
    const endMs = object.endOf(time);
    if (endMs === undefined) return Infinity;
    end = Math.max(end, (endMs + EXPIRY_SLACK_MS) * TICKS_PER_MS);
  }
  return end > MAX_TIME ? Infinity : end;
}

function hasValues({ values }: ActorEntry<Opaque | number>): boolean {
  return values.length > 0;
}

function idleCount({ opaque, expiry }: DataObject): number {
  if (opaque.entries.length + expiry.entries.length < IDLE_ENTRIES) return 0;
  const idle = (set: SiblingSet<Opaque | number>) =>
    set.entries.filter((entry) => !hasValues(entry)).length;
  return idle(opaque) + idle(expiry);
}
