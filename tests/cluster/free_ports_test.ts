import assert from "node:assert/strict";
import { freePortBase } from "./free_ports.ts";

/** As another thread has it. */
const ANOTHER = "./free_ports.ts?another";

Deno.test("two that choose ports at the same time choose different ones, and later again others", async () => {
  const other = await import(ANOTHER) as typeof import("./free_ports.ts");
  const portsOf = (base: number) => [1, 101, 201].map((offset) => base + offset);
  for (let time = 0; time < 200; time++) {
    const bases = [freePortBase(3), other.freePortBase(3), freePortBase(1)];
    for (const base of bases) assert.ok(base >= 10_000 && base + 300 < 32_768, String(base));
    const ports = bases.flatMap((base, i) =>
      portsOf(base).flatMap((port) => i < 2 ? [port, port + 1, port + 2] : [port])
    );
    assert.equal(new Set(ports).size, ports.length, `${bases}`);
  }
});

Deno.test("a port in use is not given", () => {
  const used = freePortBase(1);
  using _listener = Deno.listen({ hostname: "127.0.0.1", port: used + 201 });
  for (let time = 0; time < 200; time++) assert.notEqual(freePortBase(1), used);
});
