import assert from "node:assert/strict";
import fc from "fast-check";
import { ClientMemory, type MemoryAccount } from "../../src/doors/client_memory.ts";

/** An account that notes in `log` when it has to give way. */
function named(memory: ClientMemory, name: string, log: string[] = []): MemoryAccount {
  return memory.open(() => void log.push(name));
}

Deno.test("hold() counts what all accounts hold together", () => {
  const memory = new ClientMemory(100);
  const [a, b] = [named(memory, "a"), named(memory, "b")];
  assert.ok(a.hold(40));
  assert.ok(b.hold(60));
  assert.equal(memory.heldBytes, 100);
  assert.ok(a.hold(10));
  assert.equal(memory.heldBytes, 70);
  b.close();
  b.close();
  assert.equal(memory.heldBytes, 10);
  assert.ok(!b.hold(1), "a closed account holds nothing");
  assert.equal(memory.heldBytes, 10);
});

Deno.test("when it is full those that hold most give way, one after the other", () => {
  const gone: string[] = [];
  const memory = new ClientMemory(100);
  const [small, large, larger, asking] = ["small", "large", "larger", "asking"]
    .map((name) => named(memory, name, gone)) as [
      MemoryAccount,
      MemoryAccount,
      MemoryAccount,
      MemoryAccount,
    ];
  small.hold(5);
  large.hold(30);
  larger.hold(60);
  assert.ok(asking.hold(20));
  assert.deepEqual(gone, ["larger"]);
  assert.ok(small.hold(6));
  larger.hold(1);
  assert.equal(memory.heldBytes, 56);
  assert.ok(asking.hold(29));
  assert.ok(named(memory, "another").hold(30));
  assert.ok(small.hold(20));
  assert.deepEqual(gone, ["larger", "large"]);
  assert.equal(memory.evictedCount, 2);
});

Deno.test("the one that would hold most is refused itself, and keeps what it has", () => {
  const gone: string[] = [];
  const memory = new ClientMemory(100);
  const [a, b] = [named(memory, "a", gone), named(memory, "b", gone)];
  a.hold(40);
  b.hold(50);
  assert.ok(!b.hold(61));
  assert.equal(b.heldBytes, 50);
  assert.equal(memory.heldBytes, 90);
  assert.equal(memory.refusedCount, 1);
  assert.deepEqual(gone, []);
});

Deno.test("of equals the one that is there longest gives way", () => {
  const gone: string[] = [];
  const memory = new ClientMemory(100);
  named(memory, "first", gone).hold(40);
  named(memory, "second", gone).hold(40);
  assert.ok(named(memory, "third", gone).hold(40));
  assert.deepEqual(gone, ["first"]);
});

Deno.test("an account that is pinned does not give way", () => {
  const gone: string[] = [];
  const memory = new ClientMemory(100);
  const running = named(memory, "running", gone);
  running.hold(90);
  running.isPinned = true;
  const asking = named(memory, "asking", gone);
  assert.ok(!asking.hold(20));
  running.isPinned = false;
  assert.ok(asking.hold(20));
  assert.deepEqual(gone, ["running"]);
});

Deno.test("whatever clients do, the limit holds and nobody gives way to a greedier one", () => {
  const step = fc.record({ who: fc.nat(9), bytes: fc.nat(60), isClosing: fc.nat(9) });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const memory = new ClientMemory(100);
    let asking: { who: number; bytes: number } | undefined;
    const held = new Map<number, number>();
    const accounts = new Map<number, MemoryAccount>();
    const accountOf = (who: number) => {
      const known = accounts.get(who);
      if (known !== undefined) return known;
      const account = memory.open(() => {
        assert.notEqual(asking?.who, who);
        assert.ok(held.get(who)! >= asking!.bytes);
        assert.equal(held.get(who), Math.max(...held.values()));
        held.delete(who);
        accounts.delete(who);
      });
      accounts.set(who, account);
      return account;
    };
    for (const { who, bytes, isClosing } of steps) {
      const account = accountOf(who);
      if (isClosing === 0) {
        account.close();
        held.delete(who);
        accounts.delete(who);
      } else {
        // Only those that could give way are compared: the one that asks is not.
        const before = held.get(who);
        held.delete(who);
        asking = { who, bytes };
        if (account.hold(bytes)) held.set(who, bytes);
        else if (before !== undefined) held.set(who, before);
      }
      const sum = held.values().reduce((all, one) => all + one, 0);
      assert.equal(memory.heldBytes, sum);
      assert.ok(sum <= 100);
    }
  }));
});
