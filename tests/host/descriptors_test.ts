import assert from "node:assert/strict";
import {
  freeDescriptors,
  shareDescriptors,
  wantedDescriptors,
} from "../../src/host/descriptors.ts";

Deno.test("shareDescriptors() gives clients what they want where there is enough", () => {
  const shares = shareDescriptors(wantedDescriptors(4096), 4096);
  assert.deepEqual(shares, { clients: 4096, inboundPeers: 768 });
});

Deno.test("shareDescriptors() keeps some for files and peers however few there are", () => {
  for (let free = 0; free <= 6000; free++) {
    const { clients, inboundPeers } = shareDescriptors(free, 4096);
    assert.ok(clients >= 1 && clients <= 4096);
    assert.ok(inboundPeers >= 12);
    if (free >= 41) assert.ok(clients + inboundPeers + 24 < free, `of ${free}`);
  }
  assert.deepEqual(shareDescriptors(96, 4096), { clients: 48, inboundPeers: 18 });
});

Deno.test("freeDescriptors() finds the limit of its process, and no more than is asked for", async () => {
  const module = new URL("../../src/host/descriptors.ts", import.meta.url).href;
  const program = `const { freeDescriptors } = await import("${module}");` +
    `console.log(freeDescriptors(".", 50), freeDescriptors(".", 5000), freeDescriptors(".", 20));`;
  const run = 'ulimit -n 200; exec "$0" eval "$1"';
  const { stdout } = await new Deno.Command("sh", { args: ["-c", run, Deno.execPath(), program] })
    .output();
  const [few, all, fewer] = new TextDecoder().decode(stdout).trim().split(" ").map(Number);
  assert.equal(few, 50);
  assert.ok(all! > 100 && all! < 200, `${all} of 200`);
  assert.equal(fewer, 20);
  // Nothing is left open.
  assert.equal(freeDescriptors(".", 10), 10);
});
