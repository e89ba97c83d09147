// The same commands to Denamo and to Redis: what of their replies differs, but for what docs/redis.md allows.

import { isDeepStrictEqual } from "node:util";
import { equalBytes, utf8Text } from "../../src/base/bytes.ts";
import type { SeededRandom } from "../../src/base/seeded_random.ts";
import { randomBelow } from "../../src/ports/random.ts";
import { encoded, Failure, type RawClient, type Reply } from "../doors/resp/raw_client.ts";

/** How replies to a command are compared, by its name; `wrong type` stands for itself. */
export interface Exceptions {
  readonly ways: ReadonlyMap<string, string>;
  readonly hasWrongType: boolean;
}

/** The table of docs/redis.md. */
export async function readExceptions(): Promise<Exceptions> {
  const page = await Deno.readTextFile(new URL("../../docs/redis.md", import.meta.url));
  const ways = new Map<string, string>();
  let hasWrongType = false;
  for (const line of page.split("\n")) {
    const [, commands, way] = line.split("|").map((cell) => cell.trim());
    if (commands === undefined || way === undefined || !commands.startsWith("`")) continue;
    if (way === "wrong type") hasWrongType = true;
    else for (const [, name] of commands.matchAll(/`([A-Z]+)`/g)) ways.set(name!, way);
  }
  return { ways, hasWrongType };
}

const KEYS = ["a", "b", "c", "d"];
const WORDS = ["x", "y", "z", "1", "-7", "10", "", "two words", "123456789012", "milk"];
const NUMBERS = ["1", "-1", "5", "100", "0", "x", "1.5", "", "007"];

/** Random commands: by name, what their arguments are. */
const SHAPES: readonly (readonly string[])[] = [
  ["SET", "key", "word"],
  ["SET", "key", "number"],
  ["GET", "key"],
  ["MGET", "key", "key"],
  ["STRLEN", "key"],
  ["DEL", "key"],
  ["DEL", "key", "key"],
  ["EXISTS", "key", "key"],
  ["TYPE", "key"],
  ["TTL", "key"],
  ["PERSIST", "key"],
  ["EXPIRE", "key", "1000"],
  ["INCR", "key"],
  ["DECR", "key"],
  ["INCRBY", "key", "number"],
  ["DECRBY", "key", "number"],
  ["SADD", "key", "word", "word"],
  ["SADD", "key", "word"],
  ["SREM", "key", "word", "word"],
  ["SISMEMBER", "key", "word"],
  ["SMISMEMBER", "key", "word", "word"],
  ["SMEMBERS", "key"],
  ["SCARD", "key"],
  ["SINTER", "key", "key"],
  ["SUNION", "key", "key"],
  ["SDIFF", "key", "key"],
  ["SRANDMEMBER", "key"],
  ["SRANDMEMBER", "key", "number"],
  ["SSCAN", "key", "0"],
  ["SSCAN", "key", "0", "MATCH", "*i*"],
  ["HSET", "key", "word", "word"],
  ["HSET", "key", "word", "number", "word", "word"],
  ["HMSET", "key", "word", "word"],
  ["HGET", "key", "word"],
  ["HMGET", "key", "word", "word"],
  ["HGETALL", "key"],
  ["HDEL", "key", "word", "word"],
  ["HEXISTS", "key", "word"],
  ["HLEN", "key"],
  ["HKEYS", "key"],
  ["HVALS", "key"],
  ["HINCRBY", "key", "word", "number"],
  ["HSCAN", "key", "0"],
  ["PFADD", "key", "word", "word"],
  ["PFADD", "key"],
  ["PFCOUNT", "key"],
  ["PFCOUNT", "key", "key"],
  ["PFCOUNT", "key", "key", "key"],
  ["PFMERGE", "key", "key"],
  ["PFMERGE", "key", "key", "key"],
  ["PFMERGE", "key"],
  ["EXPIRE", "key", "2000", "NX"],
  ["EXPIRE", "key", "500", "XX", "LT"],
  ["EXPIRE", "key", "-1", "LT"],
  // GETEX and GT are tried by sessions of their own: the one has effects on a HyperLogLog in Redis, and the other
  // depends on the milliseconds that pass.
  ["TOUCH", "key", "key"],
  ["COPY", "key", "key"],
  ["COPY", "key", "key", "REPLACE"],
  ["LCS", "key", "key"],
  ["LCS", "key", "key", "IDX", "WITHMATCHLEN"],
  ["HSTRLEN", "key", "word"],
  ["HRANDFIELD", "key"],
  ["HRANDFIELD", "key", "number", "WITHVALUES"],
  ["SINTERCARD", "2", "key", "key"],
  ["SINTERSTORE", "key", "key", "key"],
  ["SUNIONSTORE", "key", "key", "key"],
  ["SDIFFSTORE", "key", "key", "key"],
  // Wrong in one way or another.
  ["EXPIRE", "key", "number", "NX", "GT"],
  ["SINTERCARD", "3", "key", "key"],
  ["SADD", "key"],
  ["HSET", "key", "word"],
  ["HSET", "key", "word", "word", "word"],
  ["INCR"],
  ["PFMERGE"],
  ["SSCAN", "key", "x"],
  ["SRANDMEMBER", "key", "x"],
];

