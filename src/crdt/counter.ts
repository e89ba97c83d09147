// The counter: whole numbers are added at any replica, and the sum is exact.
//
// Each actor counts for itself and only itself, as a total that only grows, once for what is added and once
// for what is taken away; of two totals of one actor the later is the right one. So a message that
// comes twice counts once. Three things are harder:
//
// A client that got no answer tries again, perhaps at another coordinator, and both may have counted. So an
// operation may carry an id. Ids are kept with the dots under which they were counted; the earliest of them is
// the operation, every later one an echo, which is subtracted. Everybody who knows the same dots
// finds the same echoes. forget() folds the ids whose time is over: it takes the echoes out of the totals and
// drops the ids. Why no late try counts then is told in operation_id.ts. Ids are sorted by their ends, so folding
// looks at those that go and no others.
//
// A removal takes what it has seen and leaves what was concurrent. It notes for each actor the total that it
// has seen, which is subtracted from then on. Only whole totals are known: if the actor has counted since the
// client looked, all of that actor's share stays.
//
// What a removal noted must stay until everybody has seen the removal; then entry and note go together. Ids
// outlive a removal: an operation that was counted and removed must not count when it is tried again.
//
// Fractions are not counted: floating point sums depend on their order. Count in the smallest unit instead.
//
// Store: per actor {time, plus, minus, echo of both, removed}, and id -> dots. O(actors) for an operation
// without id; one with an id is a change in sorted_map.ts as well.
//
// Source: Shapiro et al., "A comprehensive study of CRDTs" (2011), section 3.1.3 (PN-counter); Riak's
// riak_dt_emcntr.erl and its known anomaly, that an actor's whole total outlives a removal, avoided here.

import { type ActorId, compareDots, type Dot, type HybridTime } from "../causality/dot.ts";
import { causalType } from "./causal_type.ts";
import { readCounter, writeCounter } from "./counter_codec.ts";
import { DOT_BYTES, NO_PENDING, type Pending, type Sides, type StoreType } from "./dot_store.ts";
import { endOfKey, keyOfId, type OperationId } from "./operation_id.ts";
import { type Change, SortedMap } from "./sorted_map.ts";

/** What is done to a counter. */
export interface CounterOperation {
  /** Adds. */
  readonly kind: "add";
  /** A safe integer, which may be negative. */
  readonly amount: number;
  /** By which it counts once, however often it is tried; undefined if it is not tried again. */
  readonly id: OperationId | undefined;
}

/** What was added and what was taken away: both at or above 0. */
export interface Totals {
  readonly plus: number;
  readonly minus: number;
}

/** What one actor counted, up to `time`. */
export interface Share extends Dot, Totals {
  /** How much of the totals were echoes whose ids have been folded. */
  readonly echo: Totals;
  readonly removed: Removed | undefined;
}

/** The totals without echoes that a removal has seen. */
export interface Removed extends Totals {
  /** The time of the actor up to which the removal had seen it. */
  readonly time: HybridTime;
  /** The time of the removal. */
  readonly at: HybridTime;
}

export interface Counted extends Dot {
  readonly amount: number;
}

export interface Identified {
  /** Whether the operation has been folded under an earlier dot, so that all of these are echoes. */
  readonly isFolded: boolean;
  /** In the order of compareDots(). */
  readonly dots: readonly Counted[];
}

export interface CounterStore {
  /** Sorted by actor. Every dot of an id is in one of them. */
  readonly shares: readonly Share[];
  /** By keys of operation_id.ts. */
  readonly ids: SortedMap<Identified>;
}

const NOTHING: Totals = { plus: 0, minus: 0 };
const EMPTY: CounterStore = { shares: [], ids: SortedMap.empty() };

