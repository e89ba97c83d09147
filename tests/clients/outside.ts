// Three real nodes, and programs in other languages that use them with clients of their own.

import assert from "node:assert/strict";
import { type LocalNodes, startLocalNodes } from "../hostile/local_nodes.ts";

const HERE = new URL("./", import.meta.url);

/** Far above what any of them takes. */
const DEADLINE_MS = 120_000;

/** A directory that goes with what was installed in it. */
export class Workplace implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Workplace> {
    return new Workplace(await Deno.makeTempDir({ prefix: "denamo-client-" }));
  }

  /** Copies a script of this directory beside what is installed. */
  async copy(script: string): Promise<void> {
    const name = script.slice(script.lastIndexOf("/") + 1);
    await Deno.copyFile(new URL(script, HERE), `${this.path}/${name}`);
  }

  /**
   * Runs a program to its end.
   *
   * @throws with all that it has printed if it fails, or if it is missing
   */
  async run(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    let output;
    try {
      output = await new Deno.Command(program, {
        args: [...args],
        cwd: this.path,
        env: { ...env },
        stdin: "null",
        signal: AbortSignal.timeout(DEADLINE_MS),
      }).output();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new Error(`${program} is missing: install it`, { cause: error });
    }
    const { code, stdout, stderr } = output;
    const decoder = new TextDecoder();
    assert.equal(
      code,
      0,
      `${program} ${args.join(" ")} has failed:\n${decoder.decode(stdout)}${
        decoder.decode(stderr)
      }`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** How programs are told where the nodes take RESP: three addresses with spaces between them. */
export function nodesIn({ addresses }: LocalNodes): Record<string, string> {
  return { NODES: addresses.resp.join(" ") };
}

/**
 * Starts three nodes while clients are being installed, and has each client at them, one after the other.
 *
 * @param clients by name: installs something, and gives back what uses it
 */
export async function withClients(
  t: Deno.TestContext,
  clients: Readonly<
    Record<string, (place: Workplace) => Promise<(nodes: LocalNodes) => Promise<void>>>
  >,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const [nodes, ...installed] = await Promise.all([
    startLocalNodes().then((nodes) => stack.use(nodes)),
    ...Object.entries(clients).map(async ([name, install]) => {
      const place = stack.use(await Workplace.make());
      return { name, use: await install(place) };
    }),
  ]);
  for (const { name, use } of installed) {
    await t.step(name, () => use(nodes));
  }
}
