import assert from "node:assert/strict";
import { isZone, parseZone } from "../../src/ring/zone.ts";

Deno.test("parseZone() reads a datacentre with or without a rack", () => {
  assert.deepEqual(parseZone("dc1"), { name: "dc1", datacentre: "dc1", rack: undefined });
  assert.deepEqual(parseZone("eu-west.1/rack_7"), {
    name: "eu-west.1/rack_7",
    datacentre: "eu-west.1",
    rack: "rack_7",
  });
});

Deno.test("parseZone() refuses what is neither", () => {
  const wrong = [
    "",
    "/",
    "dc/",
    "/rack",
    "dc/rack/row",
    "d c",
    "dc\n",
    "-dc",
    "dé",
    "d".repeat(64),
  ];
  for (const text of wrong) {
    assert.ok(!isZone(text), text);
    assert.throws(() => parseZone(text), RangeError);
  }
  assert.ok(isZone(`${"d".repeat(63)}/${"r".repeat(63)}`));
});
