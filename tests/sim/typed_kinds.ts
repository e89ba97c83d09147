// What is changed in simulated worlds of values that merge, besides counters and sets: for each kind its key, how a
// client changes it, and what the oracle says of what is there in the end.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { hash64 } from "../../src/base/hash.ts";
import type { Dot } from "../../src/causality/dot.ts";
import { hyperLogLog, registersIn } from "../../src/crdt/hyperloglog.ts";
import { entryOf, NO_REGISTERS } from "../../src/crdt/hyperloglog_registers.ts";
import type { NestedOperation } from "../../src/crdt/map.ts";
import { MergedValues } from "../../src/crdt/merged_values.ts";
import type { Dice } from "./dice.ts";
import type { DocumentAuthor } from "./document_author.ts";
import { wordsOf } from "./document_author.ts";
import type { Tried } from "./oracles/attempts.ts";
import { distinctProblem } from "./oracles/distinct_counts.ts";
import { documentProblems } from "./oracles/documents.ts";
import { extremeProblem } from "./oracles/extremes.ts";
import { presenceProblems } from "./oracles/presence.ts";
import { registerProblem } from "./oracles/registers.ts";

/** What has been tried with a key, and what it was to do. */
export interface TypedAttempt<Facts> extends Tried {
  /** The dots that were drawn for it. */
  readonly dots: readonly Dot[];
  readonly facts: Facts;
}

/** A change to be made; `count` numbers those of its author. */
interface Drawn<Facts> {
  readonly operation: NestedOperation;
  readonly facts: Facts;
}

/** Who changes something. */
export interface Author {
  readonly name: string;
  readonly dice: Dice;
  readonly document: DocumentAuthor;
}

export interface Kind<Facts> {
  readonly key: string;
  draw(author: Author, count: number): Drawn<Facts>;
  /** What is wrong with what an owner shows when all is healed; see `seesAll` in oracles/presence.ts. */
  problems(
    attempts: readonly TypedAttempt<Facts>[],
    merged: MergedValues,
    seesAll: boolean,
  ): string[];
}

interface Presence {
  readonly kind: "add" | "remove";
  readonly names: readonly string[];
}

const flag: Kind<Presence> = {
  key: "mf",
  draw({ dice }) {
    const kind = dice.happens(0.6) ? "add" : "remove";
    return { operation: toggle(kind), facts: { kind, names: ["mf"] } };
  },
  problems(attempts, merged, seesAll) {
    const present = merged.valueOf("flag") === true ? ["mf"] : [];
    return presenceProblems("Flag", presences(attempts), present, seesAll);
  },
};

const register: Kind<string> = {
  key: "mr",
  draw({ name }, count) {
    const value = `${name}.${count}`;
    const stored = { kind: "text", bytes: utf8(value) } as const;
    return {
      operation: { type: "register", operation: { kind: "set", value: stored } },
      facts: value,
    };
  },
  problems(attempts, merged) {
    const stored = merged.valueOf("register");
    const value = stored === undefined ? undefined : utf8Text(stored.bytes);
    const tried = attempts.map((attempt) => ({ ...attempt, value: attempt.facts }));
    return listOf(registerProblem("mr", tried, value));
  },
};

/** How far the numbers lie apart that are put into a maximum or minimum. */
const NUMBERS = 40;

function extreme(type: "max" | "min", key: string): Kind<number> {
  return {
    key,
    draw({ dice }) {
      const value = dice.below(NUMBERS) / 4 - 5;
      return { operation: { type, operation: { kind: "put", value } }, facts: value };
    },
    problems(attempts, merged) {
      const tried = attempts.map((attempt) => ({ ...attempt, value: attempt.facts }));
      return listOf(extremeProblem(type, tried, merged.valueOf(type)));
    },
  };
}

/** In one of so many registers elements may be, so that some share one. */
const EVERY_REGISTER = 64;

/** From how many elements some are counted. */
const VISITORS = 400;

let visitors: string[] | undefined;

/** Elements that meet in few registers. */
function visitor(number: number): string {
  if (visitors === undefined) {
    visitors = [];
    for (let i = 0; visitors.length < VISITORS; i++) {
      const register = Math.floor(entryOf(hash64(utf8(`v${i}`))) / 64);
      if (register % EVERY_REGISTER === 0) visitors.push(`v${i}`);
    }
  }
  return visitors[number]!;
}

