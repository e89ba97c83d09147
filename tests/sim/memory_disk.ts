// A disk in memory: what a simulated machine keeps when it crashes.
//
// A DiskImage is the platter and outlives every crash; a MemoryDisk is one opening of it. Operations end
// through microtasks only, so a simulated cluster replays. Faults come in through two hooks around every
// operation: they may wait, throw, or do both.

import { binaryString, utf8 } from "../../src/base/bytes.ts";
import { encodedKvKeyBytes } from "../../src/base/kv_key.ts";
import type {
  Disk,
  DiskChange,
  DiskEntry,
  DiskKey,
  DiskLimits,
  DiskLoss,
  DiskRange,
  DiskRoom,
} from "../../src/ports/disk.ts";
import { DenamoError } from "../../src/wire/errors.ts";

export type DiskOperation =
  | { readonly kind: "get"; readonly key: DiskKey }
  | { readonly kind: "range"; readonly range: DiskRange; readonly limit: number }
  | { readonly kind: "commit"; readonly batch: readonly DiskChange[] }
  | { readonly kind: "setAside"; readonly reason: string };

/** What goes wrong with a disk. Both may throw and may wait. */
export interface DiskFaults {
  /** Called before each operation; if it throws, the operation fails without effect. */
  before?(operation: DiskOperation): void | Promise<void>;
  /** Called after each operation; if it throws, the operation fails although it took effect. */
  after?(operation: DiskOperation): void | Promise<void>;
  /** The room that is left, if the disk can tell. */
  room?(): DiskRoom | undefined;
}

/** The limits of Deno KV. */
const DEFAULT_LIMITS: DiskLimits = {
  valueBytes: 65_536,
  batchBytes: 819_200,
  batchKeyBytes: 81_920,
  batchChanges: 1000,
};

// What the parts of a key begin with, in their order.
const BYTES = "\x01";
const TEXT = "\x02";
const NUMBER = "\x03";

/** Up to how many changes of one batch are sorted in one by one. */
const SORTED_IN_COUNT = 8;

/** What was set aside of an image, and why. */
export interface MemorySetAside {
  readonly reason: string;
  readonly image: DiskImage;
}

/** What is on the platter. */
export class DiskImage {
  readonly limits: DiskLimits;
  /** By where it lies, the oldest first. */
  readonly setAsides = new Map<string, MemorySetAside>();
  /** By the encoded key as a binary string, whose order is the order of the keys. */
  readonly #entries = new Map<string, DiskEntry>();
  /** The names in `#entries` in their order; undefined after many have come or gone at once. */
  #order: string[] | undefined = [];

  constructor(limits: Partial<DiskLimits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  get size(): number {
    return this.#entries.size;
  }

  open(faults: DiskFaults = {}): MemoryDisk {
    return new MemoryDisk(this, faults);
  }

  /** An independent image with the same content: a backup. */
  copy(): DiskImage {
    const copy = new DiskImage(this.limits);
    copy.restore(this);
    return copy;
  }

  /** Takes copies of all that another image holds; this one must be empty. */
  restore(other: DiskImage): void {
    for (const [name, { key, value }] of other.#entries) {
      this.#entries.set(name, { key, value: value.slice() });
    }
    this.#order = other.#order?.slice();
  }

  /** Everything in the order of the keys. The values are the stored bytes themselves: change them to corrupt. */
  entries(): DiskEntry[] {
    return this.#names().map((name) => this.#entries.get(name)!);
  }

  get(key: DiskKey): Uint8Array | undefined {
    return this.#entries.get(nameOf(key))?.value;
  }

  range({ start, end }: DiskRange, limit: number): DiskEntry[] {
    const names = this.#names();
    const last = nameOf(end);
    const found: DiskEntry[] = [];
    for (let at = lowerBound(names, nameOf(start)); at < names.length; at++) {
      const name = names[at]!;
      if (name >= last || found.length >= limit) break;
      found.push(this.#entries.get(name)!);
    }
    return found;
  }

  /** Applies a batch at once and keeps copies of its bytes. */
  apply(batch: readonly DiskChange[]): void {
    for (const { key, value } of batch) {
      const name = nameOf(key);
      const before = this.#entries.get(name);
      if ((before !== undefined) !== (value !== undefined)) {
        if (batch.length > SORTED_IN_COUNT) this.#order = undefined;
        else this.#sortIn(name, value !== undefined);
      }
      if (value === undefined) this.#entries.delete(name);
      else this.#entries.set(name, { key: before?.key ?? copyKey(key), value: value.slice() });
    }
  }

  /** Keeps the order when a name comes or goes. */
  #sortIn(name: string, isNew: boolean): void {
    const order = this.#order;
    if (order === undefined) return;
    const at = lowerBound(order, name);
    if (isNew) order.splice(at, 0, name);
    else order.splice(at, 1);
  }

  #names(): string[] {
    return this.#order ??= [...this.#entries.keys()].sort((a, b) => (a < b ? -1 : 1));
  }
}

/** One opening of an image, until it is closed or its machine crashes. */
export class MemoryDisk implements Disk {
  readonly limits: DiskLimits;
  readonly #image: DiskImage;
  readonly #faults: DiskFaults;
  readonly #inFlight = new Set<{ readonly batch: readonly DiskChange[] }>();
  readonly lost: Promise<DiskLoss>;
  readonly #tellLost: (loss: DiskLoss) => void;
  #loss: DiskLoss | undefined;
  #lastCommit: Promise<void> = Promise.resolve();
  #state: "open" | "closed" | "crashed" = "open";

