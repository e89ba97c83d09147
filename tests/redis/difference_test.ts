import assert from "node:assert/strict";
import { withDoor } from "../doors/resp/raw_client.ts";
import { Comparison, readExceptions } from "./difference.ts";
import {
  begin,
  NODE_SESSIONS,
  Recording,
  type Session,
  storyOf,
  TRANSACTION_SESSIONS,
} from "./recording.ts";

Deno.test("replies are those that Redis gave, but for what docs/redis.md says", async () => {
  const exceptions = await readExceptions();
  assert.ok(exceptions.hasWrongType && exceptions.ways.get("HSCAN") === "scan 2");
  await compareWithRecording(NODE_SESSIONS);
});

Deno.test("so are those of transactions and of sixteen databases, in RESP2 and RESP3", async () => {
  assert.ok(TRANSACTION_SESSIONS.some(({ protocol }) => protocol === 3));
  await compareWithRecording(TRANSACTION_SESSIONS);
});

async function compareWithRecording(sessions: readonly Session[]): Promise<void> {
  const exceptions = await readExceptions();
  const recording = await Recording.read();
  for (const session of sessions) {
    await withDoor(async ({ client }) => {
      await begin(session, client);
      const comparison = new Comparison(exceptions);
      const theirs = recording.play(session);
      for (const [i, command] of session.commands.entries()) {
        const difference = await comparison.differenceOf(command, client, theirs);
        if (difference === undefined) continue;
        const story = storyOf(session.commands, i);
        assert.fail(`${session.name}: ${JSON.stringify(difference)} after\n${story}`);
      }
    });
  }
}

Deno.test("a difference is noticed", async () => {
  const recording = await Recording.read();
  const [session] = NODE_SESSIONS;
  const none = { ways: new Map<string, string>(), hasWrongType: false };
  await withDoor(async ({ client }) => {
    await client.call("SADD a one");
    await client.call("SADD b one");
    await client.call("SADD c one");
    await client.call("SADD d one");
    const theirs = recording.play(session!);
    const comparison = new Comparison(none);
    const differences = [];
    for (const command of session!.commands) {
      differences.push(await comparison.differenceOf(command, client, theirs));
    }
    assert.ok(differences.some((difference) => difference !== undefined));
  });
});

Deno.test("replies to other commands than those recorded are not taken for theirs", async () => {
  const recording = await Recording.read();
  const [session] = NODE_SESSIONS;
  const other = { ...session!, commands: session!.commands.slice(1) };
  assert.throws(() => recording.play(other), /have changed: record them anew/);
});
