// Every setting of a node and of a local cluster, each in one place.
//
// From this table come the flags with their help, the names of the environment variables, the keys of
// the config file, and what is allowed.

import * as v from "valibot";
import { LIMITS } from "../wire/limits.ts";
import {
  booleanSetting,
  choiceSetting,
  DOOR_ADDRESS,
  integerBetween,
  levelSetting,
  listSetting,
  numberSetting,
  PLAIN_NAME,
  QUORUM_LEVEL,
  type Setting,
  TCP_MULTIADDR,
  textSetting,
  ZONE,
} from "./setting_kinds.ts";

// deno-lint-ignore no-explicit-any -- a table of settings of different types
export type Settings = Readonly<Record<string, Setting<any>>>;

/** The valid values of a table of settings: what nobody gave is absent. */
export type Values<S extends Settings> = {
  -readonly [K in keyof S]?: S[K] extends Setting<infer T> ? T : never;
};

const REPLICATION = integerBetween(1, 16);
const TIMEOUT_MS = integerBetween(1, LIMITS.timeoutMsMax);
const PARTITIONS_ALLOWED = "a power of two from 256 to 16384";
const WEIGHT_ALLOWED = "a number from 0.1 to 100";
const PREFIX_ALLOWED = `a text of 1 to ${LIMITS.key} bytes`;
const PATH_ALLOWED = "a path";

const PATH = v.pipe(v.string(PATH_ALLOWED), v.nonEmpty(PATH_ALLOWED));

const PARTITIONS = v.pipe(
  v.number(PARTITIONS_ALLOWED),
  v.check(
    (count) => count >= 256 && count <= 16_384 && Number.isInteger(Math.log2(count)),
    PARTITIONS_ALLOWED,
  ),
);

const NAMESPACES = v.pipe(
  v.array(
    v.strictObject({
      prefix: v.pipe(
        v.string(PREFIX_ALLOWED),
        v.minBytes(1, PREFIX_ALLOWED),
        v.maxBytes(LIMITS.key, PREFIX_ALLOWED),
      ),
      n: v.exactOptional(REPLICATION),
      r: v.exactOptional(QUORUM_LEVEL),
      w: v.exactOptional(QUORUM_LEVEL),
      strict: v.exactOptional(v.boolean("true or false")),
      timeoutMs: v.exactOptional(TIMEOUT_MS),
      conflicts: v.exactOptional(v.picklist(["siblings", "lww"], "siblings or lww")),
      ttlMs: v.exactOptional(integerBetween(1, LIMITS.ttlMsMax)),
      compress: v.exactOptional(v.boolean("true or false")),
    }, "an object with a prefix"),
    "a list of namespaces",
  ),
);

/** What a single node and every node of a local cluster have in common. */
const SHARED_SETTINGS = {
  cluster: textSetting("name", PLAIN_NAME, {
    help: "name of the cluster; nodes of another one are refused",
    defaultText: "denamo",
  }),
  partitions: numberSetting("count", PARTITIONS, {
    help: "partitions of a first layout, a power of two",
    defaultText: "1024",
  }),
  replication: numberSetting("count", REPLICATION, {
    help: "copies of each key in a first layout",
    defaultText: "3",
  }),
  r: levelSetting({
    help: "owners that must answer a read: one, quorum, all or a number",
    defaultText: "quorum",
  }),
  w: levelSetting({
    help: "owners that must have a write on disk: one, quorum, all or a number",
    defaultText: "quorum",
  }),
  strict: booleanSetting({ help: "count owners only, never their stand-ins" }),
  timeoutMs: numberSetting("ms", TIMEOUT_MS, {
    help: "when a request is given up",
    defaultText: "5000",
  }),
  namespaces: {
    schema: NAMESPACES,
    help: "key prefixes with settings of their own",
  } satisfies Setting<v.InferOutput<typeof NAMESPACES>>,
  maxClockSkewMs: numberSetting("ms", integerBetween(10, 3_600_000), {
    help: "how far the clock may be from the peers' before the node stops coordinating",
    defaultText: "1000",
  }),
  heartbeatMs: numberSetting("ms", integerBetween(50, 60_000), {
    help: "pause between two heartbeats",
    defaultText: "1000",
  }),
  forgetAfterMs: numberSetting("ms", integerBetween(LIMITS.timeoutMsMax, 31_536_000_000), {
    help: "how long what was deleted is remembered at the least",
    defaultText: "600000",
  }),
  maxAbsenceMs: numberSetting("ms", integerBetween(60_000, 31_536_000_000), {
    help: "after how long a node that is down comes back with empty copies",
    defaultText: "259200000",
  }),
  cacheBytes: numberSetting("bytes", integerBetween(0, 2 ** 40), {
    help: "memory for decoded objects",
  }),
  maxClients: numberSetting("count", integerBetween(1, 1_000_000), {
    help: "connections of clients at once; fewer where the system grants fewer open files",
    defaultText: "4096",
  }),
  clientMemoryBytes: numberSetting("bytes", integerBetween(2 ** 20, 2 ** 40), {
    help: "memory for half requests and answers not taken, of all clients together",
    defaultText: "268435456",
  }),
  setAsideDamaged: booleanSetting({
    help: "set a damaged store aside and start empty, even if others may have no copies",
  }),
  logJson: booleanSetting({ help: "log one JSON object per line" }),
} as const satisfies Settings;