export const counterStore: StoreType<CounterStore, CounterOperation, bigint> = {
  name: "counter",
  code: 1,
  empty: EMPTY,
  isEmpty: (store) => store.shares.length === 0,
  isLive: (store) => store.shares.some((share) => share.removed?.time !== share.time),

  apply(store, { amount, id }, dot) {
    if (!Number.isSafeInteger(amount)) throw new RangeError(`Cannot add ${amount} to a counter`);
    if (id === undefined) return { shares: withAmount(store.shares, amount, dot), ids: store.ids };
    const key = keyOfId(id);
    if (store.ids.get(key) !== undefined) return store;
    const entry: Identified = { isFolded: false, dots: [{ ...dot, amount }] };
    return { shares: withAmount(store.shares, amount, dot), ids: store.ids.with(key, entry) };
  },

  remove(store, seen, dot) {
    const shares = store.shares.map((share) => {
      const isSeen = seen === undefined || (seen.get(share.actor) ?? 0) >= share.time;
      if (!isSeen || share.removed?.time === share.time) return share;
      return { ...share, removed: { ...net(share), time: share.time, at: dot.time } };
    });
    return shares.every((share, i) => share === store.shares[i]) ? store : { ...store, shares };
  },

  join(a, b, sides) {
    const shares = joinShares(a.shares, b.shares, sides);
    const ids = counted(joinIds(a.ids, b.ids, sides), shares, a, b, sides);
    if (shares === a.shares && ids === a.ids) return a;
    return shares === b.shares && ids === b.ids ? b : { shares, ids };
  },

  diff: (before, after) => ({
    shares: after.shares.filter((share) => !before.shares.includes(share)),
    ids: SortedMap.empty<Identified>().withChanges(
      [...before.ids.differences(after.ids)]
        .filter(([, old, young]) => old !== young && young !== undefined)
        .map(([key, , young]): Change<Identified> => [key, young]),
    ),
  }),

  forget: fold,

  value(store) {
    let sum = 0n;
    for (const share of store.shares) {
      const { plus, minus } = net(share);
      const { removed = NOTHING } = share;
      sum += BigInt(plus - removed.plus) - BigInt(minus - removed.minus);
    }
    const removals = new Map(store.shares.map(({ actor, removed }) => [actor, removed]));
    for (const echo of echoes(store)) {
      const removed = removals.get(echo.actor);
      if (removed === undefined || removed.time < echo.time) sum -= BigInt(echo.amount);
    }
    return sum;
  },

  latestDots: ({ shares }) => shares,
  pending: pendingIds,
  count: (store) => ({ elements: store.ids.size, dots: store.shares.length }),
  sizeBytes: ({ shares, ids }) => SHARE_BYTES * shares.length + ids.sizeBytes(idBytes),
  write: writeCounter,
  read: readCounter,
};

export const counter = causalType(counterStore);

/** About how many bytes a share takes. */
const SHARE_BYTES = 24;

function idBytes(key: string, { dots }: Identified): number {
  return key.length + dots.length * (DOT_BYTES + 2);
}

/** The totals of a share without its folded echoes. */
function net({ plus, minus, echo }: Share): Totals {
  return { plus: plus - echo.plus, minus: minus - echo.minus };
}

function plusAmount({ plus, minus }: Totals, amount: number): Totals {
  return amount < 0 ? { plus, minus: minus - amount } : { plus: plus + amount, minus };
}

function shareOf(shares: readonly Share[], actor: ActorId): Share | undefined {
  return shares.find((share) => share.actor === actor);
}

/** With an amount that `dot` counted. */
function withAmount(
  shares: readonly Share[],
  amount: number,
  { actor, time }: Dot,
): readonly Share[] {
  const share = shareOf(shares, actor) ??
    { actor, time, ...NOTHING, echo: NOTHING, removed: undefined };
  const after: Share = { ...share, ...plusAmount(share, amount), time };
  if (!Number.isSafeInteger(after.plus) || !Number.isSafeInteger(after.minus)) {
    throw new RangeError(`Cannot add ${amount} to a counter: the total of one actor is too large`);
  }
  return [...shares.filter((other) => other !== share), after].sort((a, b) =>
    a.actor < b.actor ? -1 : 1
  );
}

