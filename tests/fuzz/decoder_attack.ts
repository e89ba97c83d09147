// Feeds every decoder with damaged bytes, in this process, and looks at the clock and at the memory.

import { equalBytes } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { DECODERS, type DecoderUnderTest } from "./decoders.ts";
import { damaged } from "./mutations.ts";
import type { Tally } from "./tally.ts";

export interface DecoderAttackOptions {
  readonly seed: string;
  readonly isOver: () => boolean;
}

const BATCH_COUNT = 200;

/** How long a decoder may take for bytes that are few. */
const SLOW_MS = 2_000;

/** How much more memory this process may have after a batch. */
const GROWTH_BYTES = 512 * 1024 * 1024;

export function attackDecoders({ isOver, seed }: DecoderAttackOptions, tally: Tally): void {
  const before = Deno.memoryUsage().rss;
  for (let batch = 0; !isOver() && tally.findings.length === 0; batch++) {
    for (const decoder of DECODERS) {
      const random = new SeededRandom(`${seed} ${decoder.name} ${batch}`);
      for (let i = 0; i < BATCH_COUNT; i++) feed(decoder, random, tally);
      const grown = Deno.memoryUsage().rss - before;
      if (grown > GROWTH_BYTES) {
        tally.findings.push(`${decoder.name}: ${grown} bytes after batch ${batch}`);
      }
    }
  }
}

function feed(decoder: DecoderUnderTest, random: SeededRandom, tally: Tally): void {
  let bytes = damaged(decoder.encodeSample(random), random);
  while (random.uint32() % 2 === 0) bytes = damaged(bytes, random);
  const given = bytes.slice();
  const find = (what: string) => {
    tally.findings.push(`${decoder.name} ${what}: ${given.toHex().slice(0, 4_000)}`);
  };
  tally.send(decoder.name);
  const startedAtMs = performance.now();
  try {
    const again = decoder.decode(bytes);
    tally.answer("read");
    if (again !== undefined && !equalBytes(again, given)) find("writes other bytes than it reads");
  } catch (error) {
    const isRefusal = error instanceof MalformedError ||
      error instanceof DenamoError && error.outcome === "no";
    if (isRefusal) tally.answer("refused");
    else find(`throws ${error}`);
  }
  const tookMs = performance.now() - startedAtMs;
  if (tookMs > SLOW_MS) find(`takes ${Math.round(tookMs)} ms`);
}
