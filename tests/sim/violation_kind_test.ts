import assert from "node:assert/strict";
import { violationKind } from "./violation_kind.ts";

Deno.test("violations are of one kind whatever write, key or node they name", () => {
  const kinds: [string, string, string][] = [
    [
      "k0: lost write #12 10..20 c1@n2 put k0=c1.3 -> ok dot n1~ab:7 replacing []",
      "k3: lost write #7 1..2 c2@n1 put k3=c2.1 -> ok",
      "lost write",
    ],
    [
      "Acknowledged while on 1 of 2 disks: #5 1..2 c1@n1 put",
      "Acknowledged while on 2 of 3 disks: #9",
      "Acknowledged while on * of * disks",
    ],
    [
      "k1: no choice of the unknown writes leaves exactly [c1.1 c2.3]",
      "k0: no choice of the unknown writes leaves exactly []",
      "no choice of the unknown writes leaves exactly",
    ],
    ["k0: n1 has {n1~x:5+[1]}, n2 has {}", "k2: n3 has {}, n1 has {a:1+[]}", "* has"],
    [
      "Actor n1~a wrote in run 1 of n1 and run 2 of n1",
      "Actor n3~a wrote in run 4 of n3 and run 5 of n3",
      "Actor * wrote in run * of * and run * of *",
    ],
    [
      "Error: it broke\n    at somewhere.ts:12",
      "Error: it broke\n    at elsewhere.ts:3",
      "Error: it broke",
    ],
  ];
  for (const [a, b, kind] of kinds) {
    assert.equal(violationKind(a), kind);
    assert.equal(violationKind(b), kind);
  }
});

Deno.test("violations of different promises are of different kinds, and none is of no kind", () => {
  assert.notEqual(violationKind("k0: lost write #1"), violationKind("k0: resurrected #1"));
  assert.notEqual(violationKind("#1 is wrong"), "");
  assert.notEqual(violationKind("{odd}"), "");
});
