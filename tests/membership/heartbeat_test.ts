import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteWriter } from "../../src/base/byte_writer.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import {
  decodeHeartbeat,
  encodeHeartbeat,
  type Heartbeat,
  HEARTBEAT_LIMITS,
} from "../../src/membership/heartbeat.ts";
import { INCARNATION_MAX } from "../../src/membership/incarnation_step.ts";

const peerId = "12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d";
const example: Heartbeat = {
  node: "n1",
  peerId,
  incarnation: 1_767_225_600_000,
  sequence: 123_456,
  timeMs: 1_767_225_700_123,
  intervalMs: 1000,
  addresses: [`/ip4/10.1.2.3/tcp/7101/p2p/${peerId}`, `/ip4/127.0.0.1/tcp/7101/p2p/${peerId}`],
  http: "127.0.0.1:7301",
  resp: "127.0.0.1:7201",
  zone: "dc1/rack1",
  weight: 0.75,
  layoutVersion: 3,
  layoutId: "3-0123456789abcdef",
  namespaces: "fedcba9876543210",
  sealKeys: "89abcdef",
  layoutSynced: 3,
  layoutAcknowledged: 2,
  load: 17.125,
  disk: "ok",
  isReady: true,
};

Deno.test("a heartbeat is read as it was sent, and is small", () => {
  const bytes = encodeHeartbeat(example);
  assert.deepEqual(decodeHeartbeat(bytes), example);
  assert.ok(bytes.length <= 279, `${bytes.length} bytes`);
});

/** Up to a limit, and the limit itself often enough. */
const upTo = (max: number) => fc.oneof(fc.nat({ max }), fc.constant(max));
const versions = upTo(HEARTBEAT_LIMITS.layoutVersionMax);
const texts = fc.string({ minLength: 1, maxLength: 16, unit: "grapheme-ascii" });
const heartbeats: fc.Arbitrary<Heartbeat> = fc.record({
  node: fc.string({ minLength: 1, maxLength: 20, unit: "binary" })
    .filter((text) => text.isWellFormed()),
  peerId: texts,
  incarnation: upTo(INCARNATION_MAX),
  sequence: upTo(HEARTBEAT_LIMITS.sequenceMax),
  timeMs: upTo(HEARTBEAT_LIMITS.timeMsMax),
  intervalMs: fc.integer({ min: 1, max: 60_000 }),
  addresses: fc.array(texts, { maxLength: HEARTBEAT_LIMITS.addressCount }),
  http: fc.option(texts, { nil: undefined }),
  resp: fc.option(texts, { nil: undefined }),
  zone: texts,
  weight: fc.double({ min: 1e-6, max: HEARTBEAT_LIMITS.weightMax, noNaN: true }),
  layoutVersion: versions,
  layoutId: fc.option(texts, { nil: undefined }),
  namespaces: fc.option(texts, { nil: undefined }),
  sealKeys: fc.option(texts, { nil: undefined }),
  layoutSynced: versions,
  layoutAcknowledged: versions,
  load: fc.nat({ max: 1e9 }).map((thousandths) => thousandths / 1000),
  disk: fc.constantFrom("ok", "readonly", "failed"),
  isReady: fc.boolean(),
}).map((heartbeat) => ({
  ...heartbeat,
  addresses: heartbeat.addresses.map((address, i) =>
    i % 2 === 0 ? `${address}/p2p/${heartbeat.peerId}` : address
  ),
}));

Deno.test("decodeHeartbeat() inverts encodeHeartbeat()", () => {
  fc.assert(fc.property(heartbeats, (heartbeat) => {
    assert.deepEqual(decodeHeartbeat(encodeHeartbeat(heartbeat)), heartbeat);
  }));
});

Deno.test("decodeHeartbeat() passes over fields and flags that later releases append", () => {
  fc.assert(fc.property(heartbeats, fc.uint8Array({ maxLength: 40 }), (heartbeat, more) => {
    const bytes = new Uint8Array([...encodeHeartbeat(heartbeat), ...more]);
    bytes[1]! |= 0xc0;
    assert.deepEqual(decodeHeartbeat(bytes), heartbeat);
  }));
});

