// A calm hour: whole nodes in virtual time to which nothing bad happens, on a network that is only as bad as any.
//
// Nobody stops and no way is cut, but messages take different times and now and then a long one, some
// publications are lost, and no two clocks go alike. A failure detector is good for something only if it calls
// nobody down in such an hour. There is no layout and no data: the hour is one of heartbeats alone.

import { SeededRandom } from "../../src/base/seeded_random.ts";
import { Node } from "../../src/node/node.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Log } from "../../src/ports/log.ts";
import { randomBelow } from "../../src/ports/random.ts";
import { DiskImage } from "./memory_disk.ts";
import { MemoryWorld } from "./memory_network.ts";
import { VirtualTime } from "./virtual_clock.ts";

export interface CalmHour {
  readonly seed: number;
  readonly nodes: number;
  readonly minutes: number;
  /** Of a thousand publications so many are lost on each way. */
  readonly lostPerMille: number;
  /** Clocks run fast or slow by up to so many millionths. */
  readonly driftPpm: number;
  /** A node that dies after half of the time, for the sake of the test of this test. */
  readonly dies?: string | undefined;
}

export interface CalmReport {
  /** Who was called what by whom, and when: `n2 is down (n1, 12.5 s)`. */
  readonly downs: readonly string[];
  readonly suspectCount: number;
  readonly selfDoubtCount: number;
  readonly publicationCount: number;
  readonly lostCount: number;
  readonly eventCount: number;
}

/** Of so many messages one is late, by up to so much. */
const LATE_ONE_IN = 200;
const LATE_MS = 800;
const USUAL_MS = 40;

/** Lets the time pass. */
export async function runCalmHour(
  hour: CalmHour,
  onMinute: (minute: number) => void = () => {},
): Promise<CalmReport> {
  const random = new SeededRandom(`calm hour ${hour.seed}`);
  const time = new VirtualTime();
  const downs: string[] = [];
  const counts = { suspects: 0, doubts: 0, publications: 0, lost: 0 };
  const world = new MemoryWorld({
    clock: time.clock(),
    random,
    delayMs: () => {
      const isLate = randomBelow(random, LATE_ONE_IN) === 0;
      return 1 + randomBelow(random, isLate ? LATE_MS : USUAL_MS);
    },
    losesPublication: () => {
      counts.publications++;
      if (randomBelow(random, 1_000) >= hour.lostPerMille) return false;
      counts.lost++;
      return true;
    },
  });
  const names = Array.from({ length: hour.nodes }, (_, i) => `n${i + 1}`);
  const logOf = (name: string): Log => ({
    debug() {},
    info() {},
    error() {},
    warn: (message) => {
      if (message.endsWith(" is down")) {
        downs.push(`${message} (${name}, ${(time.nowMs / 1_000).toFixed(1)} s)`);
      } else if (message.endsWith(" is suspect")) counts.suspects++;
      else if (message.startsWith("Most members are silent")) counts.doubts++;
    },
  });
  const nodes: Node[] = [];
  for (const name of names) {
    const drift = 1 + (randomBelow(random, 2 * hour.driftPpm + 1) - hour.driftPpm) / 1e6;
    const starting = startNode(name, names, drifting(time, drift), logOf(name), world);
    nodes.push(await ended(time, starting));
  }
  for (let minute = 1; minute <= hour.minutes; minute++) {
    await time.pass(60_000);
    onMinute(minute);
    const isHalf = minute === Math.ceil(hour.minutes / 2);
    if (isHalf && hour.dies !== undefined) {
      await ended(time, nodes[names.indexOf(hour.dies)]!.stop());
    }
  }
  const report = {
    downs: [...downs],
    suspectCount: counts.suspects,
    selfDoubtCount: counts.doubts,
    publicationCount: counts.publications,
    lostCount: counts.lost,
    eventCount: time.eventCount,
  };
  await ended(time, Promise.all(nodes.map((node) => node.stop())));
  return report;
}

/** This network passes nothing on, so everybody knows everybody from the start. */
function startNode(
  node: string,
  names: readonly string[],
  clock: Clock,
  log: Log,
  world: MemoryWorld,
): Promise<Node> {
  return Node.start({
    node,
    cluster: "calm",
    zone: "dc1/rack1",
    weight: 1,
    partitions: 256,
    replication: 3,
    defaults: { timeoutMs: 5_000 },
    namespaces: [],
    maxClockSkewMs: 1_000,
    heartbeatMs: 1_000,
    cacheBytes: 1_000_000,
    join: names.map((name) => `/memory/${name}`),
    doors: () => ({ http: undefined, resp: undefined }),
  }, {
    clock,
    random: new SeededRandom(`${node} ${world.random.uint32()}`),
    network: world.network({ self: `peer-${node}`, cluster: "calm", listen: `/memory/${node}` }),
    disk: new DiskImage().open(),
    log,
  });
}

/** A clock that shows `rate` seconds for each second of true time. */
function drifting(time: VirtualTime, rate: number): Clock {
  const { now } = time.clock(() => time.nowMs * (rate - 1));
  return {
    now,
    monotonic: () => time.nowMs * rate,
    after: (delayMs, callback) => time.after(delayMs / rate, callback),
  };
}

async function ended<T>(time: VirtualTime, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  promise.catch(() => {}).finally(() => isSettled = true);
  await time.until(() => isSettled, "the end of a promise");
  return await promise;
}