const hyperloglog: Kind<readonly string[]> = {
  key: "mh",
  draw({ dice }) {
    const elements = Array.from({ length: 1 + dice.below(4) }, () => visitor(dice.below(VISITORS)));
    const type = "hyperloglog";
    const add = { kind: "add", elements: elements.map(utf8) } as const;
    if (!dice.happens(0.3)) return { operation: { type, operation: add }, facts: elements };
    // What another one has counted, as PFMERGE does.
    const other = hyperLogLog.apply(hyperLogLog.empty, add, { actor: "other", time: 1 });
    const registers = registersIn(other.store);
    const operation: NestedOperation = { type, operation: { kind: "merge", registers } };
    return { operation, facts: elements };
  },
  problems(attempts, merged) {
    const { operation } = MergedValues.mergeOfDistinct([merged]);
    const registers = "registers" in operation ? operation.registers : NO_REGISTERS;
    const tried = attempts.map((attempt) => ({ ...attempt, elements: attempt.facts }));
    return listOf(distinctProblem(tried, registers));
  },
};

const document: Kind<{ inserted: readonly string[]; deleted: readonly string[] }> = {
  key: "md",
  draw({ dice, document, name }, count) {
    const { update, ...facts } = document.edit(dice, `${name}.${count}`);
    return { operation: { type: "document", operation: { kind: "edit", update } }, facts };
  },
  problems(attempts, merged) {
    const tried = attempts.map(({ facts, ...attempt }) => ({ ...attempt, ...facts }));
    return documentProblems(tried, wordsOf(merged.valueOf("document")));
  },
};

const TAGS = ["a", "b", "c"];
const FIELDS = ["p", "q"];

/** In each field of the map there is a set, and beside it a map with a flag, each under a name of its own. */
const map: Kind<Presence> = {
  key: "mn",
  draw({ dice }) {
    const [field, tag] = [dice.one(FIELDS), dice.one(TAGS)];
    const elements = [utf8(tag)];
    const lot = dice.between(0, 1);
    if (lot < 0.15) {
      const operation = { kind: "remove", keys: [utf8(field)], seen: undefined } as const;
      const names = TAGS.map((tag) => `${field}.${tag}`);
      return { operation: { type: "map", operation }, facts: { kind: "remove", names } };
    }
    const kind = dice.happens(0.65) ? "add" : "remove";
    if (lot < 0.4) {
      const operation = under("deep", under(field, toggle(kind)));
      return { operation, facts: { kind, names: [`deep.${field}`] } };
    }
    const nested: NestedOperation = kind === "add"
      ? { type: "set", operation: { kind, elements } }
      : { type: "set", operation: { kind, elements, seen: undefined } };
    return { operation: under(field, nested), facts: { kind, names: [`${field}.${tag}`] } };
  },
  problems(attempts, merged, seesAll) {
    const present = FIELDS.flatMap((field) => {
      const elements = merged.at(utf8(field)).valueOf("set") ?? [];
      const isOn = merged.at(utf8("deep")).at(utf8(field)).valueOf("flag") === true;
      return [
        ...elements.map((element) => `${field}.${utf8Text(element)}`),
        ...isOn ? [`deep.${field}`] : [],
      ];
    });
    return presenceProblems("Entry", presences(attempts), present, seesAll);
  },
};

export const KINDS = {
  flag,
  register,
  max: extreme("max", "mx"),
  min: extreme("min", "mi"),
  hyperloglog,
  document,
  map,
} as const;

export type TypedKind = keyof typeof KINDS;

export const TYPED_KINDS = Object.keys(KINDS) as readonly TypedKind[];

function toggle(kind: "add" | "remove"): NestedOperation {
  const operation = kind === "add"
    ? { kind: "enable" } as const
    : { kind: "disable", seen: undefined } as const;
  return { type: "flag", operation };
}

function under(key: string, nested: NestedOperation): NestedOperation {
  return { type: "map", operation: { kind: "update", key: utf8(key), nested } };
}

function presences(attempts: readonly TypedAttempt<Presence>[]) {
  return attempts.flatMap(({ facts: { kind, names }, ...attempt }) => {
    return names.map((name) => ({ ...attempt, kind, name }));
  });
}

function listOf(problem: string | undefined): string[] {
  return problem === undefined ? [] : [problem];
}
