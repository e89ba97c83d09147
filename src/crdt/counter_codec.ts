// The bytes of a counter.
//
//   counter := share count | share ... | session count | session ... | id count | id ...
//   share    := dot | flags | plus | minus | echo plus | echo minus      the echoes if flag 1
//              | time of the share less that of what is removed | time of the removal
//              | removed plus | removed minus                           these four if flag 2
//   id      := end less that of the id before, in milliseconds | number | place of its session
//              | is folded (0 or 1) | dot count | (dot | sign | amount) ...
//
// Shares are sorted by actor, ids by end, number and session, the dots of an id by time and actor. Sessions are
// sorted, and each is named. A hot counter has many ids of few sessions: each takes some fifteen bytes.

import { type ActorId, compareDots, type HybridTime } from "../causality/dot.ts";
import type { Counted, CounterStore, Identified, Share } from "./counter.ts";
import type { StoreReader, StoreWriter } from "./dot_store.ts";
import { readDotted, writeDotted } from "./dotted.ts";
import { idOfKey, keyOfId, SESSION_MAX, UNTIL_MS_MAX } from "./operation_id.ts";
import { readTime } from "./seen_vector.ts";
import { type Change, SortedMap } from "./sorted_map.ts";

const HAS_ECHO = 1;
const HAS_REMOVED = 2;

export function writeCounter(writer: StoreWriter, { shares, ids }: CounterStore): void {
  writeDotted(writer, shares, ({ time, plus, minus, echo, removed }) => {
    const hasEcho = echo.plus > 0 || echo.minus > 0;
    writer.byte((hasEcho ? HAS_ECHO : 0) + (removed === undefined ? 0 : HAS_REMOVED));
    writer.integer(plus);
    writer.integer(minus);
    if (hasEcho) {
      writer.integer(echo.plus);
      writer.integer(echo.minus);
    }
    if (removed === undefined) return;
    writer.integer(time - removed.time);
    writer.integer(removed.at);
    writer.integer(removed.plus);
    writer.integer(removed.minus);
  });
  const sessions = new Set([...ids].map(([key]) => idOfKey(key).session));
  const places = new Map([...sessions].sort().map((session, place) => [session, place]));
  writer.integer(places.size);
  for (const session of places.keys()) writer.text(session);
  writer.integer(ids.size);
  let previousMs = 0;
  for (const [key, { isFolded, dots }] of ids) {
    const { number, session, untilMs } = idOfKey(key);
    writer.integer(untilMs - previousMs);
    previousMs = untilMs;
    writer.integer(number);
    writer.integer(places.get(session)!);
    writer.byte(Number(isFolded));
    writer.integer(dots.length);
    for (const dot of dots) {
      writer.dot(dot);
      writer.byte(Number(dot.amount < 0));
      writer.integer(Math.abs(dot.amount));
    }
  }
}

export function readCounter(reader: StoreReader): CounterStore {
  const shares = readDotted(reader, (dot): Share => {
    const flags = reader.byte();
    if (flags > HAS_ECHO + HAS_REMOVED) throw reader.malformed(`flags ${flags} are unknown`);
    const totals = readTotals(reader);
    const echo = (flags & HAS_ECHO) === 0 ? { plus: 0, minus: 0 } : readTotals(reader);
    if ((flags & HAS_ECHO) !== 0 && echo.plus === 0 && echo.minus === 0) {
      throw reader.malformed("echoes are empty");
    }
    if (echo.plus > totals.plus || echo.minus > totals.minus) {
      throw reader.malformed("there are more echoes than operations");
    }
    if ((flags & HAS_REMOVED) === 0) return { ...dot, ...totals, echo, removed: undefined };
    const time = dot.time - reader.integer();
    if (time <= 0) throw reader.malformed("a removal has seen nothing");
    const at = readTime(reader);
    return { ...dot, ...totals, echo, removed: { time, at, ...readTotals(reader) } };
  });
  return { shares, ids: readIds(reader, shares) };
}

function readIds(reader: StoreReader, shares: readonly Share[]): SortedMap<Identified> {
  const sessions: string[] = [];
  for (let count = reader.count(); count > 0; count--) {
    const session = reader.text();
    if (session.length > SESSION_MAX) throw reader.malformed("a session is too long");
    const previous = sessions[sessions.length - 1];
    if (previous !== undefined && previous >= session) {
      throw reader.malformed("sessions are out of order");
    }
    sessions.push(session);
  }
  const unnamed = new Set(sessions);
  const counted = new Map(shares.map(({ actor, time }) => [actor, time]));
  const entries: Change<Identified>[] = [];
  let untilMs = 0;
  for (let count = reader.count(); count > 0; count--) {
    untilMs += reader.integer();
    if (untilMs > UNTIL_MS_MAX) throw reader.malformed("an operation ends too late");
    const number = reader.integer();
    const session = sessions[reader.integer()];
    if (session === undefined) throw reader.malformed("an id has no session");
    unnamed.delete(session);
    const key = keyOfId({ session, number, untilMs });
    const previous = entries[entries.length - 1]?.[0];
    if (previous !== undefined && previous >= key) throw reader.malformed("ids are out of order");
    entries.push([key, readIdentified(reader, counted)]);
  }
  if (unnamed.size > 0) throw reader.malformed("a session has no operation");
  return SortedMap.empty<Identified>().withChanges(entries);
}

function readTotals(reader: StoreReader): { plus: number; minus: number } {
  return { plus: reader.integer(), minus: reader.integer() };
}

/** @param counted up to when each actor has counted */
function readIdentified(
  reader: StoreReader,
  counted: ReadonlyMap<ActorId, HybridTime>,
): Identified {
  const isFolded = reader.byte();
  if (isFolded > 1) throw reader.malformed("an id is neither folded nor not");
  const dots: Counted[] = [];
  for (let count = reader.count(); count > 0; count--) {
    const dot = reader.dot();
    const isNegative = reader.byte();
    const size = reader.integer();
    if (isNegative > 1 || (isNegative === 1 && size === 0)) {
      throw reader.malformed("an amount has no sign");
    }
    const previous = dots[dots.length - 1];
    if (previous !== undefined && compareDots(previous, dot) >= 0) {
      throw reader.malformed("the dots of an id are out of order");
    }
    const isCounted = (counted.get(dot.actor) ?? 0) >= dot.time;
    if (!isCounted && !reader.isPartial) throw reader.malformed("an id was never counted");
    dots.push({ ...dot, amount: isNegative === 1 ? -size : size });
  }
  if (dots.length === 0) throw reader.malformed("an id has no dots");
  return { isFolded: isFolded === 1, dots };
}
