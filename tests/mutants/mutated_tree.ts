// A copy of the tree with a mistake in it, for as long as somebody needs it.
//
// The copy holds what the simulator needs and nothing else. Packages come from the cache, and what is compiled
// for the copy is thrown away with it.

import { join } from "node:path";
import type { Edit } from "./mutant.ts";

/** What a program in a tree has said. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = new URL("../../", import.meta.url);
const COPIED = ["src", "scripts", "tests/sim", "tests/mutants", "deno.json", "deno.lock"];

export class MutatedTree implements Disposable {
  readonly directory: string;

  /** Copies the tree and makes the edits. @throws {Error} if an edit does not fit */
  constructor(edits: readonly Edit[]) {
    this.directory = Deno.makeTempDirSync({ prefix: "denamo_mutant_" });
    try {
      for (const path of COPIED) copy(new URL(path, ROOT), join(this.directory, path));
      for (const edit of edits) this.#make(edit);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Runs `deno` in the copy; an abort kills it. */
  async deno(args: readonly string[], signal?: AbortSignal): Promise<Ended> {
    const command = new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd: this.directory,
      env: { DENO_EMIT_CACHE_MODE: "disable", NO_COLOR: "1" },
      ...(signal === undefined ? {} : { signal }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stdout, stderr } = await command.output();
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  }

  /** Runs a program of the copy as it is, without a check of its types. */
  run(script: string, args: readonly string[], signal?: AbortSignal): Promise<Ended> {
    return this.deno(
      ["run", "-A", "--quiet", "--no-check", "--cached-only", script, ...args],
      signal,
    );
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.directory, { recursive: true });
  }

  #make(edit: Edit): void {
    const path = join(this.directory, edit.file);
    Deno.writeTextFileSync(path, edited(Deno.readTextFileSync(path), edit));
  }
}

/** A text after an edit. @throws {Error} if what the edit replaces is not there exactly once */
export function edited(text: string, { file, replace, by }: Edit): string {
  const at = text.indexOf(replace);
  if (at < 0) throw new Error(`${file} has nothing to replace: ${replace}`);
  if (text.indexOf(replace, at + 1) >= 0) throw new Error(`${file} has this twice: ${replace}`);
  return text.slice(0, at) + by + text.slice(at + replace.length);
}

/** A file as it is without any mistake. */
export function originalText(file: string): string {
  return Deno.readTextFileSync(new URL(file, ROOT));
}

function copy(from: URL, to: string): void {
  if (!Deno.statSync(from).isDirectory) return Deno.copyFileSync(from, to);
  Deno.mkdirSync(to, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) {
    copy(new URL(`${from.href}/${name}`), join(to, name));
  }
}
