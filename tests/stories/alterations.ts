// Changes in stories that leave no value of their own: of values that merge, and of when a key ends. And such
// values in words.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import type { MergedValues, NestedOperation, NestedValues, TypeName } from "../../src/node/api.ts";
import { readTimeMs } from "./stage_setting.ts";

export type Alteration =
  | { readonly operation: NestedOperation }
  /** In how many milliseconds the key ends; undefined for never. */
  | { readonly endsInMs: number | undefined };

/** An alteration of a key, and whose context it carries. */
export interface AlterationRequest {
  readonly key: string;
  readonly alteration: Alteration;
  readonly person: string | undefined;
}

type Read = (words: readonly string[]) => AlterationRequest;

const STRINGS = '("[^"]*"(?: "[^"]*")*)';
const SEEN = String.raw`(?: with what (\w+) saw)?`;

const FORMS: readonly (readonly [RegExp, Read])[] = [
  [new RegExp(`^add ${STRINGS} to set (\\S+)$`), ([elements, key]) => {
    const operation = { kind: "add", elements: listOf(elements!) } as const;
    return plain(key!, { type: "set", operation });
  }],
  [new RegExp(`^remove ${STRINGS} from set (\\S+)${SEEN}$`), ([elements, key, person]) => {
    const operation = { kind: "remove", elements: listOf(elements!), seen: undefined } as const;
    return { ...plain(key!, { type: "set", operation }), person };
  }],
  [/^add (-?\d+) to counter (\S+)$/, ([amount, key]) => {
    const operation = { kind: "add", amount: Number(amount), id: undefined } as const;
    return plain(key!, { type: "counter", operation });
  }],
  [/^set (\S+) = "([^"]*)" in map (\S+)$/, ([field, value, key]) => {
    const bytes = utf8(value!);
    const set = { type: "register", operation: { kind: "set", value: { kind: "text", bytes } } };
    const operation = {
      kind: "update",
      key: utf8(field!),
      nested: set as NestedOperation,
    } as const;
    return plain(key!, { type: "map", operation });
  }],
  [new RegExp(`^remove (\\S+) from map (\\S+)${SEEN}$`), ([field, key, person]) => {
    const operation = { kind: "remove", keys: [utf8(field!)], seen: undefined } as const;
    return { ...plain(key!, { type: "map", operation }), person };
  }],
  [/^let (\S+) end in (\d+ m?s)$/, ([key, time]) => {
    return { key: key!, alteration: { endsInMs: readTimeMs(time!) }, person: undefined };
  }],
  [/^let (\S+) never end$/, ([key]) => {
    return { key: key!, alteration: { endsInMs: undefined }, person: undefined };
  }],
];

/** The alteration that somebody asks for, such as `add "milk" to set cart`; undefined if it is something else. */
export function readAlteration(text: string): AlterationRequest | undefined {
  for (const [form, read] of FORMS) {
    const words = form.exec(text);
    if (words !== null) return read(words.slice(1));
  }
  return undefined;
}

const SHOWN: { readonly [Name in TypeName]?: (value: NestedValues[Name]) => string } = {
  counter: (value) => `${value}`,
  set: (elements) => elements.map((element) => `"${utf8Text(element)}"`).join(" "),
  map: (entries) => {
    return entries.map(({ key, type, value }) => {
      return `${utf8Text(key)} = ${type === "register" ? `"${utf8Text(value.bytes)}"` : value}`;
    }).join(", ");
  },
};

/** The values that merge, such as `set "milk" "tea"`; empty if there are none. */
export function showMerged(merged: MergedValues): string[] {
  return merged.types.map((type) => {
    const show = SHOWN[type] as ((value: unknown) => string) | undefined;
    return show === undefined ? type : `${type} ${show(merged.valueOf(type))}`;
  });
}

function plain(key: string, operation: NestedOperation): AlterationRequest {
  return { key, alteration: { operation }, person: undefined };
}

function listOf(strings: string): Uint8Array[] {
  return [...strings.matchAll(/"([^"]*)"/g)].map(([, string]) => utf8(string!));
}
