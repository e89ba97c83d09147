// What a redis-server has answered to the commands of the comparison, kept beside the tests.
//
// A machine without Redis can then compare as well: commands follow from their seeds, so only replies are kept, with a
// digest of the commands that they answer. Where there is a redis-server the recording itself is
// compared with it (tests/tools/). `deno run -A scripts/record_redis.ts` writes it anew.

import { utf8 } from "../../src/base/bytes.ts";
import { hash64Hex } from "../../src/base/hash.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { encoded, readReply } from "../doors/resp/raw_client.ts";
import { COMMAND_SESSIONS, EMPTY_KEY_SESSION } from "./command_sessions.ts";
import { randomCommand, type Replier } from "./difference.ts";
import { TRANSACTION_SESSIONS } from "./transaction_sessions.ts";

/** A series of commands to one server. */
export interface Session {
  readonly name: string;
  readonly commands: readonly (readonly string[])[];
  /** The version of the protocol: 2 unless given. */
  readonly protocol?: 2 | 3;
}

/** Sessions that begin with an empty server each. */
export const NODE_SESSIONS: readonly Session[] = [
  ...Array.from({ length: 50 }, (_, seed) => randomSession(seed)),
  ...COMMAND_SESSIONS,
];

function randomSession(seed: number): Session {
  const random = new SeededRandom(`difference ${seed}`);
  return {
    name: `node ${seed}`,
    commands: Array.from({ length: 300 }, () => randomCommand(random)),
  };
}

export { TRANSACTION_SESSIONS };

/** Sessions with keys of their own, for a cluster, which is not emptied between them. */
export const CLUSTER_SESSIONS: readonly Session[] = [
  EMPTY_KEY_SESSION,
  ...Array.from({ length: 6 }, (_, seed) => randomClusterSession(seed)),
];

function randomClusterSession(seed: number): Session {
  const random = new SeededRandom(`cluster difference ${seed}`);
  const command = () => randomCommand(random, (key) => `${seed}:${key}`);
  return { name: `cluster ${seed}`, commands: Array.from({ length: 250 }, command) };
}

/** All of them. */
export const SESSIONS: readonly Session[] = [
  ...NODE_SESSIONS,
  ...TRANSACTION_SESSIONS,
  ...CLUSTER_SESSIONS,
];

interface RecordedSession {
  /** Of the commands, as they are sent. */
  readonly digest: string;
  /** Places in the list of all replies. */
  readonly replies: readonly number[];
}

interface RecordingFile {
  readonly version: 1;
  /** The release of the server that answered. */
  readonly redis: string;
  /** Each once; each byte of a reply is one character. */
  readonly replies: readonly string[];
  readonly sessions: Record<string, RecordedSession>;
}

const FILE = new URL("recorded_replies.json", import.meta.url);

/** The replies that were recorded. */
export class Recording {
  readonly #file: RecordingFile;

  private constructor(file: RecordingFile) {
    this.#file = file;
  }

  static async read(): Promise<Recording> {
    const file: RecordingFile = JSON.parse(await Deno.readTextFile(FILE));
    if (file.version !== 1) {
      throw new Error(`Version ${file.version} of ${FILE.pathname} is not known`);
    }
    return new Recording(file);
  }

  static async write(
    redis: string,
    replies: ReadonlyMap<Session, readonly Uint8Array[]>,
  ): Promise<void> {
    const places = new Map<string, number>();
    const placeOf = (reply: Uint8Array) => {
      const characters = charactersOf(reply);
      const place = places.get(characters) ?? places.size;
      places.set(characters, place);
      return place;
    };
    const sessions: Record<string, RecordedSession> = {};
    for (const [session, list] of replies) {
      sessions[session.name] = { digest: digestOf(session), replies: list.map(placeOf) };
    }
    const file: RecordingFile = { version: 1, redis, replies: [...places.keys()], sessions };
    await Deno.writeTextFile(FILE, JSON.stringify(file) + "\n");
  }

  /**
   * The replies to a session, one after the other.
   *
   * @throws {Error} if other commands were recorded
   */
  play(session: Session): Replier {
    const recorded = this.#file.sessions[session.name];
    if (recorded?.digest !== digestOf(session)) {
      throw new Error(`The commands of "${session.name}" have changed: record them anew`);
    }
    let at = 0;
    return {
      send: async () => {},
      // deno-lint-ignore require-await -- a live server needs time
      wholeReply: async () => {
        const bytes = bytesOf(this.#file.replies[recorded.replies[at++]!]!);
        return { reply: readReply(bytes, 0)!.reply, bytes };
      },
    };
  }
}

/** Makes a server ready for a session. Its keys are not touched. */
export async function begin({ protocol = 2 }: Session, server: Replier): Promise<void> {
  await server.send(encoded(["RESET"]));
  await server.wholeReply();
  await server.send(encoded(["HELLO", `${protocol}`]));
  await server.wholeReply();
}

/** Sends the commands of a session to a server; resolves with what it has answered. */
export async function repliesTo(session: Session, server: Replier): Promise<Uint8Array[]> {
  const replies: Uint8Array[] = [];
  for (const command of session.commands) {
    await server.send(encoded(command));
    replies.push((await server.wholeReply()).bytes.slice());
  }
  return replies;
}

/** What of a list of commands is shown when one of them was answered wrongly. */
export function storyOf(commands: readonly (readonly string[])[], until: number): string {
  const told = commands.slice(Math.max(0, until - 24), until + 1);
  return told.map((command) => command.map((word) => JSON.stringify(word)).join(" ")).join("\n");
}

function digestOf({ commands }: Session): string {
  return hash64Hex(utf8(JSON.stringify(commands)));
}

function charactersOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function bytesOf(characters: string): Uint8Array {
  return Uint8Array.from(characters, (character) => character.charCodeAt(0));
}
