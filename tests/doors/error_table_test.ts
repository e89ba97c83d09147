import assert from "node:assert/strict";
import { ERROR_TABLE, shownError } from "../../src/doors/error_table.ts";
import { ERROR_CODES, QuorumError } from "../../src/wire/errors.ts";

Deno.test("shownError() shows the row, the outcome and the numbers of an error", () => {
  const numbers = { needed: 2, got: 1, asked: 3, causes: ["n2 timed out"] };
  const shown = shownError(new QuorumError('write quorum for "k"', "unknown", numbers));
  assert.equal(shown.httpStatus, 503);
  assert.equal(shown.respPrefix, "QUORUM");
  assert.equal(shown.code, "quorum");
  assert.equal(shown.outcome, "unknown");
  assert.deepEqual(shown.details, numbers);
});

Deno.test("shownError() takes everything else as a mistake of the node with unknown outcome", () => {
  const shown = shownError(new TypeError("x is undefined"));
  assert.equal(shown.code, "internal");
  assert.equal(shown.httpStatus, 500);
  assert.equal(shown.outcome, "unknown");
});

Deno.test("every code has a status of an error and a prefix that RESP clients can read", () => {
  assert.deepEqual(Object.keys(ERROR_TABLE).sort(), [...ERROR_CODES].sort());
  for (const row of Object.values(ERROR_TABLE)) {
    assert.ok(row.httpStatus >= 400 && row.httpStatus < 600);
    assert.match(row.respPrefix, /^[A-Z]+$/);
    assert.notEqual(row.meaning, "");
  }
});
