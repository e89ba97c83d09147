// Contexts as clients carry them, at the node that takes a request: sealed on the way out, looked at on the way in.
//
// Behind this nothing knows of tokens. A token is made when somebody asks for it, so whoever does not want one does
// not pay for its seal.

import { MalformedError } from "../base/malformed.ts";
import type { Context } from "../causality/context.ts";
import {
  openAtLeast,
  openContext,
  sealAtLeast,
  sealContext,
  separateTokens,
} from "../causality/context_token.ts";
import type { SealKey } from "../causality/seal_key.ts";
import type { ClientAnswer } from "../coordinator/requests.ts";
import { DenamoError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";

/** The keys that tokens are sealed with. */
export interface Seals {
  readonly sealing: SealKey;
  /** Whether there is one that others have as well. */
  readonly areShared: boolean;
  find(id: number): SealKey | undefined;
}

export class Tokens {
  readonly #seals: Seals;

  constructor(seals: Seals) {
    this.#seals = seals;
  }

  /** The token with which a write replaces what a context covers. */
  ofContext(key: Uint8Array, context: Context): string {
    return sealContext(key, context, this.#seals.sealing);
  }

  /** The tokens of what a write has left: see WriteResult in api.ts. */
  ofWrite(key: Uint8Array, { isShown, seen }: Pick<ClientAnswer, "isShown" | "seen">) {
    const context = () => {
      const all = isShown ? seen() : undefined;
      return all === undefined ? undefined : this.ofContext(key, all);
    };
    const atLeast = () => {
      const all = seen();
      if (all === undefined || isShown) return context();
      return sealAtLeast(key, all, this.#seals.sealing);
    };
    return { context, atLeast };
  }

  /**
   * What the client of a write has seen.
   *
   * @throws {DenamoError} `bad_context`, or `not_ready` if this node cannot know yet
   */
  context(key: Uint8Array, token: string | undefined): Context | undefined {
    if (token === undefined) return undefined;
    return opened(token, () => openContext(key, token, (id) => this.#find(id)));
  }

  /**
   * What a read must have seen: what its tokens say, with commas between them.
   *
   * @throws {DenamoError} `bad_context`, or `not_ready` if this node cannot know yet
   */
  atLeast(key: Uint8Array, tokens: string | undefined): Context[] {
    if (tokens === undefined) return [];
    const most = LIMITS.contextsOfReadCount;
    const list = separateTokens(tokens);
    if (list.length > most) {
      throw new DenamoError("bad_context", "no", `There are more than ${most} contexts`);
    }
    return list.map((token) =>
      opened(token, () => openAtLeast(key, token, (id) => this.#find(id)))
    );
  }

  #find(id: number): SealKey | undefined {
    const key = this.#seals.find(id);
    if (key !== undefined || this.#seals.areShared) return key;
    throw new DenamoError("not_ready", "no", "The node has no key to open contexts with yet");
  }
}

function opened(token: string, open: () => Context): Context {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    const details = { limit: LIMITS.contextToken, size: token.length };
    const isTooLong = token.length > LIMITS.contextToken;
    throw new DenamoError("bad_context", "no", error.message, isTooLong ? details : {});
  }
}
