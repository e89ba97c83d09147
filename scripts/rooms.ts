// The rooms of src/ and the import law: who may import whom.
//
// A room imports only rooms above it in one list, so the house has no circles, and whoever reads a room
// knows that nothing below can matter to it. The rooms down to `node` hold what a simulator must be able
// to run: there time, chance, disk and network come in as arguments, and packages are few.

/** The rooms, each of which may import those before it. */
export const ROOMS = [
  "base",
  "ports",
  "causality",
  "crdt",
  "ring",
  "wire",
  "storage",
  "membership",
  "replica",
  "coordinator",
  "node",
  "host",
  "doors",
  "client",
  "cli",
] as const;

export type Room = typeof ROOMS[number];

/** Where a file is: in a room, or directly in src/ (`room` is undefined). */
export interface Place {
  readonly room: Room | undefined;
  /** The path below src/, with slashes. */
  readonly path: string;
}

/** The place of a file by its path from the root of the project; undefined if it is not in src/. */
export function placeOf(path: string): Place | undefined {
  if (!path.startsWith("src/")) return undefined;
  const below = path.slice("src/".length);
  const first = below.split("/")[0]!;
  return { room: ROOMS.find((room) => room === first && below !== first), path: below };
}

/** Whether a file must run unchanged in the simulator: it is in a room above `host`. */
export function isPure(place: Place): boolean {
  return place.room !== undefined && ROOMS.indexOf(place.room) < ROOMS.indexOf("host");
}

/**
 * What is wrong with an import, as a sentence; undefined if nothing is.
 *
 * @param path of the importing file, from the root of the project
 * @param specifier as it stands in the file
 */
export function importProblem(path: string, specifier: string): string | undefined {
  const from = placeOf(path);
  if (from === undefined) return undefined;
  if (from.room === undefined && !JOINING_FILES.includes(from.path)) {
    return `File src/${from.path} is in no room; the rooms are ${ROOMS.join(", ")}`;
  }
  if (!specifier.startsWith(".")) return packageProblem(from, specifier);
  const target = resolve(path, specifier);
  if (target === PROJECT_FILE) return undefined;
  const to = placeOf(target);
  if (to === undefined) {
    return `Files of src/ import nothing from outside of it, and ${target} is outside`;
  }
  if (from.room === undefined || from.room === to.room) return undefined;
  if (to.room === undefined) {
    const isAllowed = from.room === "cli" && to.path === "mod.ts";
    return isAllowed
      ? undefined
      : `Room ${from.room}/ may not import src/${to.path}; only cli/ may, mod.ts`;
  }
  return roomProblem(from.room, to.room, to.path);
}

/** Packages that the rooms above `host` may import: they compute, and touch nothing. */
const PURE_PACKAGES = ["@msgpack/msgpack", "@noble/hashes", "valibot", "xxhash-wasm"];

/** The files that put node and host together. */
const JOINING_FILES = ["mod.ts", "start_node.ts"];

const PROJECT_FILE = "deno.json";

/** Through these, and nothing else, a room below `host` reaches a node. */
const REACH: Readonly<Record<"doors" | "client" | "cli", readonly string[]>> = {
  doors: ["base/", "ports/", "wire/", "crdt/value.ts", "node/api.ts"],
  client: [
    "base/",
    "ports/",
    "wire/",
    "causality/context_token.ts",
    "causality/version_vector.ts",
    "crdt/value.ts",
    "node/api.ts",
  ],
  cli: ["base/", "ports/", "wire/", "crdt/value.ts", "node/api.ts", "host/", "client/"],
};

function packageProblem(from: Place, specifier: string): string | undefined {
  const name = specifier.replace(/^npm:/, "");
  const isNetwork = /^(@libp2p|@chainsafe|@multiformats|libp2p|it-)/.test(name);
  if (isNetwork && from.room !== "host") {
    return `Only host/ may import "${specifier}"; use the network of ports/network.ts`;
  }
  if (!isPure(from)) return undefined;
  const isAllowed = PURE_PACKAGES.some((allowed) =>
    name === allowed || name.startsWith(`${allowed}/`)
  );
  if (isAllowed) return undefined;
  return `Room ${from.room}/ may not import "${specifier}": above host/ only ` +
    `${PURE_PACKAGES.join(", ")}; what touches the machine comes in through ports/`;
}

function roomProblem(from: Room, to: Room, target: string): string | undefined {
  if (from === "doors" || from === "client" || from === "cli") {
    const reach = REACH[from];
    if (reach.some((part) => part.endsWith("/") ? target.startsWith(part) : target === part)) {
      return undefined;
    }
    return `Room ${from}/ may not import ${target}: it reaches a node through ${
      reach.join(", ")
    } only`;
  }
  if (ROOMS.indexOf(to) < ROOMS.indexOf(from)) return undefined;
  return `Room ${from}/ may not import ${to}/, which is below it: a room imports only those above it`;
}

/** The path from the root of the project that a relative specifier stands for. */
function resolve(path: string, specifier: string): string {
  const parts = path.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
