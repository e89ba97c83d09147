import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { type IncomingMessage, METHODS } from "../../src/wire/message_codec.ts";
import { AnswerBook } from "./answer_book.ts";

function read(id: number, key: string): IncomingMessage {
  const args = ["1-x", 7, utf8(key), null];
  return { kind: "request", id, method: METHODS.read, timeoutMs: 100, arguments: args };
}

function coordinate(id: number, key: string): IncomingMessage {
  const args = ["1-x", false, 1, utf8(key), null, null, []];
  return { kind: "request", id, method: METHODS.coordinate, timeoutMs: 100, arguments: args };
}

Deno.test("who has answered about a key is known to its asker and to whom that answers", () => {
  const book = new AnswerBook();
  book.sent("n1", "n2", coordinate(1, "k"));
  book.sent("n2", "n3", read(9, "k"));
  book.sent("n2", "n4", read(9, "k"));
  book.arrived("n3", "n2", { kind: "answer", id: 9, result: [] }, 10);
  assert.deepEqual([...book.answeredTo("n2", "k", 0)], ["n3"]);
  assert.deepEqual([...book.answeredTo("n1", "k", 0)], []);
  book.arrived("n2", "n1", { kind: "answer", id: 1, result: [] }, 20);
  assert.deepEqual([...book.answeredTo("n1", "k", 0)].sort(), ["n2", "n3"]);
  assert.deepEqual([...book.answeredTo("n1", "k", 15)], ["n2"]);
  assert.deepEqual([...book.answeredTo("n1", "other", 0)], []);
});