/** Every dot under which an operation was counted once more. */
function* echoes({ ids }: CounterStore): Generator<Counted> {
  for (const [, { isFolded, dots }] of ids) {
    for (let i = isFolded ? 0 : 1; i < dots.length; i++) yield dots[i]!;
  }
}

function joinShares(
  a: readonly Share[],
  b: readonly Share[],
  sides: Sides,
): readonly Share[] {
  const shares: Share[] = [];
  const ofA = new Map(a.map((share) => [share.actor, share]));
  const ofB = new Map(b.map((share) => [share.actor, share]));
  for (const share of a) {
    const other = ofB.get(share.actor);
    if (other !== undefined) shares.push(joinShare(share, other, sides));
    else if (sides.interval !== undefined || !sides.b.has(share)) shares.push(share);
  }
  for (const share of b) {
    if (!ofA.has(share.actor) && !sides.a.has(share)) shares.push(share);
  }
  if (shares.length === a.length && shares.every((share, i) => share === a[i])) return a;
  return shares.sort((one, other) => one.actor < other.actor ? -1 : 1);
}

/** The later totals, and what the removal has taken that has seen more of this actor. */
function joinShare(a: Share, b: Share, sides: Sides): Share {
  const later = compareShares(a, b) < 0 ? b : a;
  // The side with the higher floor has folded knowing everything up to there.
  const folded = sides.b.floor > sides.a.floor ? b : sides.a.floor > sides.b.floor ? a : later;
  const removed = laterRemoval(a.removed, b.removed);
  if (later.removed === removed && folded === later) return later;
  return { ...later, echo: withinTotals(folded.echo, later), removed };
}

/** The later one comes later; two of one time are the same, unless somebody errs. */
function compareShares(a: Share, b: Share): number {
  return a.time - b.time || compareTotals(a, b) || compareTotals(a.echo, b.echo);
}

function compareTotals(a: Totals, b: Totals): number {
  return a.plus - b.plus || a.minus - b.minus;
}

/** Echoes are a part of the totals, unless somebody errs; and what his error leaves must be readable all the same. */
function withinTotals(echo: Totals, { minus, plus }: Totals): Totals {
  if (echo.plus <= plus && echo.minus <= minus) return echo;
  return { plus: Math.min(echo.plus, plus), minus: Math.min(echo.minus, minus) };
}

function laterRemoval(a: Removed | undefined, b: Removed | undefined): Removed | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.time !== b.time) return a.time > b.time ? a : b;
  // Two that saw the same are one, which everybody has seen as soon as the earlier has been seen.
  if (a.at !== b.at) return a.at < b.at ? a : b;
  return compareTotals(a, b) < 0 ? b : a;
}

/** All ids of both. They go by folding only, which both sides have done up to the same time. */
function joinIds(
  a: SortedMap<Identified>,
  b: SortedMap<Identified>,
  sides: Sides,
): SortedMap<Identified> {
  const changes: Change<Identified>[] = [];
  const consider = (key: string, mine: Identified | undefined, theirs: Identified | undefined) => {
    const joined = joinIdentified(mine, theirs);
    if (joined !== mine) changes.push([key, joined]);
  };
  if (sides.interval !== undefined) {
    for (const [key, theirs] of b) consider(key, a.get(key), theirs);
  } else for (const [key, mine, theirs] of a.differences(b)) consider(key, mine, theirs);
  return a.withChanges(changes);
}

/**
 * Ids without the dots that no share has counted. A share goes only when nobody knows an id of it any more, so there
 * are none, unless somebody errs; and what his error leaves must be readable all the same.
 */
