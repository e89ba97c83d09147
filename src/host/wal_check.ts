// Whether the write-ahead log of SQLite is damaged, and not merely torn at its end.
//
// SQLite reads its log up to the first frame whose checksum does not fit, and takes that for the end: what a crash
// leaves looks so. A flipped bit in the middle looks the same, and all commits behind it, which were acknowledged, are
// silently gone. They can be told apart: each commit is synced before the first frame of the next one is written. So if
// frames of this log follow behind the commit that cannot be read, it was durable once, and has been damaged.
// Of the very last commit nobody can tell.
//
//   log    := magic (4) | version (4) | page size (4) | number (4) | salt (8) | checksum (8) | frame*
//   frame  := page number (4) | pages after the commit, or 0 (4) | salt (8) | checksum (8) | page
//
// Each checksum goes on from the one before it. A log that begins anew draws another salt, and the frames of the
// earlier one stay behind it.
//
// Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;

/** What is wrong with a log, as a sentence without its name; undefined if it is sound or torn. */
export function walProblem(log: Uint8Array): string | undefined {
  if (log.length < HEADER_BYTES || log.subarray(0, HEADER_BYTES).every((byte) => byte === 0)) {
    return undefined;
  }
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const magic = view.getUint32(0);
  // The last bit says in which order the bytes of a word are taken for checksums.
  const isLittleEndian = magic === MAGIC;
  const pageBytes = view.getUint32(8);
  const sum = new Checksum(view, isLittleEndian);
  sum.add(0, 24);
  if ((magic & ~1) !== MAGIC || !isPageSize(pageBytes) || !sum.is(24)) {
    return "its header is damaged";
  }
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const isOfThisLog = (at: number) =>
    view.getUint32(at + 8) === view.getUint32(16) && view.getUint32(at + 12) === view.getUint32(20);
  const isCommit = (at: number) => view.getUint32(at + 4) !== 0;

  let at = HEADER_BYTES;
  for (; at + frameBytes <= log.length && isOfThisLog(at); at += frameBytes) {
    sum.add(at, 8);
    sum.add(at + FRAME_HEADER_BYTES, pageBytes);
    if (!sum.is(at + 16)) break;
  }
  const badAt = at;
  let hasCommit = false;
  for (; at + frameBytes <= log.length; at += frameBytes) {
    if (!isOfThisLog(at)) continue;
    if (hasCommit) {
      return `frame ${(badAt - HEADER_BYTES) / frameBytes + 1} is damaged, and commits follow it`;
    }
    hasCommit = isCommit(at);
  }
  return undefined;
}

/** The checksum of SQLite's log, over all that was added. */
class Checksum {
  readonly #view: DataView;
  readonly #isLittleEndian: boolean;
  #first = 0;
  #second = 0;

  constructor(view: DataView, isLittleEndian: boolean) {
    this.#view = view;
    this.#isLittleEndian = isLittleEndian;
  }

  /** @param length a multiple of 8 */
  add(at: number, length: number): void {
    let [first, second] = [this.#first, this.#second];
    const end = at + length;
    for (; at < end; at += 8) {
      first = (first + this.#view.getUint32(at, this.#isLittleEndian) + second) >>> 0;
      second = (second + this.#view.getUint32(at + 4, this.#isLittleEndian) + first) >>> 0;
    }
    this.#first = first;
    this.#second = second;
  }

  /** Whether the checksum that stands at a place is this one. */
  is(at: number): boolean {
    return this.#view.getUint32(at) === this.#first &&
      this.#view.getUint32(at + 4) === this.#second;
  }
}

function isPageSize(bytes: number): boolean {
  return bytes >= 512 && bytes <= 65_536 && (bytes & (bytes - 1)) === 0;
}
