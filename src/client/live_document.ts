// A document of Yjs that is kept under a key.
//
// The program edits its own copy, at once and without asking anybody. `sync` first fetches what others have changed and
// then sends what was changed here, in pieces that a node takes. A piece that fails stays to be sent again,
// and keeps back neither what others have written nor the pieces behind it: updates may come in any
// order, and one that arrives twice changes nothing.

import * as Y from "yjs";
import type { KeyValueApi } from "../node/api.ts";
import { DenamoError } from "../wire/errors.ts";

/** `Doc` of Yjs. Spelled so, as deno doc takes the type itself for a part of this package that is not exported. */
export type YjsDocument = InstanceType<(typeof Y)["Doc"]>;

/**
 * A document of Yjs under a key, which this program and others edit at once; see {@linkcode Database.document}.
 */
export class LiveDocument implements AsyncDisposable {
  /** Edit it like any other. */
  readonly doc: YjsDocument = new Y.Doc();
  readonly #api: KeyValueApi;
  readonly #key: Uint8Array;
  #unsent: Uint8Array[] = [];
  #sending: Promise<void> = Promise.resolve();

  private constructor(api: KeyValueApi, key: Uint8Array) {
    this.#api = api;
    this.#key = key;
  }

  /** Reads the document of a key; an empty one if there is none. */
  static async open(api: KeyValueApi, key: Uint8Array): Promise<LiveDocument> {
    const document = new LiveDocument(api, key);
    await document.#pull();
    document.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== document) document.#unsent.push(update);
    });
    return document;
  }

  /**
   * Fetches what was changed elsewhere and sends what was changed here.
   *
   * @throws what kept something from being sent; it is sent again by the next call
   */
  sync(): Promise<void> {
    const synced = this.#sending.catch(() => {}).then(async () => {
      await this.#pull();
      await this.#push();
    });
    this.#sending = synced;
    return synced;
  }

  /** Sends what is left. @throws if something could not be sent, which is lost then */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.sync();
    } finally {
      this.doc.destroy();
    }
  }

  async #push(): Promise<void> {
    // What is changed while these are on their way comes behind them.
    const updates = this.#unsent.splice(0);
    const pieces = piecesOf(updates);
    const refused: Uint8Array[] = [];
    let failure: unknown;
    while (pieces.length > 0) {
      const update = pieces[0]!;
      try {
        const operation = { kind: "edit", update } as const;
        await this.#api.update(this.#key, [{ type: "document", operation }]);
      } catch (error) {
        failure ??= error;
        // What is wrong with one piece says nothing of the next; an outage does.
        if (!isOfPiece(error)) break;
        refused.push(update);
      }
      pieces.shift();
    }
    this.#unsent.unshift(...refused, ...pieces);
    if (failure !== undefined) throw failure;
  }

  async #pull(): Promise<void> {
    const { merged } = await this.#api.get(this.#key);
    const update = merged.valueOf("document");
    if (update !== undefined) Y.applyUpdate(this.doc, update, this);
  }
}

function isOfPiece(error: unknown): boolean {
  return error instanceof DenamoError &&
    (error.code === "too_large" || error.code === "bad_request");
}

/** A node takes twice as much at once, and other operations beside it. */
const PIECE_BYTES = 256 * 1024;

/** Updates joined to as few as possible that are not larger than a piece, unless one is by itself. */
function piecesOf(updates: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array[][] = [];
  let bytes = Infinity;
  for (const update of updates) {
    if (bytes + update.length > PIECE_BYTES) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)!.push(update);
    bytes += update.length;
  }
  return pieces.map((piece) => Y.mergeUpdates(piece) as Uint8Array<ArrayBuffer>);
}