  constructor(image: DiskImage, faults: DiskFaults) {
    this.#image = image;
    this.limits = image.limits;
    this.#faults = faults;
    const { promise, resolve } = Promise.withResolvers<DiskLoss>();
    this.lost = promise;
    this.#tellLost = resolve;
  }

  /** Somebody pulls the disk out: nothing that is asked of this opening succeeds any more. */
  takeAway(reason = "The disk was taken away"): void {
    this.#loss = { kind: "gone", reason };
    this.#tellLost(this.#loss);
  }

  /**
   * The machine loses its power. The first `keptCount` of the commits under way are on the platter though
   * nobody was told, the others are lost, and nothing that was or will be asked of this opening ever ends.
   */
  crash(keptCount = 0): void {
    this.#state = "crashed";
    for (const { batch } of [...this.#inFlight].slice(0, keptCount)) this.#image.apply(batch);
    this.#inFlight.clear();
  }

  /** How many commits have been called and are not on the platter yet. */
  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  get(key: DiskKey): Promise<Uint8Array | undefined> {
    return this.#run({ kind: "get", key }, () => this.#image.get(key)?.slice());
  }

  range(range: DiskRange, limit: number): Promise<DiskEntry[]> {
    return this.#run(
      { kind: "range", range, limit },
      () =>
        this.#image.range(range, limit).map(({ key, value }) => ({
          key: copyKey(key),
          value: value.slice(),
        })),
    );
  }

  async commit(batch: readonly DiskChange[]): Promise<void> {
    this.#checkLimits(batch);
    const commit = { batch };
    this.#inFlight.add(commit);
    const act = () => {
      this.#inFlight.delete(commit);
      this.#image.apply(batch);
    };
    const done = this.#lastCommit.then(() => this.#run({ kind: "commit", batch }, act))
      .finally(() => this.#inFlight.delete(commit));
    // The caller has the error; the next commit only waits for the end of this one.
    this.#lastCommit = done.catch(() => {});
    await done;
  }

  keyBytes(key: DiskKey): number {
    return encodedKvKeyBytes(key);
  }

  room(): Promise<DiskRoom | undefined> {
    return Promise.resolve(this.#faults.room?.());
  }

  setAside(reason: string): Promise<string> {
    const operation: DiskOperation = { kind: "setAside", reason };
    const done = this.#lastCommit.then(() =>
      this.#run(operation, () => {
        const place = `set-aside-${this.#image.setAsides.size + 1}`;
        this.#image.setAsides.set(place, { reason, image: this.#image.copy() });
        return place;
      })
    );
    this.#lastCommit = done.then(() => {}, () => {});
    return done;
  }

  async close(): Promise<void> {
    await this.#lastCommit;
    if (this.#state === "open") this.#state = "closed";
  }

  async #run<T>(operation: DiskOperation, act: () => T): Promise<T> {
    await this.#alive();
    await this.#faults.before?.(operation);
    await this.#alive();
    const result = act();
    await this.#faults.after?.(operation);
    await this.#alive();
    return result;
  }

  async #alive(): Promise<void> {
    if (this.#state === "crashed") await new Promise(() => {});
    if (this.#state === "closed") throw new DenamoError("stopped", "no", "The disk is closed");
    if (this.#loss !== undefined) {
      throw new DenamoError("disk_failed", "unknown", this.#loss.reason);
    }
  }

  #checkLimits(batch: readonly DiskChange[]): void {
    let keyBytes = 0;
    let bytes = 0;
    for (const { key, value } of batch) {
      const size = encodedKvKeyBytes(key);
      keyBytes += size;
      bytes += value === undefined ? size : 2 * size + value.length;
      checkLimit("A value", value?.length ?? 0, this.limits.valueBytes);
    }
    checkLimit("A batch", bytes, this.limits.batchBytes);
    checkLimit("The keys of a batch", keyBytes, this.limits.batchKeyBytes);
    checkLimit("The number of changes of a batch", batch.length, this.limits.batchChanges);
  }
}

function checkLimit(what: string, size: number, limit: number): void {
  if (size > limit) throw new RangeError(`${what} is over the limit: ${size}, limit ${limit}`);
}

/** A text for each key. Texts sort as their keys do: a NUL ends a part, so that shorter parts come first. */
function nameOf(key: DiskKey): string {
  let name = "";
  for (const part of key) {
    if (typeof part === "number") name += NUMBER + orderedText(part);
    else if (typeof part === "string") name += `${TEXT}${escaped(binaryOf(part))}\0`;
    else name += `${BYTES}${escaped(binaryString(part))}\0`;
  }
  return name;
}

/** The UTF-8 of a text, as a binary string: most are the names of tables, which are of ASCII. */
function binaryOf(text: string): string {
  return text.length === 1 && text < "\x80" ? text : binaryString(utf8(text));
}

/** Without a NUL that could be taken for the end of a part. */
function escaped(text: string): string {
  return text.includes("\0") ? text.replaceAll("\0", "\0\xff") : text;
}

/** The bits of a number as four characters; those of negative numbers are turned, so that they sort. */
function orderedText(value: number): string {
  float64.setFloat64(0, value);
  const high = float64.getUint16(0);
  const turned = high >= 0x8000 ? 0xffff : 0;
  return String.fromCharCode(
    high ^ (turned | 0x8000),
    float64.getUint16(2) ^ turned,
    float64.getUint16(4) ^ turned,
    float64.getUint16(6) ^ turned,
  );
}

const float64 = new DataView(new ArrayBuffer(8));

function copyKey(key: DiskKey): DiskKey {
  return key.map((part) => (part instanceof Uint8Array ? part.slice() : part));
}

function lowerBound(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (names[middle]! < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
