import assert from "node:assert/strict";
import { PeerBook } from "../../src/node/peer_book.ts";
import { CorruptError } from "../../src/wire/errors.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { LogBook, openLayouts } from "./layout_world.ts";

const MEMBERS: ReadonlySet<string> = new Set(["n1", "n2", "n3"]);

/** A book on a disk, and how often the disk was written. */
async function bookOn(image: DiskImage, members: () => ReadonlySet<string> | undefined) {
  const { storage } = await openLayouts(image.open());
  const book = new PeerBook(storage, members, new LogBook());
  await book.load();
  return { book, storage };
}

Deno.test("a member is known by its peer, in the next run too", async () => {
  const image = new DiskImage();
  const { book, storage } = await bookOn(image, () => MEMBERS);
  book.note("n2", "peer-2", []);
  book.note("n3", "peer-3", []);
  assert.equal(book.nodeOf("peer-2"), "n2");
  assert.equal(book.nodeOf("peer-9"), undefined);
  await storage.close();
  const again = await bookOn(image, () => MEMBERS);
  assert.deepEqual(["peer-2", "peer-3"].map((peer) => again.book.nodeOf(peer)), ["n2", "n3"]);
});

Deno.test("a member is remembered with its addresses, and the disk is written when they change", async () => {
  const image = new DiskImage();
  const { book, storage } = await bookOn(image, () => MEMBERS);
  book.note("n2", "peer-2", ["/ip4/10.0.0.2/tcp/7101"]);
  book.note("n2", "peer-2", ["/ip4/10.0.0.7/tcp/7101", "/dns/n2.example/tcp/7101"]);
  book.note("n2", "peer-2", undefined);
  book.note("n3", "peer-3", Array.from({ length: 20 }, (_, i) => `/ip4/10.0.1.${i}/tcp/1`));
  book.note("n1", "peer-1", ["x".repeat(257)]);
  await storage.setMeta("nothing", undefined);
  await storage.close();
  const again = await bookOn(image, () => MEMBERS);
  const [n1, n2, n3] = again.book.remembered;
  assert.deepEqual(n2, {
    node: "n2",
    peer: "peer-2",
    addresses: ["/ip4/10.0.0.7/tcp/7101", "/dns/n2.example/tcp/7101"],
  });
  assert.deepEqual([n1!.addresses, n3!.addresses.length], [[], 8], "what is too much is left out");
});

Deno.test("a record of an earlier release, which knew no addresses, is read", async () => {
  const image = new DiskImage();
  const { storage } = await openLayouts(image.open());
  const record = [1, 1, 2, 0x6e, 0x32, 2, 0x70, 0x32, 0];
  await storage.setMeta("peers", Uint8Array.from(record));
  await storage.close();
  const { book } = await bookOn(image, () => MEMBERS);
  assert.deepEqual(book.remembered, [{ node: "n2", peer: "p2", addresses: [] }]);
  assert.equal(book.nodeOf("p2"), "n2");
});

Deno.test("who is no member of the layout is not noted, and nobody before there is one", async () => {
  const image = new DiskImage();
  let hasLayout = false;
  const { book, storage } = await bookOn(image, () => hasLayout ? MEMBERS : undefined);
  book.note("n2", "peer-2", []);
  hasLayout = true;
  book.note("x1", "peer-x", []);
  assert.deepEqual(["peer-2", "peer-x"].map((peer) => book.nodeOf(peer)), [undefined, undefined]);
  assert.equal(await storage.getMeta("peers"), undefined);
});

Deno.test("whoever takes a name that another bore speaks for it from the next run on", async () => {
  const image = new DiskImage();
  const { book, storage } = await bookOn(image, () => MEMBERS);
  book.note("n2", "peer-2", []);
  book.note("n2", "peer-9", []);
  assert.deepEqual(["peer-2", "peer-9"].map((peer) => book.nodeOf(peer)), ["n2", undefined]);
  await storage.close();
  const again = await bookOn(image, () => MEMBERS);
  assert.deepEqual(
    ["peer-2", "peer-9"].map((peer) => again.book.nodeOf(peer)),
    [undefined, "n2"],
  );
});

Deno.test("the disk is written when a peer changes, and not with every heartbeat", async () => {
  const image = new DiskImage();
  let commits = 0;
  const { storage } = await openLayouts(image.open({
    before: ({ kind }) => {
      if (kind === "commit") commits++;
    },
  }));
  const book = new PeerBook(storage, () => MEMBERS, new LogBook());
  book.note("n2", "peer-2", []);
  await storage.setMeta("nothing", undefined);
  const before = commits;
  for (let i = 0; i < 100; i++) book.note("n2", "peer-2", []);
  await storage.setMeta("nothing", undefined);
  assert.equal(commits, before + 1, "that of the test");
});

Deno.test("a book that cannot be read is corrupt", async () => {
  const image = new DiskImage();
  const { storage } = await openLayouts(image.open());
  await storage.setMeta("peers", new Uint8Array([1, 255]));
  await storage.close();
  await assert.rejects(
    bookOn(image, () => MEMBERS),
    (error) => error instanceof CorruptError && error.where === "the stored peers",
  );
});
