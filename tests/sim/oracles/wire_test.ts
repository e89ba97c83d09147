import assert from "node:assert/strict";
import {
  decodeMessage,
  encodeAnswer,
  encodeFailure,
  encodeRequest,
} from "../../../src/wire/message_codec.ts";
import { DenamoError } from "../../../src/wire/errors.ts";
import { damageProblem, understood } from "./wire.ts";

const MESSAGES = [
  () => encodeRequest(7, 1, 300, ["1-abc", 5, new Uint8Array([1, 2]), null, true]),
  () => encodeAnswer(7, [new Uint8Array(3), 2 ** 40]),
  () => encodeFailure(7, new DenamoError("corrupt", "no", "Corrupt data", { where: "k" })),
].map((encode) => () => encode().slice());

Deno.test("what nodes send is understood", () => {
  for (const encode of MESSAGES) {
    const bytes = encode();
    assert.deepEqual(understood(bytes), { message: decodeMessage(bytes) });
  }
});

Deno.test("a message that is none, or written otherwise than it is read, is found out", () => {
  assert.match(understood(new Uint8Array([0xc0])).problem!, /nobody understands/);
  // The number 7 in five bytes, where it has one.
  const wide = new Uint8Array([0x93, 1, 0xce, 0, 0, 0, 7, 0xc0]);
  assert.match(understood(wide).problem!, /does not encode to what it was decoded from/);
});

Deno.test("every way to cut a message short is refused by one error", () => {
  for (const encode of MESSAGES) {
    const bytes = encode();
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(damageProblem(bytes.subarray(0, length)), undefined);
    }
  }
});
