// A node in memory, for the tests of doors: the promises of NodeApi without any other node.
//
// It keeps siblings and contexts as one copy with one actor would: every write has a time, a context
// says up to which time its reader has seen, and a write discards what its context covers. So a test
// makes siblings as clients do (two writes with one context), or puts them there by hand. Time
// stands still until the test moves it.

import { binaryString, compareBytes, fromBinaryString, utf8 } from "../../src/base/bytes.ts";
import { fromBase64Url, startsWithBytes, toBase64Url, utf8Text } from "../../src/base/bytes.ts";
import { hash64 } from "../../src/base/hash.ts";
import { TICKS_PER_MS } from "../../src/causality/dot.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import type { NestedOperation, Slots } from "../../src/crdt/map.ts";
import { MergedValues } from "../../src/crdt/merged_values.ts";
import { update, UpdateError } from "../../src/crdt/typed_update.ts";
import type { StoredValue } from "../../src/crdt/value.ts";
import type {
  DeleteResult,
  GetOptions,
  InitLayoutOptions,
  KeyPlacement,
  Measurement,
  MemberView,
  NodeApi,
  NodeStatus,
  PutOptions,
  ReadResult,
  RingView,
  ScanOptions,
  ScanPage,
  UpdateResult,
  WriteOptions,
  WriteResult,
} from "../../src/node/api.ts";
import type {
  DifferencesView,
  DifferenceView,
  EqualityView,
  HintsView,
  RepairOptions,
  RepairView,
} from "../../src/node/api.ts";
import { DenamoError, TooLargeError } from "../../src/wire/errors.ts";
import { LIMITS } from "../../src/wire/limits.ts";

import { FakeNamespaces } from "./fake_namespaces.ts";

/** One call of a data method, as the `before` hook and `calls` see it. */
export interface FakeCall {
  readonly method: "get" | "put" | "delete" | "expire" | "scan" | "update";
  readonly key: Uint8Array | undefined;
  readonly options: Readonly<Record<string, unknown>>;
}

interface Version {
  readonly time: number;
  readonly value: StoredValue;
  readonly expiresAtMs: number | undefined;
}

export class FakeNodeApi implements NodeApi {
  /** What nowMs() says: 2027-01-15T08:00:00Z until the test changes it. */
  now = 1_800_000_000_000;
  isReady = true;
  memberNames: string[] = ["n1", "n2", "n3"];
  ringView: RingView | undefined;
  measured: Measurement[] = [];
  hintViews: HintsView[] = [
    {
      node: "n1",
      error: undefined,
      isComplete: true,
      keys: 1,
      bytes: 150,
      limitBytes: 1_000,
      oldestAgeMs: 2_000,
      owners: [{ node: "n3", keys: 1, bytes: 150 }],
      tooLongAway: [],
    },
  ];
  differing: DifferenceView[] = [];
  unasked: { node: string; error: string }[] = [];
  /** Every repair that was ordered so far. */
  readonly repairs: RepairOptions[] = [];
  /** Called before each data method: throw, or return a promise, to fail or to delay it. */
  before: ((call: FakeCall) => void | Promise<void>) | undefined;
  /** Every call of a data method so far. */
  readonly calls: FakeCall[] = [];
  readonly partitions: number;

  readonly namespaces = new FakeNamespaces();
  readonly #versions = new Map<string, Version[]>();
  readonly #merging = new Map<string, DataObject>();
  #time = 0;

  constructor(partitions = 16) {
    this.partitions = partitions;
    this.ringView = this.#makeRing();
  }

  /** The next call of `method` (or of any) rejects with `error`. */
  failNext(error: unknown, method?: FakeCall["method"]): void {
    const previous = this.before;
    this.before = (call) => {
      if (method !== undefined && call.method !== method) return previous?.(call);
      this.before = previous;
      throw error;
    };
  }

