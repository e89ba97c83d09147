// Machines that share a switch: network namespaces of Linux, each with an address of its own.
//
// Whoever makes them must be root and have `ip` of iproute2. They touch nothing of the machine's own network, and are
// removed at the end; those that a killed test has left behind are removed by the next.

import assert from "node:assert/strict";
import { isAlive } from "../cluster/processes.ts";

/** Reserved for examples, and so not the address of anything that a test could hit by mistake. */
const SUBNET = "192.0.2";
const PREFIX = "denamo-";
/** An address that no card on the switch has: what is sent there is lost without a word. */
const NOBODY = "02:00:00:00:00:01";

export class SwitchedNetwork implements AsyncDisposable {
  readonly #name = `${PREFIX}${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
  readonly #spaces: string[] = [];
  #portCount = 0;

  static async make(): Promise<SwitchedNetwork> {
    await removeLeftBehind();
    const network = new SwitchedNetwork();
    try {
      await network.#add(network.#switch);
      await ip("-n", network.#switch, "link", "add", "switch", "type", "bridge");
      await ip("-n", network.#switch, "link", "set", "switch", "up");
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The address of a machine. @param host from 1 to 254 */
  static address(host: number): string {
    return `${SUBNET}.${host}`;
  }

  /** Puts a machine on the switch. */
  async plug(machine: string, host: number): Promise<void> {
    const space = await this.#add(this.#space(machine));
    const port = `port${this.#portCount++}`;
    await ip("-n", space, "link", "set", "lo", "up");
    await ip(
      ...["-n", space, "link", "add", "eth0", "type", "veth"],
      ...["peer", "name", port, "netns", this.#switch],
    );
    await ip("-n", this.#switch, "link", "set", port, "master", "switch", "up");
    await ip("-n", space, "addr", "add", `${SwitchedNetwork.address(host)}/24`, "dev", "eth0");
    await ip("-n", space, "link", "set", "eth0", "up");
  }

  /** Gives a machine another address in place of the one that it has. */
  async readdress(machine: string, host: number): Promise<void> {
    const space = this.#space(machine);
    await ip("-n", space, "addr", "flush", "dev", "eth0");
    await ip("-n", space, "addr", "add", `${SwitchedNetwork.address(host)}/24`, "dev", "eth0");
  }

  /** Sends what goes from a machine to others nowhere, as a cut cable does: nobody is told. */
  async loseFrom(machine: string, hosts: readonly number[]): Promise<void> {
    for (const host of hosts) {
      await ip(
        ...["-n", this.#space(machine), "neigh", "replace", SwitchedNetwork.address(host)],
        ...["lladdr", NOBODY, "nud", "permanent", "dev", "eth0"],
      );
    }
  }

  /** Takes {@linkcode SwitchedNetwork.loseFrom} back. */
  async findAgain(machine: string, hosts: readonly number[]): Promise<void> {
    const space = this.#space(machine);
    for (const host of hosts) {
      await ip("-n", space, "neigh", "del", SwitchedNetwork.address(host), "dev", "eth0");
    }
  }

  /** Says on a machine what names mean there; programs that run see it too. */
  async setHosts(machine: string, hosts: Readonly<Record<string, number>>): Promise<void> {
    const directory = `/etc/netns/${this.#space(machine)}`;
    await Deno.mkdir(directory, { recursive: true });
    const lines = Object.entries(hosts).map(([name, host]) =>
      `${SwitchedNetwork.address(host)} ${name}\n`
    );
    // Written in place: the file is mounted over that of the machine when a program starts.
    await Deno.writeTextFile(`${directory}/hosts`, `127.0.0.1 localhost\n${lines.join("")}`);
  }

  /** What to put before a command so that it runs on a machine. */
  on(machine: string): string[] {
    return ["ip", "netns", "exec", this.#space(machine)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const space of this.#spaces.splice(0)) await remove(space);
  }

  get #switch(): string {
    return this.#space("switch");
  }

  #space(machine: string): string {
    return `${this.#name}-${machine}`;
  }

  async #add(space: string): Promise<string> {
    await ip("netns", "add", space);
    this.#spaces.push(space);
    return space;
  }
}

async function removeLeftBehind(): Promise<void> {
  const listed = (await ip("netns", "list")).split("\n");
  for (const line of listed) {
    const [, space, pid] = line.match(/^(denamo-(\d+)-\S+)/) ?? [];
    if (space === undefined || isAlive(Number(pid))) continue;
    await remove(space);
  }
}

async function remove(space: string): Promise<void> {
  await ip("netns", "del", space);
  try {
    await Deno.remove(`/etc/netns/${space}`, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function ip(...args: string[]): Promise<string> {
  let output;
  try {
    output = await new Deno.Command("ip", { args }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("ip is missing: install the package iproute2", { cause: error });
  }
  const decoder = new TextDecoder();
  const problem = decoder.decode(output.stderr);
  assert.ok(output.success, `ip ${args.join(" ")}: ${problem} (this takes root)`);
  return decoder.decode(output.stdout);
}