function counted(
  ids: SortedMap<Identified>,
  shares: readonly Share[],
  a: CounterStore,
  b: CounterStore,
  sides: Sides,
): SortedMap<Identified> {
  const isThere = ({ actor }: Share) => shareOf(shares, actor) !== undefined;
  const areThere = a.shares.every(isThere) && b.shares.every(isThere);
  // A delta may name a share that is on neither side.
  const doubtful = !areThere ? ids : sides.interval === undefined ? [] : b.ids;
  const changes: Change<Identified>[] = [];
  for (const [key] of doubtful) {
    const { dots, isFolded } = ids.get(key)!;
    const left = dots.filter(({ actor, time }) => (shareOf(shares, actor)?.time ?? 0) >= time);
    if (left.length === dots.length) continue;
    changes.push([key, left.length === 0 ? undefined : { isFolded, dots: left }]);
  }
  return ids.withChanges(changes);
}

function joinIdentified(
  a: Identified | undefined,
  b: Identified | undefined,
): Identified | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const isFolded = a.isFolded || b.isFolded;
  const dots = [...a.dots];
  let isA = isFolded === a.isFolded;
  for (const theirs of b.dots) {
    const at = dots.findIndex((mine) => compareDots(mine, theirs) === 0);
    // A dot counted one amount, unless somebody errs.
    if (at >= 0 && dots[at]!.amount >= theirs.amount) continue;
    isA = false;
    if (at >= 0) dots[at] = theirs;
    else dots.push(theirs);
  }
  return isA ? a : { isFolded, dots: dots.sort(compareDots) };
}

/** Takes the echoes at or below `upTo` out of the totals, drops ids that have ended and what is wholly removed. */
function fold(store: CounterStore, upTo: HybridTime): CounterStore {
  const folded: Counted[] = [];
  const changes: Change<Identified>[] = [];
  for (const [key, { isFolded, dots }] of store.ids) {
    if (endOfKey(key) > upTo) break;
    const early = dots.filter(({ time }) => time <= upTo);
    if (early.length === 0) continue;
    folded.push(...(isFolded ? early : early.slice(1)));
    const late = dots.slice(early.length);
    changes.push([key, late.length === 0 ? undefined : { isFolded: true, dots: late }]);
  }
  const ids = store.ids.withChanges(changes);
  const isRemoved = ({ time, removed }: Share) =>
    removed?.time === time && Math.max(time, removed.at) <= upTo;
  const named = store.shares.some(isRemoved) ? actorsOf(ids) : new Set();
  const foldedBy = Map.groupBy(folded, ({ actor }) => actor);
  const shares = store.shares
    .map((share) => (foldedBy.get(share.actor) ?? []).reduce(withoutEcho, share))
    .filter((share) => !isRemoved(share) || named.has(share.actor));
  const isSame = changes.length === 0 && shares.length === store.shares.length;
  return isSame ? store : { shares, ids };
}

function actorsOf(ids: SortedMap<Identified>): Set<ActorId> {
  const actors = new Set<ActorId>();
  for (const [, { dots }] of ids) for (const { actor } of dots) actors.add(actor);
  return actors;
}

/** The first id to go is the first of all, but that it stays until its earliest dot is below the floor. */
function pendingIds({ ids }: CounterStore): Pending {
  for (const [key, { dots }] of ids) {
    const from = Math.max(endOfKey(key), dots[0]!.time);
    return { count: ids.size, from, until: endOfKey(ids.lastKey!) };
  }
  return NO_PENDING;
}

function withoutEcho(share: Share, { time, amount }: Counted): Share {
  const echo = withinTotals(plusAmount(share.echo, amount), share);
  const { removed } = share;
  if (removed === undefined || removed.time < time) return { ...share, echo };
  const { plus, minus } = amount < 0
    ? { plus: removed.plus, minus: Math.max(0, removed.minus + amount) }
    : { plus: Math.max(0, removed.plus - amount), minus: removed.minus };
  return { ...share, echo, removed: { ...removed, plus, minus } };
}
