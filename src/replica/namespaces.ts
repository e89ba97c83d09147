// Namespaces: key prefixes with settings of their own. The longest prefix that a key has wins. What counts is the key
// within its database (base/database_key.ts): a namespace is for the keys of every database that begin with its prefix.
//
// What the configuration of a node says of namespaces is the base, the same at all nodes. Over it lies what operators
// have set at run time (namespace_table.ts): an order for a prefix takes the place of all that the base says of
// that prefix, and where it is removed the base counts again. The defaults are for keys of no namespace and
// for what a namespace leaves open.

import { startsWithBytes, utf8, utf8Text } from "../base/bytes.ts";
import { plainKey, plainPrefix } from "../base/database_key.ts";
import { hash64Hex } from "../base/hash.ts";
import { DEFAULT_TIMEOUT_MS } from "../wire/limits.ts";
import { type CopiesByPrefix, type KeyMove, movesBetween } from "./key_moves.ts";
import { NamespaceTable } from "./namespace_table.ts";

/** How many owners: a number, one of them, more than half of them, or all. */
export type QuorumLevel = number | "one" | "quorum" | "all";

/** `siblings` keeps concurrent values until a write covers them; `lww` keeps the latest only. */
export type ConflictRule = "siblings" | "lww";

/** What an operator may set for the keys that begin with `prefix`. */
export interface NamespaceSettings {
  /** Keys that begin with this text, and with no longer prefix of another namespace. */
  readonly prefix: string;
  /** How many nodes keep each key; the layout's replication unless given. */
  readonly n?: number | undefined;
  /** How many owners answer a read. */
  readonly r?: QuorumLevel | undefined;
  /** How many owners have a write on disk before it is acknowledged. */
  readonly w?: QuorumLevel | undefined;
  /** Whether owners only count, never their stand-ins. */
  readonly strict?: boolean | undefined;
  /** When a request gives up that does not say, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** What becomes of concurrent values; `siblings` unless given. */
  readonly conflicts?: ConflictRule | undefined;
  /** How long a value lives that is written without an expiry of its own, in milliseconds. */
  readonly ttlMs?: number | undefined;
  /** Whether records that shrink are compressed on the disk. */
  readonly compress?: boolean | undefined;
}

/** The settings of one namespace with nothing left open but `n` and `ttlMs`. */
export interface Namespace {
  /** Its keys begin with these bytes; none for the defaults. */
  readonly prefix: Uint8Array;
  /** Undefined means the layout's replication. */
  readonly n: number | undefined;
  /** How many owners answer a read. */
  readonly r: QuorumLevel;
  /** How many owners have a write on disk before it is acknowledged. */
  readonly w: QuorumLevel;
  /** Whether owners only count, never their stand-ins. */
  readonly strict: boolean;
  /** When a request gives up that does not say, in milliseconds. */
  readonly timeoutMs: number;
  /** What becomes of concurrent values. */
  readonly conflicts: ConflictRule;
  /** Undefined means that values do not end by themselves. */
  readonly ttlMs: number | undefined;
  /** Whether records that shrink are compressed on the disk. */
  readonly compress: boolean;
}

type ByFirstByte = readonly (readonly Namespace[] | undefined)[];

export class Namespaces {
  readonly defaults: Namespace;
  /** What the configuration says, by prefix. */
  readonly base: ReadonlyMap<string, NamespaceSettings>;
  #table = NamespaceTable.empty;
  /** The longest prefix first. */
  #others: readonly Namespace[] = [];
  /** The same by the first byte of the prefix: most keys are compared with no prefix or one. */
  #byFirstByte: ByFirstByte = [];
  readonly #basePlacement: string;
  #placement: string;

  /**
   * @param defaults for keys of no namespace, and for what a namespace leaves open
   * @throws {RangeError} if two namespaces have one prefix
   */
  constructor(defaults: Omit<NamespaceSettings, "prefix">, others: readonly NamespaceSettings[]) {
    this.defaults = {
      prefix: utf8(""),
      n: defaults.n,
      r: defaults.r ?? "quorum",
      w: defaults.w ?? "quorum",
      strict: defaults.strict ?? false,
      timeoutMs: defaults.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      conflicts: defaults.conflicts ?? "siblings",
      ttlMs: defaults.ttlMs,
      compress: defaults.compress ?? false,
    };
    this.base = new Map(others.map((settings) => [settings.prefix, settings]));
    if (this.base.size !== others.length) throw new RangeError("Two namespaces have one prefix");
    this.#arrange();
    this.#basePlacement = this.#placement = this.#placementNow();
  }

  /** What has been set at run time. */
  get table(): NamespaceTable {
    return this.#table;
  }

