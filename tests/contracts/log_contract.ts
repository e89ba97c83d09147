// What every log must do.

import assert from "node:assert/strict";
import type { Log } from "../../src/ports/log.ts";

/** A log under test, and the lines it has written. */
export interface LogHarness {
  readonly log: Log;
  lines(): readonly string[];
}

export function logContract(name: string, make: () => LogHarness): void {
  Deno.test(`${name}: each call writes one line with its message and its fields`, () => {
    const { log, lines } = make();
    log.debug("A thing is small", { sizeBytes: 1 });
    log.info("A peer is up", { peer: "12D3" });
    log.warn("A disk is slow");
    log.error("A disk has failed", { reason: "It burns" });
    assert.equal(lines().length, 4);
    assert.match(lines()[0]!, /A thing is small.*sizeBytes"?[=:]1/);
    assert.match(lines()[1]!, /A peer is up.*12D3/);
    assert.match(lines()[2]!, /A disk is slow/);
    assert.match(lines()[3]!, /It burns/);
  });

  Deno.test(`${name}: a message is no template and fields may hold anything`, () => {
    const { log, lines } = make();
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    log.info("Braces {peer} stay {{twice}}", { peer: "wrong" });
    log.info("Odd fields", {
      big: 10n,
      bytes: Uint8Array.of(255),
      nothing: undefined,
      error: new Error("It broke"),
      circular,
    });
    log.info("Two\nlines", { text: "and\nmore" });
    assert.equal(lines().length, 3);
    assert.match(lines()[0]!, /Braces \{peer\} stay \{\{twice\}\}/);
    assert.match(lines()[1]!, /It broke/);
    for (const line of lines()) assert.match(line, /^[^\n]+\n$/, "one line, ended");
  });
}
