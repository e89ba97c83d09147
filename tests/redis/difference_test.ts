import assert from "node:assert/strict";
import { withDoor } from "../doors/resp/raw_client.ts";
import { differenceOf, readExceptions } from "./difference.ts";
import { NODE_SESSIONS, Recording, storyOf } from "./recording.ts";

Deno.test("replies are those that Redis gave, but for what docs/redis.md says", async () => {
  const exceptions = await readExceptions();
  assert.ok(exceptions.hasWrongType && exceptions.ways.get("HSCAN") === "scan 2");
  const recording = await Recording.read();
  for (const session of NODE_SESSIONS) {
    await withDoor(async ({ client }) => {
      const theirs = recording.play(session);
      for (const [i, command] of session.commands.entries()) {
        const difference = await differenceOf(command, client, theirs, exceptions);
        if (difference === undefined) continue;
        const story = storyOf(session.commands, i);
        assert.fail(`${session.name}: ${JSON.stringify(difference)} after\n${story}`);
      }
    });
  }
});

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
    const differences = [];
    for (const command of session!.commands) {
      differences.push(await differenceOf(command, client, theirs, none));
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