  /**
   * Puts a table in force: from the next call of any method on.
   *
   * @returns from which numbers of copies keys have come to which, as {@linkcode Namespaces.copiesOf} answers them
   */
  use(table: NamespaceTable): KeyMove[] {
    const before = this.copiesByPrefix();
    this.#table = table;
    this.#arrange();
    this.#placement = this.#placementNow();
    return movesBetween(before, this.copiesByPrefix());
  }

  of(key: Uint8Array): Namespace {
    return longestOf(this.#byFirstByte, plainKey(key)) ?? this.defaults;
  }

  /** How many copies a key has: 0 stands for as many as the layout says. */
  copiesOf(key: Uint8Array): number {
    return this.of(key).n ?? 0;
  }

  /** What {@linkcode Namespaces.copiesOf} answers by. */
  copiesByPrefix(): CopiesByPrefix {
    const namespaces = [this.defaults, ...this.#others];
    return new Map(namespaces.map(({ n, prefix }) => [utf8Text(prefix), n ?? 0]));
  }

  /** All answers of {@linkcode Namespaces.copiesOf}. */
  copies(): number[] {
    return [...new Set([this.defaults, ...this.#others].map(({ n }) => n ?? 0))];
  }

  /** All namespaces, the longest prefix first. */
  all(): readonly Namespace[] {
    return this.#others;
  }

  /** Every namespace that may have keys which are stored with the beginning `prefix`. */
  within(prefix: Uint8Array): Namespace[] {
    const plain = plainPrefix(prefix);
    const around = longestOf(this.#byFirstByte, plain) ?? this.defaults;
    const inside = this.#others.filter((namespace) => startsWithBytes(namespace.prefix, plain));
    return [around, ...inside.filter((namespace) => namespace !== around)];
  }

  /**
   * A hash of all that the configurations of all nodes must have in common: where keys live and how conflicts end.
   * Quorums and timeouts may differ, and what was set at run time has no part in it.
   */
  baseDigest(): string {
    const shared = [
      ["", this.defaults.n ?? "", this.defaults.conflicts],
      ...[...this.base.values()].map(({ prefix, n, conflicts }) => [
        utf8(prefix).toHex(),
        n ?? this.defaults.n ?? "",
        conflicts ?? this.defaults.conflicts,
      ]),
    ];
    return hash64Hex(utf8(shared.map((parts) => parts.join(" ")).sort().join("\n")));
  }

  /** A hash of what decides where keys live, beside the layout. */
  placementDigest(): string {
    return this.#placement;
  }

  /**
   * The name of what decides which key belongs to which part: the id of the layout and, if anything about it was
   * changed at run time, these namespaces. Nodes compare parts and agree on their floors only while
   * they mean the same by them.
   */
  idWith(layoutId: string): string {
    return this.#placement === this.#basePlacement ? layoutId : `${layoutId} ${this.#placement}`;
  }

  #arrange(): void {
    const settings = new Map(this.base);
    for (const [prefix, entry] of this.#table.entries) {
      if (entry.settings !== undefined) settings.set(prefix, { ...entry.settings, prefix });
    }
    this.#others = [...settings.values()].map((it): Namespace => ({
      prefix: utf8(it.prefix),
      n: it.n ?? this.defaults.n,
      r: it.r ?? this.defaults.r,
      w: it.w ?? this.defaults.w,
      strict: it.strict ?? this.defaults.strict,
      timeoutMs: it.timeoutMs ?? this.defaults.timeoutMs,
      conflicts: it.conflicts ?? this.defaults.conflicts,
      ttlMs: it.ttlMs ?? this.defaults.ttlMs,
      compress: it.compress ?? this.defaults.compress,
    })).sort((a, b) => b.prefix.length - a.prefix.length);
    const byFirstByte: Namespace[][] = [];
    for (const namespace of this.#others) {
      (byFirstByte[namespace.prefix[0]!] ??= []).push(namespace);
    }
    this.#byFirstByte = byFirstByte;
  }

  #placementNow(): string {
    const placed = [this.defaults, ...this.#others].map(({ n, prefix }) =>
      `${prefix.toHex()} ${n ?? ""}`
    );
    return hash64Hex(utf8(placed.sort().join("\n")));
  }
}

/** The namespace of a key, if it has one of its own. */
function longestOf(namespaces: ByFirstByte, key: Uint8Array): Namespace | undefined {
  const candidates = namespaces[key[0]!];
  if (candidates === undefined) return undefined;
  for (const namespace of candidates) {
    if (startsWithBytes(key, namespace.prefix)) return namespace;
  }
  return undefined;
}
