import assert from "node:assert/strict";
import { EveryOrder } from "./every_order.ts";
import { ordersOf, type ToyWorld } from "./toy_world.ts";

const oneNode: ToyWorld = { a: { place: "n1" }, b: { place: "n1" }, c: { place: "n1" } };

Deno.test("events of one node happen in every order", () => {
  const { orders, givenUpCount } = ordersOf(oneNode, new EveryOrder());
  assert.deepEqual(orders, ["abc", "acb", "bac", "bca", "cab", "cba"]);
  assert.equal(givenUpCount, 0);
});

Deno.test("events of different nodes happen in one order, unless all orders are wanted", () => {
  const world: ToyWorld = {
    a: { place: "n1", then: ["b"] },
    b: { place: "n1" },
    c: { place: "n2" },
  };
  assert.deepEqual(ordersOf(world, new EveryOrder()).orders, ["acb"]);
  assert.deepEqual(ordersOf(world, new EveryOrder(false)).orders, ["acb", "abc", "cab"]);
});

Deno.test("the end of a request comes before and after what it is judged by at another node", () => {
  const world: ToyWorld = { a: { place: "n1", hasEnded: true }, b: { place: "n2", isNoted: true } };
  assert.deepEqual(ordersOf(world, new EveryOrder()).orders, ["ab", "ba"]);
});

Deno.test("one order is run of all that differ only between nodes", () => {
  const world: ToyWorld = {
    a: { place: "n1", then: ["b"] },
    b: { place: "n2", then: ["c"] },
    c: { place: "n1" },
    x: { place: "n2", then: ["y"] },
    y: { place: "n1", then: ["z"] },
    z: { place: "n2", isNoted: true },
    e: { place: "n3", hasEnded: true },
  };
  const { orders } = ordersOf(world, new EveryOrder());
  const all = ordersOf(world, new EveryOrder(false)).orders;
  assert.equal(new Set(orders).size, orders.length);
  const kinds = (orders: string[]) => new Set(orders.map((order) => kindOf(order, world)));
  assert.deepEqual(kinds(orders), kinds(all));
  assert.equal(orders.length, kinds(all).size);
  assert.ok(orders.length < all.length / 4);
});

/** What orders have in common that differ in nothing: the pairs of events whose order matters. */
function kindOf(order: string, world: ToyWorld): string {
  const pairs = [...order].flatMap((first, i) =>
    [...order.slice(i + 1)].filter((second) => {
      const [a, b] = [world[first]!, world[second]!];
      return a.place === b.place || a.hasEnded && b.isNoted || a.isNoted && b.hasEnded;
    }).map((second) => first + second)
  );
  return pairs.sort().join(" ");
}

Deno.test("a world that does not repeat itself is an error", () => {
  const event = (name: string) => ({ name, place: "n1", kind: "message", happen() {} } as const);
  const explorer = new EveryOrder();
  explorer.choose([event("a"), event("b")]);
  explorer.happened({ place: "n1", hasEnded: false, isNoted: false });
  assert.ok(explorer.next());
  assert.throws(
    () => explorer.choose([event("a"), event("c")]),
    /led to \[a,c\] and before to \[a,b\]/,
  );
});
