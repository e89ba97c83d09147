// Namespaces: key prefixes with settings of their own. The longest prefix that a key has wins.

import { startsWithBytes, utf8 } from "../base/bytes.ts";
import { hash64Hex } from "../base/hash.ts";
import { DEFAULT_TIMEOUT_MS } from "../wire/limits.ts";

/** How many owners: a number, one of them, more than half of them, or all. */
export type QuorumLevel = number | "one" | "quorum" | "all";

/** `siblings` keeps concurrent values until a write covers them; `lww` keeps the latest only. */
export type ConflictRule = "siblings" | "lww";

/** What an operator may set for the keys that begin with `prefix`. */
export interface NamespaceSettings {
  readonly prefix: string;
  /** How many nodes keep each key; the layout's replication unless given. */
  readonly n?: number | undefined;
  readonly r?: QuorumLevel | undefined;
  readonly w?: QuorumLevel | undefined;
  readonly strict?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
  readonly conflicts?: ConflictRule | undefined;
}

/** The settings of one namespace with nothing left open but `n`. */
export interface Namespace {
  readonly prefix: Uint8Array;
  /** Undefined means the layout's replication. */
  readonly n: number | undefined;
  readonly r: QuorumLevel;
  readonly w: QuorumLevel;
  readonly strict: boolean;
  readonly timeoutMs: number;
  readonly conflicts: ConflictRule;
}

export class Namespaces {
  readonly #default: Namespace;
  /** The longest prefix first. */
  readonly #others: readonly Namespace[];

  /**
   * @param defaults for keys of no namespace, and for what a namespace leaves open
   * @throws {RangeError} if two namespaces have one prefix
   */
  constructor(defaults: Omit<NamespaceSettings, "prefix">, others: readonly NamespaceSettings[]) {
    this.#default = {
      prefix: utf8(""),
      n: defaults.n,
      r: defaults.r ?? "quorum",
      w: defaults.w ?? "quorum",
      strict: defaults.strict ?? false,
      timeoutMs: defaults.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      conflicts: defaults.conflicts ?? "siblings",
    };
    const prefixes = new Set(others.map(({ prefix }) => prefix));
    if (prefixes.size !== others.length) throw new RangeError("Two namespaces have one prefix");
    this.#others = others.map((settings): Namespace => ({
      prefix: utf8(settings.prefix),
      n: settings.n ?? this.#default.n,
      r: settings.r ?? this.#default.r,
      w: settings.w ?? this.#default.w,
      strict: settings.strict ?? this.#default.strict,
      timeoutMs: settings.timeoutMs ?? this.#default.timeoutMs,
      conflicts: settings.conflicts ?? this.#default.conflicts,
    })).sort((a, b) => b.prefix.length - a.prefix.length);
  }

  of(key: Uint8Array): Namespace {
    for (const namespace of this.#others) {
      if (startsWithBytes(key, namespace.prefix)) return namespace;
    }
    return this.#default;
  }

  /** How many copies a key has: 0 stands for as many as the layout says. */
  copiesOf(key: Uint8Array): number {
    return this.of(key).n ?? 0;
  }

  /** All answers of {@linkcode Namespaces.copiesOf}. */
  copies(): number[] {
    return [...new Set([this.#default, ...this.#others].map(({ n }) => n ?? 0))];
  }

  /** Every namespace that may have keys beginning with `prefix`. */
  within(prefix: Uint8Array): Namespace[] {
    const inside = this.#others.filter((namespace) => startsWithBytes(namespace.prefix, prefix));
    return [this.of(prefix), ...inside.filter((namespace) => namespace !== this.of(prefix))];
  }

  /**
   * A hash of all that must be the same on every node: where keys live and how conflicts end. Quorums and
   * timeouts may differ.
   */
  digest(): string {
    const shared = [this.#default, ...this.#others].map(({ prefix, n, conflicts }) =>
      `${prefix.toHex()} ${n ?? ""} ${conflicts}`
    );
    return hash64Hex(utf8(shared.sort().join("\n")));
  }
}
