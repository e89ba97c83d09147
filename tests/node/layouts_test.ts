import assert from "node:assert/strict";
import { encodeLayout } from "../../src/ring/layout_codec.ts";
import { Layouts, type LayoutsOptions } from "../../src/node/layouts.ts";
import { openStorage } from "../../src/storage/storage.ts";
import { storedObjects } from "../../src/replica/stored_objects.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";
import { layoutOf, LogBook } from "./layout_world.ts";

/** The layouts of a node on a disk, and why it was said to have forgotten data. */
async function layoutsOf(self: string, image = new DiskImage()) {
  const log = new LogBook();
  const forgotten: string[] = [];
  const storage = await openStorage(image.open(), storedObjects());
  const layouts = new Layouts({
    self,
    storage,
    rpc: { serve: () => {} },
    clock: new VirtualTime().clock(),
    log,
    sealKeys: {},
    others: () => [],
    changed: () => {},
    hasForgotten: (reason: string) => void forgotten.push(reason),
  } as unknown as LayoutsOptions);
  await layouts.load();
  return { layouts, log, forgotten, storage };
}

const LAYOUT = encodeLayout(layoutOf(["n1", "n2", "n3"]));

Deno.test("a member that takes a layout it has not promised must have forgotten data", async () => {
  const { forgotten, layouts, log } = await layoutsOf("n2");
  await layouts.store.install(LAYOUT);
  assert.match(forgotten.join(), /does not know of$/);
  assert.deepEqual(log.lines, []);
});

Deno.test("a node that is not in the layout has forgotten nothing, and says at each start that it owns nothing", async () => {
  const image = new DiskImage();
  const { forgotten, layouts, log, storage } = await layoutsOf("n6", image);
  assert.deepEqual(log.lines, []);
  await layouts.store.install(LAYOUT);
  assert.deepEqual(forgotten, []);
  assert.match(log.lines.join(), /^n6 is not in the layout.* it owns no keys .*stands in/);
  await storage.close();
  const again = await layoutsOf("n6", image);
  assert.equal(again.log.lines.length, 1);
});
