// Commands of Redis that are refused, each with its reason.
//
// Most read a value and then write what follows from it. Two clients at two nodes would both do so, and
// one of the two would be lost, against what the command promises. A client that must decide by what it
// read uses DN.GET and DN.SET with the context, and merges what was written meanwhile.

import { DenamoError } from "../../wire/errors.ts";
import { type Command, NO_KEYS } from "./command.ts";
import { ReplyError } from "./error_replies.ts";

const READS_AND_WRITES = "it reads and then writes, which cannot be atomic without consensus";
const NOT_ATOMIC = "its keys could not change together without consensus";
const NO_SUCH_TYPE = "there is no value of this type that merges";
const FRACTIONS = "a sum of fractions depends on their order: count in the smallest unit";
const NO_SCRIPTS = "scripts would have to be atomic, which needs consensus";
const NO_CHANNELS = "there are no channels";
const OTHER_INSIDES = "it shows or moves the insides of Redis";
const RUNS_BY_ITSELF = "each node keeps and spreads its data by itself";

const REASONS: readonly (readonly [reason: string, names: string])[] = [
  [
    READS_AND_WRITES,
    "append getdel getset hsetnx rename renamenx setnx setrange smove spop",
  ],
  [NOT_ATOMIC, "move msetnx swapdb"],
  [
    NO_SUCH_TYPE,
    // Bits: two that are set at once in one byte would be one.
    "bitcount bitfield bitfield_ro bitop bitpos getbit setbit " +
    // Lists.
    "blmove blmpop blpop brpop brpoplpush lindex linsert llen lmove lmpop lpop lpos lpush lpushx " +
    "lrange lrem lset ltrim rpop rpoplpush rpush rpushx sort sort_ro " +
    // Sorted sets and places.
    "bzmpop bzpopmax bzpopmin zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard " +
    "zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange zrangebylex " +
    "zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange " +
    "zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion zunionstore geoadd geodist geohash " +
    "geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore " +
    // Streams.
    "xack xadd xautoclaim xclaim xdel xgroup xinfo xlen " +
    "xpending xrange xread xreadgroup xrevrange xsetid xtrim",
  ],
  [FRACTIONS, "hincrbyfloat incrbyfloat"],
  ["it is not offered yet", "pfdebug pfselftest"],
  [NO_SCRIPTS, "eval eval_ro evalsha evalsha_ro fcall fcall_ro function script"],
  [
    NO_CHANNELS,
    "psubscribe publish pubsub punsubscribe spublish ssubscribe subscribe sunsubscribe unsubscribe",
  ],
  ["each write waits for its own quorum (see DN.SET with W)", "waitaof"],
  ["the measurements and the log of the node say more", "monitor"],
  [OTHER_INSIDES, "debug dump migrate module restore restore-asking lolwut"],
  [
    RUNS_BY_ITSELF,
    "bgrewriteaof bgsave failover lastsave psync replconf replicaof role save shutdown slaveof sync",
  ],
];

/** Those that Redis never lets wait for EXEC. */
const NEVER_QUEUED = ["psync", "save", "shutdown", "sync"];

const CLUSTER_COMMANDS = "asking cluster readonly readwrite";

/** Found by their names only to be refused. */
export const REFUSED_COMMANDS: readonly Command[] = [
  ...REASONS.flatMap(([reason, names]) =>
    names.split(" ").map((name) => {
      const message = `${name.toUpperCase()} is not supported: ${reason}`;
      const error = () => new DenamoError("unsupported", "no", message);
      const isNeverQueued = NEVER_QUEUED.includes(name);
      return refused(name, error, isNeverQueued ? notWithinTransaction : error);
    })
  ),
  // Clients that try for a Redis Cluster look for these very words.
  ...CLUSTER_COMMANDS.split(" ").map((name) =>
    refused(name, () => new ReplyError("ERR This instance has cluster support disabled"))
  ),
];

function notWithinTransaction(): ReplyError {
  return new ReplyError("ERR Command not allowed inside a transaction");
}

/** @param queued the error within a transaction, which is refused as a whole; without one the command may wait */
function refused(name: string, error: () => Error, queued?: () => Error): Command {
  const fail = (error: () => Error) => {
    throw error();
  };
  const check = queued && (() => fail(queued));
  const run = Object.assign(() => fail(error), { check });
  return {
    name,
    arity: -1,
    run,
    group: "generic",
    summary: "Not supported",
    flags: [],
    keys: NO_KEYS,
  };
}
