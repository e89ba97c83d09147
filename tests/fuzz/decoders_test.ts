import assert from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { DECODERS, type DecoderUnderTest } from "./decoders.ts";
import { damaged } from "./mutations.ts";

const SEED = Deno.env.get("DENAMO_FUZZ_SEED") ?? "decoders";
const RUNS = Number(Deno.env.get("DENAMO_FUZZ_RUNS") ?? 1_500);

/** What it takes to feed one thing, in words of the test that failed. */
function feed({ decode, name }: DecoderUnderTest, bytes: Uint8Array<ArrayBuffer>): boolean {
  const before = bytes.slice();
  let again: Uint8Array | undefined;
  try {
    again = decode(bytes);
  } catch (error) {
    const isRefusal = error instanceof MalformedError ||
      error instanceof DenamoError && error.outcome === "no";
    assert.ok(isRefusal, `${name}: ${bytes.toHex()} ends in ${error}`);
    return false;
  }
  assert.ok(equalBytes(before, bytes), `${name} changes what it reads: ${before.toHex()}`);
  if (again !== undefined) {
    const message = `${name} reads ${bytes.toHex()}, which is written ${again.toHex()}`;
    assert.ok(equalBytes(again, bytes), message);
  }
  return true;
}

for (const decoder of DECODERS) {
  Deno.test(`damaged, it is refused, or is what is written again: ${decoder.name}`, () => {
    const random = new SeededRandom(`${SEED} ${decoder.name}`);
    let isRead = 0;
    for (let run = 0; run < RUNS; run++) {
      let bytes = damaged(decoder.encodeSample(random), random);
      if (run % 4 === 0) bytes = damaged(bytes, random);
      if (feed(decoder, bytes)) isRead++;
    }
    assert.ok(isRead < RUNS, "something was refused");
  });
}

Deno.test("samples are read", () => {
  for (const decoder of DECODERS) {
    if (/: a (state|delta)$/.test(decoder.name)) continue;
    const random = new SeededRandom(decoder.name);
    for (let run = 0; run < 50; run++) {
      const bytes = new Uint8Array(decoder.encodeSample(random));
      assert.ok(feed(decoder, bytes), `${decoder.name}: ${bytes.toHex()}`);
    }
  }
});

Deno.test("what claims to be large takes no memory: thirty bytes for each decoder and each place in it", () => {
  // Lengths of four thousand million, as each of our formats writes them, wherever one may stand.
  const claims = [
    [0xff, 0xff, 0xff, 0xff, 0x0f],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0xdc, 0xff, 0xff],
    [0xdf, 0x7f, 0xff, 0xff, 0xff],
    [0xc6, 0xff, 0xff, 0xff, 0xff],
  ];
  const heapBefore = Deno.memoryUsage().heapTotal;
  for (const decoder of DECODERS) {
    const sample = decoder.encodeSample(new SeededRandom(decoder.name)).slice(0, 400);
    for (let at = 0; at < sample.length; at++) {
      for (const claim of claims) {
        feed(
          decoder,
          Uint8Array.from([...sample.subarray(0, at), ...claim, ...sample.subarray(at)]),
        );
      }
    }
  }
  const grownBytes = Deno.memoryUsage().heapTotal - heapBefore;
  assert.ok(grownBytes < 512 * 1024 * 1024, `${grownBytes} bytes`);
});
