// The RESP door: a listening socket and the sessions that came through it.

import { utf8 } from "../../base/bytes.ts";
import type { NodeApi } from "../../node/api.ts";
import type { Log } from "../../ports/log.ts";
import { DenamoError, messageOf } from "../../wire/errors.ts";
import { acceptConnections } from "../accepting.ts";
import { CLIENT_DEFAULTS } from "../client_defaults.ts";
import { ClientMemory } from "../client_memory.ts";
import { ClientSlots } from "../client_slots.ts";
import { Seldom } from "../seldom.ts";
import { CommandTable, type DoorTimes, type DoorView } from "./command.ts";
import { CommandStats } from "./command_stats.ts";
import { CONNECTION_COMMANDS } from "./connection_commands.ts";
import { COPY_COMMANDS } from "./copy_command.ts";
import { COUNTER_COMMANDS } from "./counter_commands.ts";
import { Databases } from "./databases.ts";
import { DENAMO_COMMANDS } from "./denamo_commands.ts";
import { FLUSH_COMMANDS } from "./flush_commands.ts";
import { GETEX_COMMANDS } from "./getex_command.ts";
import { HASH_COMMANDS } from "./hash_commands.ts";
import { HYPERLOGLOG_COMMANDS } from "./hyperloglog_commands.ts";
import { INSIGHT_COMMANDS } from "./insight_commands.ts";
import { KEY_COMMANDS } from "./key_commands.ts";
import { LCS_COMMANDS } from "./lcs_command.ts";
import { OBJECT_COMMANDS } from "./object_commands.ts";
import { REFUSED_COMMANDS } from "./refused_commands.ts";
import { RESP_LIMITS } from "./resp_limits.ts";
import { SCAN_COMMANDS } from "./scan_commands.ts";
import { SERVER_COMMANDS } from "./server_commands.ts";
import { Session } from "./session.ts";
import { SET_STORE_COMMANDS } from "./set_store_commands.ts";
import { SET_COMMANDS } from "./set_commands.ts";
import { STRING_COMMANDS } from "./string_commands.ts";
import { TRANSACTION_COMMANDS } from "./transaction_commands.ts";

export interface RespDoorOptions {
  readonly api: NodeApi;
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly log: Log;
  /** Connections and memory that all doors of a node share; without them the door has some of its own. */
  readonly slots?: ClientSlots | undefined;
  readonly memory?: ClientMemory | undefined;
  /** For tests, which do not wait so long. */
  readonly times?: DoorTimes | undefined;
}

export interface RespDoor {
  readonly hostname: string;
  readonly port: number;
  /** How many connections are open. */
  connections(): number;
  /**
   * Takes no more connections, lets commands under way end and answer (for at most two seconds), and
   * resolves when every connection is closed. May be called again.
   */
  stop(): Promise<void>;
}

const COMMANDS = new CommandTable(
  [
    ...STRING_COMMANDS,
    ...GETEX_COMMANDS,
    ...LCS_COMMANDS,
    ...COUNTER_COMMANDS,
    ...SET_COMMANDS,
    ...SET_STORE_COMMANDS,
    ...HASH_COMMANDS,
    ...HYPERLOGLOG_COMMANDS,
    ...KEY_COMMANDS,
    ...COPY_COMMANDS,
    ...OBJECT_COMMANDS,
    ...SCAN_COMMANDS,
    ...FLUSH_COMMANDS,
    ...TRANSACTION_COMMANDS,
    ...DENAMO_COMMANDS,
    ...CONNECTION_COMMANDS,
    ...SERVER_COMMANDS,
    ...INSIGHT_COMMANDS,
  ],
  REFUSED_COMMANDS,
);

const TOO_MANY_CLIENTS = utf8("-ERR max number of clients reached\r\n");
const STUCK_CHECK_INTERVAL_MS = 1_000;

/** So many connections are left for HTTP, by which operators look at a node, however many clients there are. */
const SPARE_SLOTS_COUNT = 16;

/**
 * Opens the door.
 *
 * @throws {DenamoError} `bad_request` if the address cannot be listened on
 */
