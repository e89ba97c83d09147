// Updates of Yjs that nobody has typed: small, valid or nearly so, and made to take time or memory.

/** Writes as lib0 does. */
class Writer {
  readonly #bytes: number[] = [];

  integer(value: number): this {
    for (; value >= 128; value = Math.floor(value / 128)) this.#bytes.push(value % 128 | 128);
    this.#bytes.push(value);
    return this;
  }

  raw(...bytes: number[]): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  text(text: string): this {
    const bytes = new TextEncoder().encode(text);
    this.integer(bytes.length);
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes);
  }
}

const ORIGIN = 0x80;
const RIGHT_ORIGIN = 0x40;
const KEY = 0x20;
const DELETED = 1;
const TEXT = 4;
const EMBED = 5;
const TYPE = 7;
const ANY = 8;
const SUBDOCUMENT = 9;
const NULL = 126;
const MAP = 2;

interface HostileUpdate {
  readonly name: string;
  readonly isRefused: boolean;
  readonly make: () => Uint8Array<ArrayBuffer>;
}

/** One struct of `client` after the other, all at the beginning of one list. */
function begin(client: number, count: number): Writer {
  return new Writer().integer(1).integer(count).integer(client).integer(0);
}

export const HOSTILE_UPDATES: readonly HostileUpdate[] = [
  {
    name: "a count of thirty million structs, thirty times, and none",
    isRefused: true,
    make() {
      const writer = new Writer().integer(30);
      for (let i = 0; i < 30; i++) writer.integer(30_000_000).integer(i).integer(0);
      return writer.finish();
    },
  },
  {
    name: "75,000 values appended one by one: honest, and so are many texts",
    isRefused: false,
    make() {
      const count = 75_000;
      const writer = begin(1, count).raw(ANY, 1).text("a").integer(1).raw(NULL);
      for (let i = 1; i < count; i++) {
        writer.raw(ANY | ORIGIN).integer(1).integer(i - 1).integer(1).raw(NULL);
      }
      return writer.integer(0).finish();
    },
  },
  {
    name: "75,000 letters typed one by one",
    isRefused: false,
    make() {
      const count = 75_000;
      const writer = begin(1, count).raw(TEXT, 1).text("a").text("x");
      for (let i = 1; i < count; i++) {
        writer.raw(TEXT | ORIGIN).integer(1).integer(i - 1).text("x");
      }
      return writer.integer(0).finish();
    },
  },
  {
    name: "every other of 100,000 values deleted",
    isRefused: true,
    make() {
      const writer = begin(1, 1).raw(ANY, 1).text("a").integer(250_000);
      for (let i = 0; i < 250_000; i++) writer.raw(NULL);
      writer.integer(1).integer(1).integer(50_000);
      for (let i = 0; i < 50_000; i++) writer.integer(4 * i + 1).integer(1);
      return writer.finish();
    },
  },
  {
    name: "letters deleted before 32,000 structs of the same client",
    isRefused: true,
    make() {
      const writer = begin(1, 32_001).raw(TEXT, 1).text("a").text("x".repeat(150_000));
      for (let i = 0; i < 32_000; i++) writer.raw(TEXT, 1).text("b").raw(1, 65);
      writer.integer(1).integer(1).integer(37_000);
      for (let i = 0; i < 37_000; i++) writer.integer(4 * i + 1).integer(1);
      return writer.finish();
    },
  },
  {
    name: "20,000 elements that claim a place around the same 20,000 others",
    isRefused: true,
    make() {
      const [others, count] = [20_000, 20_000];
      const writer = new Writer().integer(2).integer(others).integer(2).integer(0);
      writer.raw(TYPE, 1).text("a").integer(MAP);
      for (let i = 1; i < others; i++) {
        writer.raw(TYPE | ORIGIN).integer(2).integer(i - 1).integer(MAP);
      }
      writer.integer(count).integer(1).integer(0);
      for (let i = 0; i < count; i++) {
        writer.raw(TYPE | RIGHT_ORIGIN).integer(2).integer(others - 1 - i).integer(MAP);
      }
      return writer.integer(0).finish();
    },
  },
  {
    name: "one key of a map set 60,000 times by who never saw it set",
    isRefused: true,
    make() {
      const writer = begin(1, 60_000);
      for (let i = 0; i < 60_000; i++) {
        writer.raw(ANY | KEY, 1).text("a").text("k").integer(1).raw(NULL);
      }
      return writer.integer(0).finish();
    },
  },
  {
    name: "45,000 types at the top",
    isRefused: true,
    make() {
      const writer = begin(1, 45_000);
      for (let i = 0; i < 45_000; i++) writer.raw(ANY, 1).text(i.toString(36)).integer(1).raw(NULL);
      return writer.integer(0).finish();
    },
  },
  {
    name: "40,000 clients that all wait for one",
    isRefused: true,
    make() {
      const writer = new Writer().integer(40_000);
      for (let client = 40_000; client > 0; client--) {
        writer.integer(1).integer(client).integer(0);
        writer.raw(ANY | ORIGIN).integer(100_000).integer(5).integer(1).raw(NULL);
      }
      return writer.integer(0).finish();
    },
  },
  {
    name: "45,000 clients that write at one place",
    isRefused: false,
    make() {
      const writer = new Writer().integer(45_000);
      for (let client = 45_000; client > 0; client--) {
        writer.integer(1).integer(client).integer(0).raw(ANY, 1).text("a").integer(1).raw(NULL);
      }
      return writer.integer(0).finish();
    },
  },
  {
    name: "all deleted 20,000 times",
    isRefused: true,
    make() {
      const count = 30_000;
      const writer = begin(1, count);
      for (let i = 0; i < count; i++) writer.raw(TYPE, 1).text("a").integer(MAP);
      writer.integer(1).integer(1).integer(20_000);
      for (let i = 0; i < 20_000; i++) writer.integer(0).integer(count);
      return writer.finish();
    },
  },
  {
    name: "50,000 pairs of forgotten structs to be joined",
    isRefused: true,
    make() {
      const writer = begin(1, 150_000);
      for (let i = 0; i < 50_000; i++) writer.raw(0, 1, 0, 1).raw(DELETED, 1).text("a").integer(1);
      return writer.integer(0).finish();
    },
  },
  {
    name: "types in one another, 40,000 deep, and deleted",
    isRefused: true,
    make() {
      const writer = begin(1, 40_000).raw(TYPE, 1).text("a").integer(0);
      for (let i = 1; i < 40_000; i++) writer.raw(TYPE, 0).integer(1).integer(i - 1).integer(0);
      return writer.integer(1).integer(1).integer(1).integer(0).integer(1).finish();
    },
  },
  {
    name: "60,000 documents in the document",
    isRefused: true,
    make() {
      const writer = begin(1, 60_000).raw(SUBDOCUMENT, 1).text("a").integer(0).raw(118, 0);
      for (let i = 1; i < 60_000; i++) {
        writer.raw(SUBDOCUMENT | ORIGIN).integer(1).integer(i - 1).integer(0).raw(118, 0);
      }
      return writer.integer(0).finish();
    },
  },
  {
    name: "a value 250,000 deep",
    isRefused: true,
    make() {
      const writer = begin(1, 1).raw(ANY, 1).text("a").integer(1);
      for (let i = 0; i < 250_000; i++) writer.raw(117, 1);
      return writer.raw(NULL).integer(0).finish();
    },
  },
  {
    name: "JSON 200,000 deep",
    isRefused: true,
    make() {
      const json = "[".repeat(200_000) + "]".repeat(200_000);
      return begin(1, 1).raw(EMBED, 1).text("a").text(json).integer(0).finish();
    },
  },
  {
    name: "a struct without length",
    isRefused: true,
    make: () => begin(1, 1).raw(0, 0).integer(0).finish(),
  },
  {
    name: "a clock beyond what numbers hold",
    isRefused: true,
    make: () =>
      begin(1, 2).raw(0).integer(Number.MAX_SAFE_INTEGER).raw(0, 1).integer(0)
        .finish(),
  },
  {
    name: "a value with the name __proto__",
    isRefused: true,
    make: () =>
      begin(1, 1).raw(ANY, 1).text("a").integer(1).raw(118, 1).text("__proto__").raw(NULL)
        .integer(0).finish(),
  },
];
