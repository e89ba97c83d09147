// Measures the pipeline of Redis's own suite (tests/unit/other.tcl, "PIPELINING stresser"): so many pairs of a SET and
// a GET of the same key, all sent before a reply is read. Each reply is checked.
//
//   deno run -A scripts/pipelining.ts <port> [pairs]

import { Socket } from "node:net";

const [port, count] = [Number(Deno.args[0] ?? 6379), Number(Deno.args[1] ?? 100_000)];
if (!(port > 0 && count > 0)) throw new TypeError("Usage: pipelining.ts <port> [pairs]");

const startMs = performance.now();
const socket = new Socket().connect(port, "127.0.0.1");
const expected: string[] = [];
const sent: string[] = [];
for (let i = 0; i < count; i++) {
  const value = `0000${i}0000`;
  sent.push(`SET key:${i} ${value}\r\nGET key:${i}\r\n`);
  expected.push(`+OK\r\n$${value.length}\r\n${value}\r\n`);
}
const wanted = expected.join("");
socket.write(sent.join(""));
let at = 0;
for await (const chunk of socket) {
  const text = chunk.toString("latin1");
  if (!wanted.startsWith(text, at)) {
    throw new Error(
      `Expected ${JSON.stringify(wanted.slice(at, at + 80))}, got ${text.slice(0, 200)}`,
    );
  }
  at += text.length;
  if (at === wanted.length) break;
}
if (at < wanted.length) {
  throw new Error(`The connection ended after ${at} of ${wanted.length} bytes`);
}
const seconds = (performance.now() - startMs) / 1000;
console.log(
  `${count} pairs of SET and GET in ${seconds.toFixed(2)} s: ${
    Math.round(2 * count / seconds)
  } commands/s`,
);
