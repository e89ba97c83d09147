// Whether the files of an open store are still where they were opened.
//
// A process keeps a file that was removed or renamed under it, and SQLite goes on with it: it writes, syncs and
// reports success, and all of it is gone after the next start. So the watch remembers which files they were, by
// device and number, and asks the system which files the paths name at present. Neither the store nor its log ever
// becomes shorter while it is open, as nothing vacuums it: a shorter one was cut by somebody.

/** What is known of one file. */
interface Seen {
  readonly path: string;
  readonly dev: number;
  readonly ino: number | null;
  /** The largest size so far, in bytes. */
  sizeBytes: number;
}

export class StoreWatch {
  readonly #files: Seen[];

  /** Of files that are there and open. @throws what the system says of one that is not */
  constructor(paths: readonly string[]) {
    this.#files = paths.map((path) => {
      const { dev, ino, size } = Deno.statSync(path);
      return { path, dev, ino, sizeBytes: size };
    });
  }

  /**
   * What has happened to the files, as a sentence; undefined if they are as they were. It does not wait: the names
   * of open files are in the memory of the system, so that this costs a few microseconds.
   */
  problem(): string | undefined {
    for (const file of this.#files) {
      let now: Deno.FileInfo;
      try {
        now = Deno.statSync(file.path);
      } catch (error) {
        if (
          !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)
        ) {
          throw error;
        }
        return `${file.path} was removed or renamed while this node had it open`;
      }
      if (now.dev !== file.dev || now.ino !== file.ino) {
        return `${file.path} was replaced by another file while this node had it open`;
      }
      if (now.size < file.sizeBytes) {
        return `${file.path} was cut from ${file.sizeBytes} to ${now.size} bytes while this node ` +
          "had it open";
      }
      file.sizeBytes = now.size;
    }
    return undefined;
  }
}
