import assert from "node:assert/strict";
import fc from "fast-check";
import { Hedging, MOST_PATIENCE_MS } from "../../src/wire/hedging.ts";

function taught(hedging: Hedging, peer: string, ms: number): void {
  for (let i = 0; i < 20; i++) hedging.learn(peer, ms);
}

Deno.test("Hedging waits for a peer as long as nearly all of its answers take", () => {
  const reads = new Hedging(10, 1);
  taught(reads, "n2", 30);
  taught(reads, "n3", 90);
  assert.equal(reads.patienceMs(["n2"]), 30);
  assert.equal(reads.patienceMs(["n2", "n3"]), 90, "the slowest counts");
  assert.equal(reads.patienceMs(["n2", "stranger"]), MOST_PATIENCE_MS);
  reads.forget("n2");
  assert.equal(reads.patienceMs(["n2"]), MOST_PATIENCE_MS);
});

Deno.test("patience has bounds, and writes have twice as much", () => {
  const [reads, writes] = [new Hedging(10, 1), new Hedging(50, 2)];
  for (const hedging of [reads, writes]) {
    taught(hedging, "fast", 0.2);
    taught(hedging, "slow", 5_000);
    taught(hedging, "middling", 60);
  }
  const all = ["fast", "slow", "middling"];
  assert.deepEqual(all.map((peer) => reads.patienceMs([peer])), [10, 250, 60]);
  assert.deepEqual(all.map((peer) => writes.patienceMs([peer])), [50, 250, 120]);
});

Deno.test("early hedges are at most one in ten requests and ten, those after the longest time are free", () => {
  const requests = fc.array(fc.boolean(), { maxLength: 500 });
  fc.assert(fc.property(requests, (isLate) => {
    const hedging = new Hedging(10, 1);
    let early = 0;
    let late = 0;
    for (const isVeryLate of isLate) {
      hedging.begin();
      if (isVeryLate) {
        assert.ok(hedging.take(MOST_PATIENCE_MS));
        late++;
      } else if (hedging.take(20)) early++;
    }
    assert.ok(early <= 10 + isLate.length / 10);
    assert.ok(early >= Math.min(10, isLate.length - late));
    assert.equal(hedging.count, early + late);
  }));
});
