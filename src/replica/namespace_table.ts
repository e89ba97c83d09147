// The settings of namespaces that were made at run time: a small value that every node holds and merges.
//
// Two operators set the same prefix at two nodes at once, or at both sides of a cut network. All nodes must end
// with the same settings, whatever order they hear of it in: so each prefix has a register that the last
// writer wins, by a hybrid time and then by the name of the node that took the order. A removal is an entry
// without settings, which stays: else a node that missed it would bring the settings back.
//
// So that a table does not grow for ever it keeps the latest ORDER_COUNT_MAX orders, of all prefixes together. Is that
// safe? An order that goes has so many later ones for other prefixes, in every table that is made of this one
// too, since an order gives way only to a later one. Whatever is older than it goes there as well: so what a removal
// took does not come back where the removal was dropped. And of several tables the same orders are the latest,
// whichever are merged first. Nobody loses settings in force by an order of his own: with() refuses it where they
// would go. They can only go if nodes that do not hear of each other take some hundred orders each.
//
// An order must be able to follow every other one. But times end, and a flipped bit or a clock of another age may give
// an order the last of them. So one that lies so far ahead that no cluster's clocks were ever there counts as
// older than all that do not. It is in force until the next order comes, and then gives way on every node alike. Whether
// it is so far ahead each node asks its own clock, and all of them say the same but for a moment in decades.
//
//   table := count | entries, by prefix as text
//   entry := prefix | time | node | settings as JSON, empty for a removal
//
// Tables never change. Equal tables have equal bytes and digests on every node; a table without entries has
// the digest "".

import { assert } from "../base/assert.ts";
import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { utf8 } from "../base/bytes.ts";
import { hash64Hex } from "../base/hash.ts";
import { type HybridTime, MAX_TIME, TICKS_PER_MS } from "../causality/dot.ts";
import { LIMITS } from "../wire/limits.ts";
import { inOrder, mistakesIn, type SettingsOfPrefix } from "./namespace_rules.ts";

/** The last order for one prefix. */
export interface NamespaceEntry {
  readonly time: HybridTime;
  /** Who took the order. */
  readonly node: string;
  /** Undefined for a removal. */
  readonly settings: SettingsOfPrefix | undefined;
}

/** For how many prefixes an operator may have settings in force. */
export const NAMESPACE_COUNT_MAX = 256;

/** How many orders a table keeps, removals included: with the longest prefixes they fit one record of a disk. */
export const ORDER_COUNT_MAX = 512;

/** The longest settings in JSON, in characters; all settings together have about 130. */
const SETTINGS_CHARACTERS_MAX = 1024;

export class NamespaceTable {
  static readonly empty = new NamespaceTable(new Map());

  /** By prefix. */
  readonly entries: ReadonlyMap<string, NamespaceEntry>;
  #encoded: Uint8Array<ArrayBuffer> | undefined;
  #digest: string | undefined;

  private constructor(entries: ReadonlyMap<string, NamespaceEntry>) {
    this.entries = entries;
  }

  /**
   * Sets a prefix, or removes its settings if they are undefined.
   *
   * @param time later than {@linkcode NamespaceTable.timeBelow}
   * @param furthest the latest time that counts; see {@linkcode furthestOrder}
   * @throws {RangeError} if there are too many prefixes
   */
  with(
    prefix: string,
    settings: SettingsOfPrefix | undefined,
    time: HybridTime,
    node: string,
    furthest: HybridTime = MAX_TIME,
  ): NamespaceTable {
    assert(this.timeBelow(prefix, furthest) < time, "what replaces is later");
    const entries = new Map(this.entries)
      .set(prefix, { time, node, settings: settings && inOrder(settings) });
    const isSet = ({ settings }: Pick<NamespaceEntry, "settings">) => settings !== undefined;
    const held = this.entries.get(prefix);
    const isOneMore = settings !== undefined && (held === undefined || !isSet(held));
    if (isOneMore && [...entries.values()].filter(isSet).length > NAMESPACE_COUNT_MAX) {
      throw new RangeError(`${NAMESPACE_COUNT_MAX} namespaces are set already`);
    }
    const kept = latest(entries, furthest);
    for (const [other, entry] of entries) {
      if (!isSet(entry) || kept.has(other)) continue;
      const name = JSON.stringify(other);
      throw new RangeError(
        `The settings of ${name} are the oldest order and would go: set it again`,
      );
    }
    return new NamespaceTable(kept);
  }

  /** The time that an order for a prefix must exceed: of the order that it replaces, or of one that goes for it. */
  timeBelow(prefix: string, furthest: HybridTime = MAX_TIME): HybridTime {
    const replaced = this.entries.get(prefix);
    if (replaced !== undefined) return countedTime(replaced, furthest);
    if (this.entries.size < ORDER_COUNT_MAX) return 0;
    return Math.min(...[...this.entries.values()].map((entry) => countedTime(entry, furthest)));
  }

  /**
   * What both know together; returns one of the two itself if that is the result.
   *
   * @param furthest the latest time that counts; see {@linkcode furthestOrder}
   */
  merge(other: NamespaceTable, furthest: HybridTime = MAX_TIME): NamespaceTable {
    const merged = new Map(this.entries);
    let isThis = true;
    for (const [prefix, theirs] of other.entries) {
      const own = merged.get(prefix);
      if (own !== undefined && compare(own, theirs, furthest) >= 0) continue;
      merged.set(prefix, theirs);
      isThis = false;
    }
    if (isThis) return this;
    const table = new NamespaceTable(latest(merged, furthest));
    if (table.digest === this.digest) return this;
    return table.digest === other.digest ? other : table;
  }