/** @param keyOf the key that stands for one of a few letters */
export function randomCommand(
  random: SeededRandom,
  keyOf: (letter: string) => string = (letter) => letter,
): string[] {
  const one = <T>(list: readonly T[]): T => list[randomBelow(random, list.length)]!;
  return one(SHAPES).map((word) => {
    if (word === "key") return keyOf(one(KEYS));
    if (word === "word") return one(WORDS);
    return word === "number" ? one(NUMBERS) : word;
  });
}

/** What answers commands: a client of a live server, or a recording. */
export type Replier = Pick<RawClient, "send" | "wholeReply">;

export interface Difference {
  readonly ours: string;
  readonly theirs: string;
}

/** Compares one session, command by command. */
export class Comparison {
  readonly #exceptions: Exceptions;
  /** The commands that wait for EXEC. */
  #queued: (readonly string[])[] = [];

  constructor(exceptions: Exceptions) {
    this.#exceptions = exceptions;
  }

  /** Sends a command to both; undefined if the replies are equal, or as different as they may be. */
  async differenceOf(
    command: readonly string[],
    ours: Replier,
    theirs: Replier,
  ): Promise<Difference | undefined> {
    const [our, their] = await Promise.all([ours, theirs].map(async (client) => {
      await client.send(encoded(command));
      return await client.wholeReply();
    }));
    const isEqual = equalBytes(our!.bytes, their!.bytes);
    const queued = this.#queued;
    if (isEqual && our!.reply === "QUEUED") queued.push(command);
    else if (ENDS.includes(command[0]!)) this.#queued = [];
    if (isEqual) return undefined;
    const isAllowed = command[0] === "EXEC"
      ? this.#areAllowed(queued, our!.reply, their!.reply)
      : this.#isAllowed(command, our!.reply, their!.reply);
    if (isAllowed) return undefined;
    return { ours: utf8Text(our!.bytes), theirs: utf8Text(their!.bytes) };
  }

  #areAllowed(queued: readonly (readonly string[])[], ours: Reply, theirs: Reply): boolean {
    if (!Array.isArray(ours) || !Array.isArray(theirs)) return false;
    if (ours.length !== queued.length || theirs.length !== queued.length) return false;
    return queued.every((command, i) => {
      return isDeepStrictEqual(ours[i], theirs[i]) || this.#isAllowed(command, ours[i], theirs[i]);
    });
  }

  #isAllowed(command: readonly string[], ours: Reply, theirs: Reply): boolean {
    const { hasWrongType, ways } = this.#exceptions;
    if (hasWrongType && isOfWrongType(command, ours)) return true;
    if (isOneSecond(command, ours, theirs)) return true;
    const way = ways.get(command[0]!);
    return way !== undefined && isAlike(way, ours, theirs);
  }
}

/** Commands after which nothing waits for EXEC. */
const ENDS = ["EXEC", "DISCARD", "RESET"];

/** Whether two times to live are alike: they are rounded to seconds, and not asked at the same moment. */
function isOneSecond([name]: readonly string[], ours: Reply, theirs: Reply): boolean {
  return name === "TTL" && typeof ours === "number" && typeof theirs === "number" &&
    Math.abs(ours - theirs) <= 1;
}

const ON_STRINGS = [
  "GET",
  "LCS",
  "STRLEN",
  "MGET",
  "INCR",
  "DECR",
  "INCRBY",
  "DECRBY",
  "PFADD",
  "PFCOUNT",
  "PFMERGE",
];

/** Whether a value may be a string in Redis that is none here, or the other way round. */
function isOfWrongType([name]: readonly string[], reply: Reply): boolean {
  if (!ON_STRINGS.includes(name!)) return false;
  if (name === "MGET") return true;
  if (!(reply instanceof Failure)) return false;
  return /^WRONGTYPE|^ERR The specified keys must contain string values/.test(reply.message);
}

function isAlike(way: string, ours: Reply, theirs: Reply): boolean {
  const [kind, width = "1"] = way.split(/ (?=[0-9])/);
  switch (kind) {
    case "any order":
      return sortedText(ours, Number(width)) === sortedText(theirs, Number(width));
    case "scan": {
      if (!Array.isArray(ours) || !Array.isArray(theirs) || ours[0] !== theirs[0]) return false;
      return sortedText(ours[1], Number(width)) === sortedText(theirs[1], Number(width));
    }
    case "random":
      return shapeOf(ours) === shapeOf(theirs);
    case "about":
      return typeof ours === "number" && typeof theirs === "number" &&
        Math.abs(ours - theirs) <= Math.max(1, theirs * Number.parseFloat(width) / 100);
    case "estimate":
      return typeof ours === "number" && typeof theirs === "number";
    default:
      return false;
  }
}

/** The same text for the same elements in whatever order, `width` replies being one element. */
function sortedText(reply: Reply, width: number): string {
  if (reply instanceof Map) return sortedText([...reply].flat(), width);
  if (!Array.isArray(reply)) return JSON.stringify(reply);
  const list = reply as readonly Reply[];
  const elements = Array.from(
    { length: list.length / width },
    (_, i) => JSON.stringify(list.slice(i * width, (i + 1) * width)),
  );
  return elements.sort().join();
}

function shapeOf(reply: Reply): string {
  return Array.isArray(reply) ? `${reply.length} elements` : typeof reply;
}
