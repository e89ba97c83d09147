// The layout that a node works by: on its disk and in its tables.
//
// It is on the disk before it is used, so a node never forgets which keys it has promised to keep. There is one
// layout per cluster, made once (first_layout.ts), so a node that holds one takes no other, whatever version
// somebody gives it: two of them are two clusters, and the operator is told. Which one a node takes that
// holds none is decided in layout_agreement.ts.
//
//   promise meta := 1 | count | ids, the latest last

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import type { Layout } from "../ring/layout.ts";
import { decodeLayout } from "../ring/layout_codec.ts";
import { Placement } from "../ring/placement.ts";
import type { Storage } from "../storage/storage.ts";
import { CorruptError, DenamoError, messageOf } from "../wire/errors.ts";

export interface HeldLayout {
  readonly layout: Layout;
  readonly placement: Placement;
  readonly encoded: Uint8Array;
}

/** The only version that any rule makes. */
const FIRST_VERSION = 1;

const META_NAME = "layout";
const PROMISE_META = "layout promise";
const PROMISE_FORMAT = 1;

/** So many promises are remembered. */
const PROMISES_COUNT = 16;

/** How often the operator is told of another layout, in milliseconds. */
const REPORT_EVERY_MS = 60_000;

export interface LayoutStoreOptions {
  readonly storage: Storage<DataObject>;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when a layout has come into force. */
  readonly changed: () => void;
  /** Called with the first layout that this node's disk has ever had. */
  readonly isFirst?: ((layout: Layout) => void) | undefined;
}

/** What to do where two clusters have met. */
export const ADVICE = "they are of two clusters. Stop the nodes of the one that is not to stay, " +
  "and start them with empty data directories";

export class LayoutStore {
  readonly #options: LayoutStoreOptions;
  #held: HeldLayout | undefined;
  /** Installations in the order in which they came. */
  #installing: Promise<void> = Promise.resolve();
  #promised: readonly string[] = [];
  #reportedAtMs = -Infinity;

  constructor(options: LayoutStoreOptions) {
    this.#options = options;
  }

  get held(): HeldLayout | undefined {
    return this.#held;
  }

  /** The names of its members; undefined without a layout. */
  get members(): ReadonlySet<string> | undefined {
    return this.#held?.placement.members;
  }

  get version(): number {
    return this.#held?.layout.version ?? 0;
  }

  /** The layouts to which this node, in this run or an earlier one, has promised to agree; the latest last. */
  get promised(): readonly string[] {
    return this.#promised;
  }

  /** Reads what the disk has. @throws {CorruptError} */
  async load(): Promise<void> {
    const { storage } = this.#options;
    const encoded = await storage.getMeta(META_NAME);
    const promised = await storage.getMeta(PROMISE_META);
    try {
      if (encoded !== undefined) this.#use(decodeLayout(encoded), encoded);
      if (promised !== undefined) this.#promised = readPromises(promised);
    } catch (error) {
      throw new CorruptError("the stored layout", messageOf(error));
    }
  }

  /** Notes a promise; resolves when the disk has it. */
  async keepPromise(id: string): Promise<void> {
    const promised = [...this.#promised.filter((it) => it !== id), id].slice(-PROMISES_COUNT);
    this.#promised = promised;
    const writer = new ByteWriter(64 * (1 + promised.length));
    writer.byte(PROMISE_FORMAT);
    writer.integer(promised.length);
    for (const it of promised) writer.text(it);
    await this.#options.storage.setMeta(PROMISE_META, writer.finish());
  }

  /**
   * Takes a layout of which the caller has made sure that it is the cluster's. Resolves once it is on the disk and in
   * force; does nothing if it is already.
   *
   * @throws {MalformedError} if it is none
   * @throws {DenamoError} `layout_exists` if this node holds another, `layout_refused` if no rule can have made it
   */
  async install(encoded: Uint8Array): Promise<void> {
    const own = new Uint8Array(encoded);
    const layout = decodeLayout(own);
    const problem = versionProblem(layout);
    if (problem !== undefined) throw new DenamoError("layout_refused", "no", problem);
    const installed = this.#installing.then(async () => {
      if (this.#held?.layout.id === layout.id) return;
      if (this.#held !== undefined) {
        const message = `This node has layout ${this.#held.layout.id}, not ${layout.id}`;
        throw new DenamoError("layout_exists", "no", message);
      }
      const { changed, isFirst, log, storage } = this.#options;
      isFirst?.(layout);
      await storage.setMeta(META_NAME, own);
      this.#use(layout, own);
      log.info(`Layout ${layout.id} is in force`, { members: layout.members.length });
      changed();
    });
    // The caller has the error; the next installation only waits for the end of this one.
    this.#installing = installed.catch(() => {});
    await installed;
  }

  /** A peer works by this layout, which is not the one that is held: nothing is done but to say so. */
  report(id: string, peer: PeerId | undefined, node?: string): void {
    const { clock, log } = this.#options;
    const own = this.#held?.layout.id;
    if (own === undefined || own === id) return;
    const nowMs = clock.monotonic();
    if (nowMs - this.#reportedAtMs < REPORT_EVERY_MS) return;
    this.#reportedAtMs = nowMs;
    log.error(`A peer has another layout than this node: ${ADVICE}`, {
      node,
      peer,
      theirs: id,
      own,
    });
  }

  #use(layout: Layout, encoded: Uint8Array): void {
    this.#held = { layout, placement: new Placement(layout), encoded };
  }
}

/** Why no rule can have made a layout of this version; undefined if one can. */
export function versionProblem({ version }: Pick<Layout, "version">): string | undefined {
  return version === FIRST_VERSION ? undefined : `No layout of version ${version} can exist`;
}

/** Which members have promised to take a first layout, as the disk has it. @throws {MalformedError} */
export function readPromises(bytes: Uint8Array): string[] {
  const reader = new ByteReader(bytes, "layout promise");
  const format = reader.byte();
  if (format !== PROMISE_FORMAT) throw reader.malformed(`format ${format} is unknown`);
  const count = reader.integer();
  if (count > PROMISES_COUNT) throw reader.malformed(`${count} promises`);
  const promised = Array.from({ length: count }, () => reader.text());
  reader.end();
  return promised;
}
