// Sessions with transactions and databases: chosen ones for every way in which MULTI and SELECT can go, and random
// ones of both.

import { SeededRandom } from "../../src/base/seeded_random.ts";
import { randomBelow } from "../../src/ports/random.ts";
import { randomCommand } from "./difference.ts";
import type { Session } from "./recording.ts";

/** Each line is a session; commands are parted by semicolons. */
const CHOSEN = [
  "MULTI; SET a 1; INCR a; GET a; EXEC; GET a",
  "MULTI; EXEC; EXEC; DISCARD; UNWATCH; UNWATCH x; MULTI x; DISCARD x; WATCH; EXEC x",
  "MULTI; MULTI; SET a 1; EXEC; GET a",
  "MULTI; EXEC x; SET a 1; EXEC",
  "MULTI; NOSUCH; SET a 1; EXEC; GET a; EXEC",
  "MULTI; GET; SET a 1; EXEC; GET a",
  "MULTI; CLIENT; CLIENT GETNAME; CLIENT NOSUCH; EXEC; CLIENT GETNAME",
  "MULTI; CLIENT GETNAME x; EXEC; MULTI; CLIENT SETNAME me; CLIENT GETNAME; EXEC",
  "MULTI; CONFIG; CONFIG GET; CONFIG NOSUCH x; CONFIG HELP x; COMMAND COUNT x; EXEC",
  "MULTI; SET a 7; RESET; GET a; EXEC",
  "MULTI; SET a 7; DISCARD; GET a; EXEC; MULTI; PING; EXEC",
  "MULTI; DISCARD x; SET a 7; EXEC; GET a",
  "MULTI; SET a 7; NOSUCH; DISCARD; MULTI; GET a; EXEC",
  "MULTI; SAVE; EXEC; MULTI; SYNC; EXEC; MULTI; SHUTDOWN x; EXEC; MULTI; PSYNC x y; EXEC",
  "MULTI; UNWATCH x; EXEC; MULTI; UNWATCH; CLUSTER SLOTS; EXEC",
  "SET a x; MULTI; INCR a; SADD a b; SET b 1; HGET a f; EXEC; GET b",
  "MULTI; HSET h f v g w; HGETALL h; HGET h none; SADD s m; SMEMBERS s; EXEC",
  "MULTI; SELECT 3; SET a 1; SELECT 16; GET a; EXEC; GET a; SELECT 0; GET a; DBSIZE",
  "SELECT 16; SELECT 15; SELECT -1; SELECT x; SELECT 1x; SELECT 007; SELECT; SELECT 99999999999",
  "SELECT -99999999999; SELECT 9999999999999999999999; SELECT 2147483647; SELECT 2147483648",
  "SET a 0; SELECT 1; GET a; SET a 1; SET b 1; DBSIZE; SELECT 0; GET a; DBSIZE; EXISTS a b",
  "SET a 0; SELECT 1; SET a 1; SELECT 2; SET a 2; FLUSHDB; DBSIZE; SELECT 1; GET a; SELECT 0; GET a",
  "SET a 0; SELECT 9; SET a 1; FLUSHALL; DBSIZE; SELECT 0; DBSIZE; GET a",
  "FLUSHDB x; FLUSHDB SYNC; FLUSHDB ASYNC; FLUSHDB SYNC x; FLUSHALL x; FLUSHALL ASYNC; FLUSHALL SYNC x",
  "SELECT 5; SET a 5; EXPIRE a 100; TTL a; TYPE a; DEL a; KEYS *; RESET; KEYS *; DBSIZE",
  "SELECT 5; SADD s x; SELECT 6; SADD s y; SMEMBERS s; SELECT 5; SMEMBERS s; SINTER s s; SCAN 0 MATCH s",
  "CONFIG GET databases",
  // Keys of database 0 that look like those of others as they are stored.
  "SELECT 3; SET a 3; SELECT 0; GET \x1edb3\x1ea; SET \x1edb3\x1ea 0; GET \x1edb3\x1ea; SELECT 3; GET a",
  "SET \x1edb3\x1ea 0; SET \x1edb0\x1e\x1edb3\x1ea 1; SET \x1edb0\x1ea 2; KEYS *; SELECT 3; KEYS *; DBSIZE",
  "SET \x1edb3\x1ea 0; SET \x1edb3 1; SET \x1ea 2; KEYS \x1e*; KEYS \x1edb3\x1e*; SELECT 3; DBSIZE",
  "SELECT 3; SET \x1edb0\x1ea 1; SET \x1edb4\x1ea 1; KEYS *; SELECT 4; KEYS *; SELECT 0; KEYS *",
];

const OTHERS = [
  "MULTI",
  "MULTI",
  "MULTI",
  "EXEC",
  "EXEC",
  "EXEC",
  "EXEC",
  "DISCARD",
  "UNWATCH",
  "NOSUCH a",
  "CLIENT NOSUCH",
  "SELECT 0",
  "SELECT 1",
  "SELECT 15",
  "SELECT 16",
  "DBSIZE",
  "KEYS *",
  "PING",
  "FLUSHDB",
  "RESET",
];

/** @param protocol after a RESET it is version 2 in any case */
function randomSession(seed: number, protocol: 2 | 3): Session {
  const random = new SeededRandom(`transactions ${protocol} ${seed}`);
  const commands = Array.from({ length: 250 }, () => {
    if (randomBelow(random, 3) > 0) return randomCommand(random);
    return OTHERS[randomBelow(random, OTHERS.length)]!.split(" ");
  });
  return { name: `transactions ${protocol} ${seed}`, commands, protocol };
}

/** Sessions that begin with an empty server each. */
export const TRANSACTION_SESSIONS: readonly Session[] = ([2, 3] as const).flatMap((protocol) => [
  ...CHOSEN.map((line): Session => ({
    name: `RESP${protocol}: ${line}`,
    commands: line.split("; ").map((command) => command.split(" ")),
    protocol,
  })),
  ...Array.from({ length: 12 }, (_, seed) => randomSession(seed, protocol)),
]);
