import assert from "node:assert/strict";
import fc from "fast-check";
import {
  compareNames,
  duration,
  facts,
  oneLine,
  oneLineBytes,
  shellWord,
  size,
  table,
} from "../../src/cli/output.ts";

Deno.test("table() aligns columns, numbers to the right", () => {
  const text = table(["node", "load", "state"], [["n1", "9.5", "up"], ["n10", "100.0", "down"]], [
    "load",
  ]);
  assert.equal(text, "NODE   LOAD  STATE\nn1      9.5  up\nn10   100.0  down\n");
});

Deno.test("facts() aligns names, also those that are empty", () => {
  assert.equal(facts([["node", "n1"], ["", "more"]]), "node  n1\n      more\n");
});

Deno.test("oneLine() is one line that no other text has", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary-ascii" }),
      fc.string({ unit: "binary-ascii" }),
      (a, b) => {
        assert.ok(!/[\n\r\t]/.test(oneLine(a)));
        if (a !== b) assert.notEqual(oneLine(a), oneLine(b));
      },
    ),
  );
  assert.equal(oneLine("cart:alice"), "cart:alice");
  assert.equal(oneLine("two\nlines"), '"two\\nlines"');
  assert.equal(oneLine(""), '""');
});

Deno.test("oneLineBytes() shows what is no UTF-8 in base64", () => {
  assert.equal(oneLineBytes(new Uint8Array([0x61, 0xff])), "base64:Yf8=");
  assert.equal(oneLineBytes(new Uint8Array([0x61])), "a");
  assert.equal(oneLineBytes(new TextEncoder().encode("base64:Yf8=")), '"base64:Yf8="');
});

Deno.test("size() shows bytes in their largest unit", () => {
  const sizes = [0, 1_023, 1_024, 1_536, 256 * 2 ** 20, 5.25 * 2 ** 40, 2 ** 52];
  assert.deepEqual(sizes.map(size), [
    ...["0 B", "1023 B", "1 KiB", "1.5 KiB", "256 MiB", "5.3 TiB", "4096 TiB"],
  ]);
});

Deno.test("compareNames() puts n2 before n10", () => {
  assert.deepEqual(["n10", "n2", "n1"].sort(compareNames), ["n1", "n2", "n10"]);
});

Deno.test("duration() shows the two largest units", () => {
  assert.equal(duration(999.4), "999 ms");
  assert.equal(duration(1_000), "1 s");
  assert.equal(duration(192_500), "3 min 12 s");
  assert.equal(duration(3_600_000), "1 h");
  assert.equal(duration(90_000_000), "1 d 1 h");
});

Deno.test(
  "shellWord() gives a shell the same word back",
  { ignore: Deno.build.os === "windows" },
  () => {
    const words = [
      "plain",
      "/ip4/127.0.0.1/tcp/7101",
      "two words",
      "it's",
      '$HOME `x` \\ "',
      "",
      "*",
      "~",
    ];
    const script = `printf '%s\\n' ${words.map(shellWord).join(" ")}`;
    const { stdout } = new Deno.Command("sh", { args: ["-c", script] }).outputSync();
    assert.deepEqual(new TextDecoder().decode(stdout).split("\n").slice(0, -1), words);
  },
);