const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

export type LogLevel = typeof LOG_LEVELS[number];

/** The settings of `denamo node`. */
export const NODE_SETTINGS = {
  name: textSetting("name", PLAIN_NAME, { help: "name of this node, unique in the cluster" }),
  data: textSetting("directory", PATH, {
    help: "where the node keeps everything",
    defaultText: "./data/NAME",
  }),
  listen: listSetting("multiaddr", TCP_MULTIADDR, {
    help: "where peers connect to; may be repeated",
    defaultText: "/ip4/127.0.0.1/tcp/0",
  }),
  announce: listSetting("multiaddr", TCP_MULTIADDR, {
    help: "addresses to tell peers instead of those listened on; may be repeated",
  }),
  join: listSetting("multiaddr", TCP_MULTIADDR, {
    help: "address of another node, with or without /p2p/ID; may be repeated",
  }),
  http: textSetting("host:port", DOOR_ADDRESS, { help: "where HTTP is served; else it is not" }),
  resp: textSetting("host:port", DOOR_ADDRESS, {
    help: "where the Redis protocol is served; else it is not",
  }),
  zone: textSetting("dc/rack", ZONE, {
    help: "where the node stands, as datacentre or datacentre/rack",
    defaultText: "dc1/rack1",
  }),
  weight: numberSetting(
    "number",
    v.pipe(
      v.number(WEIGHT_ALLOWED),
      v.minValue(0.1, WEIGHT_ALLOWED),
      v.maxValue(100, WEIGHT_ALLOWED),
    ),
    { help: "share of the data, compared with the other nodes", defaultText: "1" },
  ),
  ...SHARED_SETTINGS,
  logLevel: choiceSetting(LOG_LEVELS, {
    help: "debug, info, warning or error",
    defaultText: "info",
  }),
} as const satisfies Settings;

/** The settings of `denamo cluster`. */
export const CLUSTER_SETTINGS = {
  nodes: numberSetting("count", integerBetween(1, 64), {
    help: "how many nodes",
    defaultText: "3",
  }),
  data: textSetting("directory", PATH, {
    help: "where node k keeps everything, in a directory nK",
    defaultText: "./data",
  }),
  portBase: numberSetting("port", integerBetween(1_024, 65_000), {
    help: "node k listens on port P+k for peers, P+100+k for Redis clients, P+200+k for HTTP",
    defaultText: "7100",
  }),
  ...SHARED_SETTINGS,
  logLevel: choiceSetting(LOG_LEVELS, {
    help: "debug, info, warning or error",
    defaultText: "warning",
  }),
} as const satisfies Settings;

export type NodeValues = Values<typeof NODE_SETTINGS>;
export type ClusterValues = Values<typeof CLUSTER_SETTINGS>;
