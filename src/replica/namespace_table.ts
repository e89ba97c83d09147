// The settings of namespaces that were made at run time: a small value that every node holds and merges.
//
// Two operators set the same prefix at two nodes at once, or at both sides of a cut network. All nodes must end
// with the same settings, whatever order they hear of it in: so each prefix has a register that the last
// writer wins, by a hybrid time and then by the name of the node that took the order. A removal is an entry
// without settings, which stays: else a node that missed it would bring the settings back.
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
import { type HybridTime, MAX_TIME } from "../causality/dot.ts";
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

/** How many prefixes a table may have, removed ones included. */
export const NAMESPACE_COUNT_MAX = 256;

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
   * @param time later than that of the entry which it replaces
   * @throws {RangeError} if there are too many prefixes
   */
  with(
    prefix: string,
    settings: SettingsOfPrefix | undefined,
    time: HybridTime,
    node: string,
  ): NamespaceTable {
    assert((this.entries.get(prefix)?.time ?? 0) < time, "what replaces is later");
    if (!this.entries.has(prefix) && this.entries.size >= NAMESPACE_COUNT_MAX) {
      throw new RangeError(`There are ${NAMESPACE_COUNT_MAX} namespaces, removed ones included`);
    }
    const entry = { time, node, settings: settings && inOrder(settings) };
    return new NamespaceTable(new Map(this.entries).set(prefix, entry));
  }

  /** What both know together; returns one of the two itself if that is the result. */
  merge(other: NamespaceTable): NamespaceTable {
    const merged = new Map(this.entries);
    let isThis = true;
    for (const [prefix, theirs] of other.entries) {
      const own = merged.get(prefix);
      if (own !== undefined && compare(own, theirs) >= 0) continue;
      merged.set(prefix, theirs);
      isThis = false;
    }
    if (isThis) return this;
    const table = new NamespaceTable(merged);
    return table.digest === other.digest ? other : table;
  }

  get digest(): string {
    return this.#digest ??= this.entries.size === 0 ? "" : hash64Hex(this.encoded());
  }

  encoded(): Uint8Array<ArrayBuffer> {
    return this.#encoded ??= encode(this.entries);
  }

  /** Reads a table. @throws {MalformedError} if the bytes are none, or hold settings that are not valid */
  static decode(bytes: Uint8Array): NamespaceTable {
    const reader = new ByteReader(bytes, "table of namespaces");
    const entries = new Map<string, NamespaceEntry>();
    const count = reader.integer();
    if (count > 2 * NAMESPACE_COUNT_MAX) throw reader.malformed(`${count} namespaces`);
    let before: string | undefined;
    for (let i = 0; i < count; i++) {
      const prefix = reader.text();
      if (before !== undefined && prefix <= before) throw reader.malformed("it is not in order");
      before = prefix;
      const [time, node, text] = [reader.integer(), reader.text(), reader.text()];
      if (time > MAX_TIME) throw reader.malformed(`the time ${time} is too late`);
      if (utf8(node).length > LIMITS.nodeName) {
        throw reader.malformed("the name of a node is too long");
      }
      const settings = text === "" ? undefined : settingsIn(text);
      const mistakes = mistakesIn(prefix, settings ?? {});
      if (mistakes.length > 0) throw reader.malformed(mistakes.join(", "));
      entries.set(prefix, { time, node, settings: settings && inOrder(settings) });
    }
    reader.end();
    return new NamespaceTable(entries);

    function settingsIn(text: string): SettingsOfPrefix {
      try {
        return JSON.parse(text);
      } catch {
        throw reader.malformed("settings are no JSON");
      }
    }
  }
}

/** By time and node. Two entries with both the same are one, unless somebody cheats: then by what is set. */
function compare(a: NamespaceEntry, b: NamespaceEntry): number {
  if (a.time !== b.time) return a.time - b.time;
  return compareTexts(a.node, b.node) || compareTexts(textOf(a), textOf(b));
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
