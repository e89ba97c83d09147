// The memory that all clients of a node take together, and who gives way when it is full.
//
// A limit per connection bounds nothing: three hundred connections with half a command each, every one of them
// within its own limit, take gigabytes. So all that a client makes a door hold is counted in one place: the part
// of a command or body that has come, what a running command gathers, replies that the client has not taken.
//
// When the limit would be passed, those that hold most give way, and of equals the one that is there longest: a
// client with a small request is never closed because others are greedy. If the one that asks would hold more than
// anybody else, it is the one that is refused.
//
// What every connection has from its beginning (its buffers) is not counted here: the number of connections
// bounds that.
//
// Source: the idea is Redis 7's, "Client eviction" (maxmemory-clients).

import { assert } from "../base/assert.ts";

/** What one connection holds. */
export interface MemoryAccount {
  readonly heldBytes: number;
  /**
   * While true, the connection is not asked to give way: closing it would free nothing, because a running command
   * uses what it holds.
   */
  isPinned: boolean;
  /**
   * Says how much the connection holds from now on. Less than before is always granted.
   *
   * @returns false if there is no room: then the account holds what it held before
   */
  hold(bytes: number): boolean;
  /** Gives everything back; later calls of `hold` change nothing. May be called again. */
  close(): void;
}

export class ClientMemory {
  readonly limitBytes: number;
  #heldBytes = 0;
  #evictedCount = 0;
  #refusedCount = 0;
  readonly #accounts = new Set<Account>();

  constructor(limitBytes: number) {
    assert(limitBytes > 0, "The memory for clients has a limit above nothing");
    this.limitBytes = limitBytes;
  }

  /** What all accounts hold together. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** How many connections had to give way to others. */
  get evictedCount(): number {
    return this.#evictedCount;
  }

  /** How often there was no room for the one that asked. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /**
   * An account for one connection.
   *
   * @param giveWay called at most once, when the connection must let go of everything that it holds
   */
  open(giveWay: () => void): MemoryAccount {
    const account = new Account(this, giveWay);
    this.#accounts.add(account);
    return account;
  }

  /** @ignore Called by accounts. */
  change(account: Account, bytes: number): boolean {
    const more = bytes - account.heldBytes;
    if (more > 0 && this.#heldBytes + more > this.limitBytes && !this.#makeRoom(account, bytes)) {
      this.#refusedCount++;
      return false;
    }
    this.#heldBytes += more;
    return true;
  }

  /** @ignore Called by accounts. */
  remove(account: Account): void {
    this.#heldBytes -= account.heldBytes;
    this.#accounts.delete(account);
  }

  /** Lets greedier connections give way until `asking` can hold `bytes`; false if there are not enough. */
  #makeRoom(asking: Account, bytes: number): boolean {
    while (this.#heldBytes - asking.heldBytes + bytes > this.limitBytes) {
      const greediest = this.#greedierThan(asking, bytes);
      if (greediest === undefined) return false;
      this.#evictedCount++;
      greediest.evict();
    }
    return true;
  }

  /** The account that holds most, and at least `bytes`. Each search ends a connection, so it may be slow. */
  #greedierThan(asking: Account, bytes: number): Account | undefined {
    let greediest: Account | undefined;
    let mostBytes = bytes - 1;
    for (const account of this.#accounts) {
      if (account === asking || account.isPinned || account.heldBytes <= mostBytes) continue;
      greediest = account;
      mostBytes = account.heldBytes;
    }
    return greediest;
  }
}

class Account implements MemoryAccount {
  isPinned = false;
  readonly #memory: ClientMemory;
  readonly #giveWay: () => void;
  #heldBytes = 0;
  #isOpen = true;

  constructor(memory: ClientMemory, giveWay: () => void) {
    this.#memory = memory;
    this.#giveWay = giveWay;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  hold(bytes: number): boolean {
    if (bytes === this.#heldBytes) return true;
    if (!this.#isOpen || !this.#memory.change(this, bytes)) return false;
    this.#heldBytes = bytes;
    return true;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#memory.remove(this);
    this.#heldBytes = 0;
  }

  evict(): void {
    this.close();
    this.#giveWay();
  }
}