  /** Adds a sibling beside whatever the key holds; the one added last is the latest. */
  addSibling(key: string | Uint8Array, value: StoredValue, expiresAtMs?: number): void {
    const name = binaryString(typeof key === "string" ? utf8(key) : key);
    const versions = this.#versions.get(name) ?? [];
    this.#versions.set(name, [...versions, { time: ++this.#time, value, expiresAtMs }]);
  }

  /** With `atLeast` it fails as `stale` if another fake, with more writes behind it, gave the token. */
  async get(key: Uint8Array, options: GetOptions = {}): Promise<ReadResult> {
    await this.#begin("get", key, options);
    const versions = this.#live(binaryString(key)).reverse();
    const seenUpTo = this.#time;
    if (options.atLeast !== undefined && readContext(key, options.atLeast) > seenUpTo) {
      throw new DenamoError("stale", "no", "Cannot read the key at least as late as asked");
    }
    return {
      value: versions[0]?.value,
      siblings: versions.map((version) => version.value),
      expiresAtMs: versions[0]?.expiresAtMs ?? this.#merging.get(binaryString(key))?.endOf(0),
      exists: versions.length > 0 || this.#slotsOf(key).length > 0,
      merged: new MergedValues(this.#slotsOf(key)),
      context: () => contextToken(key, seenUpTo),
    };
  }

  async put(
    key: Uint8Array,
    value: StoredValue,
    options: PutOptions = {},
  ): Promise<WriteResult> {
    await this.#begin("put", key, options);
    if (value.bytes.length > LIMITS.value) {
      throw new TooLargeError("Value", LIMITS.value, value.bytes.length);
    }
    const name = binaryString(key);
    const previous = this.#live(name);
    const kept = this.#uncovered(key, previous, options.context);
    const expiresAtMs = options.keepExpiry ? previous.at(-1)?.expiresAtMs : options.expiresAtMs;
    const stored = { kind: value.kind, bytes: value.bytes };
    this.#merging.delete(name);
    this.#versions.set(name, [...kept, { time: ++this.#time, value: stored, expiresAtMs }]);
    return this.#written(key, kept.length + 1);
  }

  async delete(key: Uint8Array, options: WriteOptions = {}): Promise<DeleteResult> {
    await this.#begin("delete", key, options);
    const name = binaryString(key);
    const previous = this.#live(name);
    const kept = this.#uncovered(key, previous, options.context);
    if (kept.length === 0) this.#versions.delete(name);
    else this.#versions.set(name, kept);
    this.#time++;
    const existed = previous.length > 0 || this.#slotsOf(key).length > 0;
    this.#merging.delete(name);
    return { ...this.#written(key, kept.length), existed };
  }

  async update(
    key: Uint8Array,
    operations: readonly NestedOperation[],
    options: WriteOptions = {},
  ): Promise<UpdateResult> {
    await this.#begin("update", key, options);
    const name = binaryString(key);
    const nextDot = () => {
      this.#time = Math.max(this.#time + 1, this.now * TICKS_PER_MS);
      return { actor: "n1~fake", time: this.#time };
    };
    const [latest] = this.#live(name).reverse();
    const opaque = latest === undefined
      ? DataObject.empty
      : DataObject.empty.write(nextDot(), latest.value, undefined, latest.expiresAtMs);
    const held = this.#merging.get(name) ?? opaque;
    try {
      const { object, results } = update(held, operations, undefined, nextDot, this.now);
      this.#merging.set(name, object);
      this.#versions.delete(name);
      return { ...this.#written(key, 1), results };
    } catch (error) {
      if (error instanceof RangeError) throw new DenamoError("bad_request", "no", error.message);
      if (!(error instanceof UpdateError)) throw error;
      throw new DenamoError(error.problem, "no", error.message);
    }
  }

  async expire(
    key: Uint8Array,
    expiresAtMs: number | undefined,
    options: WriteOptions = {},
  ): Promise<{ existed: boolean; expiredAtMs: number | undefined }> {
    await this.#begin("expire", key, { ...options, expiresAtMs });
    const name = binaryString(key);
    const previous = this.#live(name);
    const latest = previous.at(-1);
    const merging = this.#merging.get(name);
    if (merging !== undefined && this.#slotsOf(key).length > 0) {
      const expiredAtMs = merging.endOf(0);
      const dot = { actor: "n1~fake", time: ++this.#time };
      this.#merging.set(name, merging.expire(dot, expiresAtMs));
      return { existed: true, expiredAtMs };
    }
    if (latest === undefined) return { existed: false, expiredAtMs: undefined };
    this.#versions.set(name, previous.map((version) => ({ ...version, expiresAtMs })));
    return { existed: true, expiredAtMs: latest.expiresAtMs };
  }

  async scan(options: ScanOptions): Promise<ScanPage> {
    await this.#begin("scan", undefined, options);
    const { from, prefix, limit, wholePartitions } = options;
    const keys: Uint8Array[] = [];
    for (let partition = from.partition; partition < this.partitions; partition++) {
      const after = partition === from.partition ? from.after : undefined;
      for (const key of this.#keysOf(partition)) {
        if (after !== undefined && compareBytes(key, after) <= 0) continue;
        if (prefix !== undefined && !startsWithBytes(key, prefix)) continue;
        if (keys.length >= limit && !wholePartitions) {
          return { keys, next: { partition, after: keys.at(-1) } };
        }
        keys.push(key);
      }
      const hasNext = partition + 1 < this.partitions;
      if (keys.length >= limit && hasNext) return { keys, next: { partition: partition + 1 } };
    }
    return { keys, next: undefined };
  }

  status(): NodeStatus {
    return {
      node: "n1",
      peerId: "12D3KooWFake",
      cluster: "test",
      version: "0.1.0",
      zone: "dc1/rack1",
      uptimeMs: 61_000,
      isReady: this.isReady,
      notReadyBecause: this.isReady ? undefined : "There is no layout yet",
      layoutVersion: this.ringView?.version ?? 0,
      layoutId: this.ringView?.id,
      membersUp: this.memberNames.length,
      membersKnown: this.memberNames.length,
      addresses: ["/ip4/127.0.0.1/tcp/7101"],
      http: "127.0.0.1:7301",
      resp: "127.0.0.1:7201",
    };
  }

  members(): MemberView[] {
    return this.memberNames.map((node, index) => ({
      node,
      peerId: `12D3KooWFake${index}`,
      state: "up",
      stateForMs: 61_000,
      because: "its heartbeats arrive",
      sources: [{ source: "heartbeats", says: "its heartbeats arrive", forMs: 400 }],
      phi: index === 0 ? 0 : 0.5,
      incarnation: 1,
      zone: `dc1/rack${index + 1}`,
      weight: 1,
      inLayout: this.ringView !== undefined,
      isSelf: index === 0,
      isConnected: true,
      addresses: [`/ip4/127.0.0.1/tcp/${7101 + index}`],
      http: `127.0.0.1:${7301 + index}`,
      resp: `127.0.0.1:${7201 + index}`,
      layoutVersion: this.ringView?.version ?? 0,
      layoutId: this.ringView?.id,
      disk: "ok" as const,
    }));
  }

  ring(): RingView | undefined {
    return this.ringView;
  }

  placement(key: Uint8Array): KeyPlacement | undefined {
    if (this.ringView === undefined) return undefined;
    return { partition: this.#partitionOf(key), owners: this.memberNames, fallbacks: [] };
  }

  initLayout(
    members: readonly string[],
    { force = false }: InitLayoutOptions = {},
  ): Promise<RingView> {
    if (this.ringView !== undefined) {
      return Promise.reject(new DenamoError("layout_exists", "no", "There is a layout already"));
    }
    const missing = members.filter((name) => !this.memberNames.includes(name));
    if (missing.length > 0) {
      const message = `Cannot see ${missing.join(", ")}`;
      return Promise.reject(new DenamoError("layout_refused", "no", message, { missing }));
    }
    if (members.length < this.memberNames.length && !force) {
      return Promise.reject(new DenamoError("layout_refused", "no", "It leaves out nodes"));
    }
    this.ringView = this.#makeRing();
    return Promise.resolve(this.ringView);
  }

  hints(): Promise<HintsView[]> {
    return Promise.resolve(this.hintViews);
  }

  repair({ node = "n1", partitions = [] }: RepairOptions = {}): Promise<RepairView> {
    this.repairs.push({ node, partitions });
    if (!this.memberNames.includes(node)) {
      const message = `Node ${node} is not in the layout`;
      return Promise.reject(new DenamoError("bad_request", "no", message));
    }
    const peers = this.memberNames.filter((name) => name !== node).map((name) => (
      { node: name, error: undefined, partitions: this.partitions, differing: [7], repaired: 2 }
    ));
    return Promise.resolve({ node, peers });
  }

  differences(partitions?: readonly number[]): Promise<DifferencesView> {
    const differences = partitions === undefined ? this.differing : this.differing
      .filter(({ partition }) => partitions.includes(partition));
    const count = partitions?.length ?? this.partitions;
    return Promise.resolve({ partitions: count, differences, unasked: this.unasked });
  }

  equality(): EqualityView[] {
    return [
      { partition: 0, copies: 3, equalAgoMs: 1_500 },
      { partition: 1, copies: 3, equalAgoMs: undefined },
    ];
  }

  measurements(): Measurement[] {
    return this.measured;
  }

  nowMs(): number {
    return this.now;
  }

  async #begin(method: FakeCall["method"], key: Uint8Array | undefined, options: object) {
    const call = { method, key: key?.slice(), options: { ...options } };
    this.calls.push(call);
    await this.before?.(call);
    if (key !== undefined && key.length > LIMITS.key) {
      throw new TooLargeError("Key", LIMITS.key, key.length);
    }
  }

  #slotsOf(key: Uint8Array): Slots {
    return this.#merging.get(binaryString(key))?.liveValues(this.now) ?? [];
  }

  #live(name: string): Version[] {
    const versions = this.#versions.get(name) ?? [];
    return versions.filter(({ expiresAtMs }) =>
      expiresAtMs === undefined || expiresAtMs > this.now
    );
  }

  #uncovered(key: Uint8Array, versions: Version[], context: string | undefined): Version[] {
    if (context === undefined) return [];
    const seenUpTo = readContext(key, context);
    return versions.filter((version) => version.time > seenUpTo);
  }

  #written(key: Uint8Array, siblings: number): WriteResult {
    const seenUpTo = this.#time;
    return {
      siblings,
      context: () => siblings > 1 ? undefined : contextToken(key, seenUpTo),
      atLeast: () => contextToken(key, seenUpTo),
    };
  }

  #partitionOf(key: Uint8Array): number {
    return Number((hash64(key) * BigInt(this.partitions)) >> 64n);
  }

