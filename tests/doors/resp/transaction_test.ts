import assert from "node:assert/strict";
import { utf8 } from "../../../src/base/bytes.ts";
import { ReplyError } from "../../../src/doors/resp/error_replies.ts";
import { STRING_COMMANDS } from "../../../src/doors/resp/string_commands.ts";
import { Transaction } from "../../../src/doors/resp/transaction.ts";

const [GET] = STRING_COMMANDS;
const words = (text: string) => text.split(" ").map((word) => utf8(word));

Deno.test("a transaction keeps commands until it is ended", () => {
  const transaction = new Transaction();
  assert.equal(transaction.isOpen, false);
  transaction.begin();
  const command = words("get k");
  transaction.add(GET!, command);
  command[1]!.fill(0);
  assert.equal(transaction.length, 1);
  const [queued] = transaction.take();
  assert.deepEqual(queued, { command: GET, words: words("get k") });
  assert.equal(transaction.isOpen, false);
  assert.equal(transaction.heldBytes, 0);
});

Deno.test("it counts what it holds, and holds nothing once it is refused", () => {
  const transaction = new Transaction();
  transaction.begin();
  const long = [utf8("get"), new Uint8Array(10_000)];
  const bytes = transaction.bytesOf(long);
  assert.ok(bytes > 10_000);
  transaction.add(GET!, long);
  assert.equal(transaction.heldBytes, bytes);
  transaction.refuse();
  assert.equal(transaction.heldBytes, 0);
  assert.equal(transaction.bytesOf(long), 0);
  transaction.add(GET!, long);
  assert.equal(transaction.heldBytes, 0);
  assert.throws(() => transaction.take(), /EXECABORT/);
  assert.equal(transaction.isOpen, false);
});

Deno.test("a refusal outside of a transaction refuses the next one only", () => {
  const transaction = new Transaction();
  transaction.refuse();
  assert.throws(() => transaction.take(), new ReplyError("ERR EXEC without MULTI"));
  assert.throws(() => transaction.discard(), new ReplyError("ERR DISCARD without MULTI"));
  transaction.begin();
  transaction.add(GET!, words("get k"));
  assert.throws(() => transaction.take(), /EXECABORT/);
  transaction.begin();
  assert.deepEqual(transaction.take(), []);
});