Deno.test("decodeHeartbeat() answers every damage with a heartbeat or a MalformedError", () => {
  const bytes = encodeHeartbeat(example);
  const damages = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255), cut: fc.nat(300) });
  fc.assert(
    fc.property(damages, fc.uint8Array(), ({ at, to, cut }, noise) => {
      const damaged = bytes.slice(0, cut);
      if (at < damaged.length) damaged[at] = to;
      for (const hostile of [damaged, noise, new Uint8Array([1, 0, ...noise])]) {
        try {
          const read = decodeHeartbeat(hostile);
          assert.deepEqual(decodeHeartbeat(encodeHeartbeat(read)), read);
        } catch (error) {
          assert.ok(error instanceof MalformedError, String(error));
        }
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("no number goes beyond what its rule can have reached, neither sent nor received", () => {
  const mosts = {
    incarnation: INCARNATION_MAX,
    sequence: HEARTBEAT_LIMITS.sequenceMax,
    timeMs: HEARTBEAT_LIMITS.timeMsMax,
    layoutVersion: HEARTBEAT_LIMITS.layoutVersionMax,
    layoutSynced: HEARTBEAT_LIMITS.layoutVersionMax,
    layoutAcknowledged: HEARTBEAT_LIMITS.layoutVersionMax,
  };
  for (const [name, most] of Object.entries(mosts)) {
    const bytes = encodeHeartbeat({ ...example, [name]: most });
    assert.throws(() => encodeHeartbeat({ ...example, [name]: most + 1 }), RangeError, name);
    const written = new ByteWriter();
    written.integer(most);
    const at = indexOf(bytes, written.finish());
    bytes[at]!++;
    assert.throws(() => decodeHeartbeat(bytes), MalformedError, name);
  }
});

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  return bytes.findIndex((_, at) => part.every((byte, i) => bytes[at + i] === byte));
}

Deno.test("decodeHeartbeat() refuses every heartbeat that was cut short", () => {
  const bytes = encodeHeartbeat(example);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeHeartbeat(bytes.subarray(0, length)), MalformedError);
  }
});

Deno.test("decodeHeartbeat() refuses another version and an endless message", () => {
  const bytes = encodeHeartbeat(example);
  bytes[0] = 2;
  assert.throws(() => decodeHeartbeat(bytes), /version 2 is not known/);
  const long = new Uint8Array(HEARTBEAT_LIMITS.encoded + 1);
  long.set(encodeHeartbeat(example));
  assert.throws(() => decodeHeartbeat(long), /4097 bytes, limit 4096/);
});

Deno.test("decodeHeartbeat() refuses fields that no node can have meant", () => {
  /** The heartbeat of `a` with `byte` where it differs from that of `b` for the last time. */
  const patched = (a: Partial<Heartbeat>, b: Partial<Heartbeat>, byte: number, before = 0) => {
    const bytes = encodeHeartbeat({ ...example, ...a });
    const other = encodeHeartbeat({ ...example, ...b });
    bytes[bytes.findLastIndex((value, i) => value !== other[i]) - before] = byte;
    return bytes;
  };
  const refused = (bytes: Uint8Array, message: RegExp) =>
    assert.throws(() => decodeHeartbeat(bytes), (error) => {
      return error instanceof MalformedError && message.test(error.message);
    });
  refused(patched({ disk: "ok" }, { disk: "failed" }, 3), /its disk state is not known/);
  refused(patched({ intervalMs: 1 }, { intervalMs: 2 }, 0), /its interval is out of range: 0/);
  const zero = "0".charCodeAt(0);
  refused(patched({ weight: 12 }, { weight: 13 }, zero, 1), /its weight is not a number/);
  refused(patched({ weight: 1 }, { weight: 2 }, zero), /its weight is out of range: 0/);
});

Deno.test("encodeHeartbeat() takes fields at their limits and refuses them above", () => {
  const full: Heartbeat = {
    ...example,
    node: "n".repeat(64),
    zone: "z".repeat(HEARTBEAT_LIMITS.zone),
    http: "h".repeat(HEARTBEAT_LIMITS.door),
    resp: "r".repeat(HEARTBEAT_LIMITS.door),
    layoutId: "l".repeat(HEARTBEAT_LIMITS.layoutId),
    addresses: Array.from({ length: 8 }, () => "é".repeat(HEARTBEAT_LIMITS.address / 2)),
  };
  assert.deepEqual(decodeHeartbeat(encodeHeartbeat(full)), full);
  const refused = (fields: Partial<Heartbeat>, message: RegExp) =>
    assert.throws(() => encodeHeartbeat({ ...example, ...fields }), message);
  refused({ node: "n".repeat(65) }, /its node name has 65 bytes, limit 64/);
  refused({ node: "" }, /its node name is empty/);
  refused({ addresses: Array.from({ length: 9 }, () => "a") }, /9 addresses, limit 8/);
  refused({ addresses: ["é".repeat(129)] }, /its address has 258 bytes, limit 256/);
  refused({ weight: 0 }, /its weight is out of range: 0/);
  refused({ weight: NaN }, /its weight is out of range: NaN/);
  refused({ load: -1 }, /its load is out of range/);
  refused({ sequence: 1.5 }, /its sequence is not a whole number/);
  refused({ incarnation: -1 }, /its incarnation is out of range/);
  refused({ intervalMs: 0 }, /its interval is out of range/);
});
