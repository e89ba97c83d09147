// The last thing that goes wrong in a world: one clock is two minutes off, and a value is written that is to end soon.
//
// It lives as long as it was told to at every node, that one included, whose time is that of the others as soon as
// it has heard from them by how much its clock is off.

import { Client } from "./client.ts";
import { Dice } from "./dice.ts";
import { showOperation } from "./history.ts";
import type { Machine } from "./machine.ts";
import { lifetimeProblem } from "./oracles/lifetimes.ts";
import type { World } from "./world.ts";

const OFF_MS = 120_000;

/** How long nodes may take to notice it: as many heartbeats as count, and some more. */
const NOTICED_MS = 10_000;

const LIFE_MS = 8_000;

/** How far off the time of such a node may be, for the ways of heartbeats, and how long a request may take. */
const MARGIN_MS = 3_000;

export async function liveAtWrongClocks(world: World): Promise<void> {
  // Two nodes cannot know who of them is right.
  if (world.machines.length < 3) return;
  const dice = new Dice(world.options.seed, "wrong clock");
  const wrong = dice.one(world.machines);
  const offMs = dice.one([-OFF_MS, OFF_MS]);
  world.trace.add(`the clock of ${wrong.name} is ${offMs} ms off`);
  // Its row of the members says that its clock is wrong.
  world.membership.isHealed = false;
  wrong.face.offsetMs += offMs;
  await world.time.pass(NOTICED_MS);
  const isForeign = (key: string) => !world.ownersOf(key).includes(wrong);
  const key = world.keys.find(isForeign) ?? world.keys[0]!;
  const right = dice.one(world.machines.filter((machine) => machine !== wrong));
  // An owner whose clock is off refuses to coordinate writes; every other node forwards them.
  const writer = isForeign(key) ? wrong : right;
  const client = new Client(world, "mortal");
  const put = { kind: "put", key, level: "all", timeoutMs: 10_000, lifeMs: LIFE_MS } as const;
  const write = await ended(world, client.carryOut(put, writer));
  if (write.outcome !== "ok") world.violation(`Refused at a wrong clock: ${showOperation(write)}`);
  for (const passMs of [LIFE_MS - 2 * MARGIN_MS, 3 * MARGIN_MS]) {
    await world.time.pass(passMs);
    for (const machine of [wrong, right]) await judge(world, client, key, write, machine);
  }
  wrong.face.offsetMs -= offMs;
  await world.time.pass(NOTICED_MS);
  world.membership.isHealed = true;
}

async function judge(
  world: World,
  client: Client,
  key: string,
  write: { readonly value: string | undefined; readonly endedAtMs: number | undefined },
  machine: Machine,
): Promise<void> {
  const get = { kind: "get", key, level: "all", timeoutMs: 10_000 } as const;
  const read = await ended(world, client.carryOut(get, machine));
  const ageMs = [read.invokedAtMs - write.endedAtMs!, read.endedAtMs! - write.endedAtMs!] as const;
  const problem = lifetimeProblem(write.value!, LIFE_MS, MARGIN_MS, ageMs, read);
  if (problem !== undefined) world.violation(problem);
}

async function ended<T>(world: World, request: Promise<T>): Promise<T> {
  let isEnded = false;
  const watched = request.finally(() => isEnded = true);
  watched.catch(() => {});
  await world.time.until(() => isEnded, "a request at a wrong clock ends");
  return await watched;
}