// deno-lint-ignore require-await -- a bad address rejects, as a caller of an opening door expects
export async function startRespDoor(options: RespDoorOptions): Promise<RespDoor> {
  return new Door(options);
}

class Door implements RespDoor {
  readonly hostname: string;
  readonly port: number;
  readonly #log: Log;
  readonly #listener: Deno.TcpListener;
  readonly #sessions = new Map<number, Session>();
  readonly #ended = new Set<Promise<void>>();
  readonly #view: DoorView;
  readonly #stuckCheck: ReturnType<typeof setInterval>;
  readonly #accepting: Promise<void>;
  readonly #refusals = new Seldom();
  #nextId = 1;
  #stopped: Promise<void> | undefined;

  constructor({ api, hostname, port, log, slots, memory, times }: RespDoorOptions) {
    this.#log = log;
    this.#listener = listen(hostname, port);
    this.hostname = this.#listener.addr.hostname;
    this.port = this.#listener.addr.port;
    this.#view = {
      commands: COMMANDS,
      databases: new Databases(api),
      port: this.port,
      slots: slots ?? new ClientSlots(CLIENT_DEFAULTS.maxClients),
      memory: memory ?? new ClientMemory(CLIENT_DEFAULTS.memoryBytes),
      times: times ?? RESP_LIMITS,
      clients: () => this.#sessions.values(),
      counts: { commands: 0, connections: 0, refusedConnections: 0, stuckConnections: 0 },
      stats: new CommandStats(),
    };
    this.#stuckCheck = setInterval(() => {
      const nowMs = performance.now();
      this.#view.stats.sample(nowMs, this.#view.counts.commands);
      for (const session of this.#sessions.values()) session.endIfStuck(nowMs);
    }, STUCK_CHECK_INTERVAL_MS);
    this.#accepting = acceptConnections(
      this.#listener,
      (connection) => this.#admit(connection),
      {
        door: "RESP",
        log,
        isStopping: () => this.#stopped !== undefined,
        makeRoom: () => this.#view.slots.makeRoom(),
      },
    );
  }

  connections(): number {
    return this.#sessions.size;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#stuckCheck);
    this.#listener.close();
    await this.#accepting;
    for (const session of this.#sessions.values()) session.stop();
    let timer;
    const deadline = new Promise((resolve) => timer = setTimeout(resolve, RESP_LIMITS.stopMs));
    await Promise.race([Promise.all(this.#ended), deadline]);
    clearTimeout(timer);
    // Commands that are still under way end by themselves; nobody hears of them.
    for (const session of this.#sessions.values()) session.end();
    this.#sessions.clear();
  }

  #admit(connection: Deno.TcpConn): void {
    const { counts, slots } = this.#view;
    if (!slots.take(SPARE_SLOTS_COUNT)) {
      counts.refusedConnections++;
      this.#refusals.do((count) =>
        this.#log.warn("Too many connections: RESP clients are refused", {
          limit: slots.limit,
          times: count,
        })
      );
      this.#track(this.#refuse(connection));
      return;
    }
    counts.connections++;
    const session = new Session(this.#nextId++, connection, this.#view, this.#log);
    this.#sessions.set(session.id, session);
    this.#track(
      session.run().finally(() => {
        this.#sessions.delete(session.id);
        slots.free();
      }),
    );
  }

  #track(ending: Promise<void>): void {
    this.#ended.add(ending);
    ending.finally(() => this.#ended.delete(ending));
  }

  async #refuse(connection: Deno.TcpConn): Promise<void> {
    try {
      await connection.write(TOO_MANY_CLIENTS);
    } catch (error) {
      this.#log.debug("A refused RESP client was gone", { problem: messageOf(error) });
    } finally {
      connection.close();
    }
  }
}

function listen(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    const problem = error instanceof Deno.errors.AddrInUse
      ? "the port is in use"
      : messageOf(error);
    throw new DenamoError(
      "bad_request",
      "no",
      `Cannot listen for RESP on ${hostname}:${port}: ${problem}`,
    );
  }
}
