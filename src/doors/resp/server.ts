// The RESP door: a listening socket and the sessions that came through it.

import { utf8 } from "../../base/bytes.ts";
import type { NodeApi } from "../../node/api.ts";
import type { Log } from "../../ports/log.ts";
import { DenamoError, messageOf } from "../../wire/errors.ts";
import { CommandTable, type DoorView } from "./command.ts";
import { CONNECTION_COMMANDS } from "./connection_commands.ts";
import { COUNTER_COMMANDS } from "./counter_commands.ts";
import { DENAMO_COMMANDS } from "./denamo_commands.ts";
import { HASH_COMMANDS } from "./hash_commands.ts";
import { HYPERLOGLOG_COMMANDS } from "./hyperloglog_commands.ts";
import { KEY_COMMANDS } from "./key_commands.ts";
import { REFUSED_COMMANDS } from "./refused_commands.ts";
import { RESP_LIMITS } from "./resp_limits.ts";
import { SCAN_COMMANDS } from "./scan_commands.ts";
import { SERVER_COMMANDS } from "./server_commands.ts";
import { Session } from "./session.ts";
import { SET_COMMANDS } from "./set_commands.ts";
import { STRING_COMMANDS } from "./string_commands.ts";

export interface RespDoorOptions {
  readonly api: NodeApi;
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly log: Log;
  readonly maxConnections?: number | undefined;
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
    ...COUNTER_COMMANDS,
    ...SET_COMMANDS,
    ...HASH_COMMANDS,
    ...HYPERLOGLOG_COMMANDS,
    ...KEY_COMMANDS,
    ...SCAN_COMMANDS,
    ...DENAMO_COMMANDS,
    ...CONNECTION_COMMANDS,
    ...SERVER_COMMANDS,
  ],
  REFUSED_COMMANDS,
);

const TOO_MANY_CLIENTS = utf8("-ERR max number of clients reached\r\n");
const STUCK_CHECK_INTERVAL_MS = 5_000;
const ACCEPT_PAUSE_MS = 100;

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
  readonly #api: NodeApi;
  readonly #log: Log;
  readonly #listener: Deno.TcpListener;
  readonly #sessions = new Map<number, Session>();
  readonly #ended = new Set<Promise<void>>();
  readonly #view: DoorView;
  readonly #stuckCheck: ReturnType<typeof setInterval>;
  readonly #accepting: Promise<void>;
  #nextId = 1;
  #stopped: Promise<void> | undefined;

  constructor({ api, hostname, port, log, maxConnections }: RespDoorOptions) {
    this.#api = api;
    this.#log = log;
    this.#listener = listen(hostname, port);
    this.hostname = this.#listener.addr.hostname;
    this.port = this.#listener.addr.port;
    this.#view = {
      commands: COMMANDS,
      port: this.port,
      maxConnections: maxConnections ?? RESP_LIMITS.connectionCount,
      clients: () => this.#sessions.values(),
      counts: { commands: 0, connections: 0, refusedConnections: 0 },
    };
    this.#stuckCheck = setInterval(() => {
      const nowMs = performance.now();
      for (const session of this.#sessions.values()) session.endIfStuck(nowMs);
    }, STUCK_CHECK_INTERVAL_MS);
    this.#accepting = this.#accept();
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

  async #accept(): Promise<void> {
    while (this.#stopped === undefined) {
      try {
        this.#admit(await this.#listener.accept());
      } catch (error) {
        if (this.#stopped !== undefined) return;
        // Out of file descriptors, most likely, or a client that left at once: others may be luckier.
        this.#log.warn("Cannot accept a RESP connection", { problem: messageOf(error) });
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
  }

  #admit(connection: Deno.TcpConn): void {
    const { counts, maxConnections } = this.#view;
    if (this.#sessions.size >= maxConnections) {
      counts.refusedConnections++;
      this.#log.warn("Too many RESP connections: one is refused", { limit: maxConnections });
      this.#track(this.#refuse(connection));
      return;
    }
    counts.connections++;
    const session = new Session(this.#nextId++, connection, this.#api, this.#view, this.#log);
    this.#sessions.set(session.id, session);
    this.#track(session.run().finally(() => this.#sessions.delete(session.id)));
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