  get digest(): string {
    return this.#digest ??= this.entries.size === 0 ? "" : hash64Hex(this.encoded());
  }

  encoded(): Uint8Array<ArrayBuffer> {
    return this.#encoded ??= encode(this.entries);
  }

  /** Reads a table of a peer. @throws {MalformedError} if no node can have written it */
  static decode(bytes: Uint8Array): NamespaceTable {
    return new NamespaceTable(readEntries(new ByteReader(bytes, WHERE), ORDER_COUNT_MAX));
  }

  /**
   * Reads a table of the disk, where an earlier version may have left more orders than a table keeps.
   *
   * @throws {MalformedError} if the bytes are none
   */
  static restore(bytes: Uint8Array): NamespaceTable {
    const entries = readEntries(new ByteReader(bytes, WHERE), Infinity);
    return new NamespaceTable(latest(entries, MAX_TIME));
  }
}

/** How far ahead of a node's clock an order may lie and still count: more than the clocks of satellites ever jumped. */
const FURTHEST_AHEAD_MS = 20 * 365 * 86_400_000;

/** Beyond this an order does not count in any year, so that there is always a later time for the next one. */
const ROOM_BELOW_MAX = 2 ** 40;

/** The latest time of an order that counts, by the clock of this node. */
export function furthestOrder(nowMs: number): HybridTime {
  const furthest = (Math.floor(nowMs) + FURTHEST_AHEAD_MS) * TICKS_PER_MS;
  return Math.min(furthest, MAX_TIME - ROOM_BELOW_MAX);
}

const WHERE = "table of namespaces";

function readEntries(reader: ByteReader, most: number): Map<string, NamespaceEntry> {
  const entries = new Map<string, NamespaceEntry>();
  let before: string | undefined;
  const count = reader.count(ENTRY_BYTES_MIN);
  if (count > most) throw reader.malformed(`${count} orders are too many`);
  for (let left = count; left > 0; left--) {
    const prefix = reader.text();
    if (before !== undefined && prefix <= before) throw reader.malformed("it is not in order");
    before = prefix;
    const [time, node, text] = [reader.integer(), reader.text(), reader.text()];
    if (time > MAX_TIME) throw reader.malformed(`the time ${time} is too late`);
    if (utf8(node).length > LIMITS.nodeName) {
      throw reader.malformed("the name of a node is too long");
    }
    const settings = text === "" ? undefined : settingsIn(text, reader);
    const mistakes = mistakesIn(prefix, settings ?? {});
    if (mistakes.length > 0) throw reader.malformed(mistakes.join(", "));
    const entry = { time, node, settings: settings && inOrder(settings) };
    if (textOf(entry) !== text) throw reader.malformed("settings are not in their one form");
    entries.set(prefix, entry);
  }
  reader.end();
  return entries;
}

/** A prefix of one byte, and three fields of one byte at least. */
const ENTRY_BYTES_MIN = 5;

function settingsIn(text: string, reader: ByteReader): SettingsOfPrefix {
  if (text.length > SETTINGS_CHARACTERS_MAX) throw reader.malformed("settings are too long");
  try {
    return JSON.parse(text);
  } catch {
    throw reader.malformed("settings are no JSON");
  }
}

/** The latest orders, as many as a table keeps; the entries themselves if these are all. */
function latest(
  entries: ReadonlyMap<string, NamespaceEntry>,
  furthest: HybridTime,
): ReadonlyMap<string, NamespaceEntry> {
  if (entries.size <= ORDER_COUNT_MAX) return entries;
  const sorted = [...entries].sort(([prefix, entry], [other, than]) => {
    return compare(than, entry, furthest) || compareTexts(other, prefix);
  });
  return new Map(sorted.slice(0, ORDER_COUNT_MAX));
}

/** By time and node. Two entries with both the same are one, unless somebody cheats: then by what is set. */
function compare(a: NamespaceEntry, b: NamespaceEntry, furthest: HybridTime): number {
  const byRank = Number(a.time <= furthest) - Number(b.time <= furthest);
  if (byRank !== 0) return byRank;
  if (a.time !== b.time) return a.time - b.time;
  return compareTexts(a.node, b.node) || compareTexts(textOf(a), textOf(b));
}

/** The time of an order as far as others must be later: none if it lies too far ahead to count. */
function countedTime({ time }: NamespaceEntry, furthest: HybridTime): HybridTime {
  return time <= furthest ? time : 0;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function textOf({ settings }: NamespaceEntry): string {
  return settings === undefined ? "" : JSON.stringify(settings);
}

function encode(entries: ReadonlyMap<string, NamespaceEntry>): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(64 * (1 + entries.size));
  const sorted = [...entries].sort(([a], [b]) => compareTexts(a, b));
  writer.integer(sorted.length);
  for (const [prefix, entry] of sorted) {
    writer.text(prefix);
    writer.integer(entry.time);
    writer.text(entry.node);
    writer.text(textOf(entry));
  }
  return writer.finish();
}