  #keysOf(partition: number): Uint8Array[] {
    return [...new Set([...this.#versions.keys(), ...this.#merging.keys()])]
      .map(fromBinaryString)
      .filter((key) => this.#live(binaryString(key)).length + this.#slotsOf(key).length > 0)
      .filter((key) => this.#partitionOf(key) === partition)
      .sort(compareBytes);
  }

  #makeRing(): RingView {
    const partitions = this.partitions;
    return {
      version: 1,
      id: "1-0123456789abcdef",
      partitions,
      replication: 3,
      members: this.memberNames.map((node, index) => (
        { node, zone: `dc1/rack${index + 1}`, weight: 1, partitions, load: 1 }
      )),
    };
  }
}

/** The time that a context covers, checked as a node checks it. */
function readContext(key: Uint8Array, context: string): number {
  const bytes = fromBase64Url(context);
  const [hash, time] = bytes === undefined ? [] : utf8Text(bytes).split(":");
  if (hash !== String(hash64(key)) || !/^\d+$/.test(time ?? "")) {
    throw new DenamoError("bad_context", "no", "The context is none of this key");
  }
  return Number(time);
}

function contextToken(key: Uint8Array, seenUpTo: number): string {
  return toBase64Url(utf8(`${hash64(key)}:${seenUpTo}`));
}
