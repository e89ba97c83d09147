// The kinds of settings: how each is read from a text, and what is allowed.
//
// A flag and an environment variable are texts, a config file has types of its own. So a setting has a
// reader, which turns a text into what the file would hold, and a schema, which judges both. A text that
// its reader cannot read stays a text, and the schema names it. Every schema's message is what may
// stand there: "a whole number from 1 to 16".

import * as v from "valibot";
import type { QuorumLevel } from "../node/api.ts";

/** One setting. `T` is its type once it is valid. */
export interface Setting<T> {
  readonly schema: v.GenericSchema<unknown, T>;
  readonly help: string;
  /** Shown in the help: the default itself lives where the value is used. */
  readonly defaultText?: string;
  /** What stands behind the flag in the help; undefined for a flag without value. */
  readonly placeholder?: string;
  /** Reads a flag or variable; undefined for what only a config file can hold. */
  readonly read?: (text: string) => unknown;
  /** Whether the flag may be given more than once. */
  readonly isList?: boolean;
  readonly isHidden?: boolean;
}

interface About {
  readonly help: string;
  readonly defaultText?: string;
  readonly isHidden?: boolean;
}

export function textSetting(
  placeholder: string,
  schema: v.GenericSchema<unknown, string>,
  about: About,
): Setting<string> {
  return { schema, placeholder, read: (text) => text, ...about };
}

/** A list of texts: commas in variables and flags, an array in a config file. */
export function listSetting(
  placeholder: string,
  item: v.GenericSchema<unknown, string>,
  about: About,
): Setting<string[]> {
  const schema = v.array(item, "a list of texts");
  const read = (text: string) => text.split(",").map((part) => part.trim());
  return { schema, placeholder, read, isList: true, ...about };
}

export function numberSetting(
  placeholder: string,
  schema: v.GenericSchema<unknown, number>,
  about: About,
): Setting<number> {
  return { schema, placeholder, read: readNumber, ...about };
}

export function booleanSetting(about: About): Setting<boolean> {
  return { schema: v.boolean("true or false"), read: readBoolean, ...about };
}

export function levelSetting(about: About): Setting<QuorumLevel> {
  return { schema: QUORUM_LEVEL, placeholder: "level", read: readNumber, ...about };
}

export function choiceSetting<const T extends readonly string[]>(
  choices: T,
  about: About,
): Setting<T[number]> {
  const schema = v.picklist(choices, oneOf(choices));
  return { schema, placeholder: "level", read: (text) => text, ...about };
}

/** A whole number in a range that includes its ends. */
export function integerBetween(
  min: number,
  max: number,
): v.GenericSchema<unknown, number> {
  const allowed = `a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(allowed),
    v.safeInteger(allowed),
    v.minValue(min, allowed),
    v.maxValue(max, allowed),
  );
}

const LEVEL_ALLOWED = "one, quorum, all, or a whole number from 1 to 16";

export const QUORUM_LEVEL: v.GenericSchema<unknown, QuorumLevel> = v.union([
  v.picklist(["one", "quorum", "all"]),
  v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(16)),
], LEVEL_ALLOWED);

const NAME_ALLOWED =
  "1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit";

/** The name of a node or a cluster: it appears in file names, log lines and protocol topics. */
export const PLAIN_NAME: v.GenericSchema<unknown, string> = v.pipe(
  v.string(NAME_ALLOWED),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, NAME_ALLOWED),
);

const ZONE_ALLOWED = `a datacentre or datacentre/rack, like dc1/rack1`;

export const ZONE: v.GenericSchema<unknown, string> = v.pipe(
  v.string(ZONE_ALLOWED),
  v.regex(/^[A-Za-z0-9._-]{1,64}(\/[A-Za-z0-9._-]{1,64})?$/, ZONE_ALLOWED),
);

const ADDRESS_ALLOWED = "host:port, like 127.0.0.1:7301 or [::1]:7301";

/** Where a door listens. */
export const DOOR_ADDRESS: v.GenericSchema<unknown, string> = v.pipe(
  v.string(ADDRESS_ALLOWED),
  v.check((text) => {
    const port = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})$/.exec(text)?.[1];
    return port !== undefined && Number(port) <= 65_535;
  }, ADDRESS_ALLOWED),
);

const MULTIADDR_ALLOWED =
  "a TCP multiaddr, like /ip4/127.0.0.1/tcp/7101 or /dns/a.example/tcp/7101";

/** Denamo speaks TCP only, so other multiaddrs are mistakes. */
export const TCP_MULTIADDR: v.GenericSchema<unknown, string> = v.pipe(
  v.string(MULTIADDR_ALLOWED),
  v.check((text) => {
    const match = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/([0-9]{1,5})(\/p2p\/[A-Za-z0-9]+)?$/
      .exec(text);
    if (match === null || Number(match[3]) > 65_535) return false;
    const [, protocol, host] = match;
    if (protocol === "ip4") return v.is(v.pipe(v.string(), v.ipv4()), host);
    if (protocol === "ip6") return v.is(v.pipe(v.string(), v.ipv6()), host);
    return true;
  }, MULTIADDR_ALLOWED),
);

function oneOf(choices: readonly string[]): string {
  return `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}

/** A decimal number as people write it; anything else stays a text. */
function readNumber(text: string): unknown {
  return /^-?[0-9]{1,16}(\.[0-9]{1,16})?$/.test(text) ? Number(text) : text;
}

function readBoolean(text: string): unknown {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  return text;
}
