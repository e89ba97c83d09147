// The heartbeat: what a node says of itself once per interval, to everybody.
//
// It proves life, and it carries what the others want to know of a node anyway: where it is reached,
// which layout it has, whether its disk works. About 200 bytes, so that gossip may repeat it freely;
// an address that ends in the sender's own peer id is sent without it.
//
//   version 1 │ flags │ node │ peer id │ incarnation │ sequence │ time │ interval │ zone │ weight
//   layout version, synced, acknowledged │ load │ disk │ addresses │ [layout id] [http] [resp]
//   [namespaces] [seal keys] │ …
//
// Integers and lengths are base-128 groups, texts are UTF-8 behind their length. Later releases may
// append fields and use further flags: whatever follows the known fields is passed over. A change
// that an old node would misread takes another version, which old nodes refuse.

import { assert } from "../base/assert.ts";
import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { utf8 } from "../base/bytes.ts";
import type { PeerId } from "../ports/network.ts";
import { LIMITS } from "../wire/limits.ts";
import { INCARNATION_MAX } from "./incarnation_step.ts";

/** Whether a node can store: `readonly` serves what it has, `failed` not even that. */
export type DiskState = "ok" | "readonly" | "failed";

/** What a node says of itself. */
export interface Heartbeat {
  readonly node: string;
  readonly peerId: PeerId;
  /** Rises with every start of the process, and when the node must refute what is said of it. */
  readonly incarnation: number;
  /** Rises with every heartbeat of one incarnation. */
  readonly sequence: number;
  /** The wall clock of the sender, in milliseconds since 1970. */
  readonly timeMs: number;
  /** The longest pause that the sender means to leave before its next heartbeat. */
  readonly intervalMs: number;
  /** Multiaddrs at which the node is reached. */
  readonly addresses: readonly string[];
  /** Host and port of its doors. */
  readonly http?: string | undefined;
  readonly resp?: string | undefined;
  /** `dc` or `dc/rack`. */
  readonly zone: string;
  /** Its share of the data beside others, above 0. */
  readonly weight: number;
  /** The newest layout that it knows; 0 for none. */
  readonly layoutVersion: number;
  readonly layoutId?: string | undefined;
  /** The digest of what was set of namespaces at run time, as far as it knows; undefined for nothing. */
  readonly namespaces?: string | undefined;
  /** The digest of the keys that it seals contexts with; undefined if it has none that others should know. */
  readonly sealKeys?: string | undefined;
  /** The newest layout for which it has all its data. */
  readonly layoutSynced: number;
  /** The newest layout of which it has acknowledged that all members are synced. */
  readonly layoutAcknowledged: number;
  /** Requests under way, kept to three decimal places. */
  readonly load: number;
  readonly disk: DiskState;
  /** Whether it serves requests. */
  readonly isReady: boolean;
}

/** What a heartbeat may hold at most. Sizes in bytes. */
export const HEARTBEAT_LIMITS = {
  encoded: 4096,
  peerId: 128,
  zone: 128,
  addressCount: 8,
  address: 256,
  door: 280,
  layoutId: 64,
  namespaces: 64,
  sealKeys: 64,
  intervalMsMax: 60_000,
  weightMax: 1_000_000,
  /** The year 2109: no clock that is right says more, and none is taken for more. */
  timeMsMax: 2 ** 42,
  /** One for every millisecond of 34 years. */
  sequenceMax: 2 ** 40,
  layoutVersionMax: 2 ** 32 - 1,
} as const;

/**
 * The bytes of a heartbeat.
 *
 * @throws {RangeError} if a field is over its limit or is not the number that it should be
 */
export function encodeHeartbeat(heartbeat: Heartbeat): Uint8Array<ArrayBuffer> {
  const problem = problemOf(heartbeat);
  if (problem !== undefined) throw new RangeError(`Cannot encode heartbeat: ${problem}`);
  const writer = new ByteWriter(384);
  writer.byte(VERSION);
  writer.byte(flagsOf(heartbeat));
  writer.text(heartbeat.node);
  writer.text(heartbeat.peerId);
  writer.integer(heartbeat.incarnation);
  writer.integer(heartbeat.sequence);
  writer.integer(heartbeat.timeMs);
  writer.integer(heartbeat.intervalMs);
  writer.text(heartbeat.zone);
  writer.text(String(heartbeat.weight));
  writer.integer(heartbeat.layoutVersion);
  writer.integer(heartbeat.layoutSynced);
  writer.integer(heartbeat.layoutAcknowledged);
  writer.integer(Math.round(heartbeat.load * LOAD_SCALE));
  writer.byte(DISK_STATES.indexOf(heartbeat.disk));
  writer.integer(heartbeat.addresses.length);
  for (const address of heartbeat.addresses) writeAddress(writer, address, heartbeat.peerId);
  if (heartbeat.layoutId !== undefined) writer.text(heartbeat.layoutId);
  if (heartbeat.http !== undefined) writer.text(heartbeat.http);
  if (heartbeat.resp !== undefined) writer.text(heartbeat.resp);
  if (heartbeat.namespaces !== undefined) writer.text(heartbeat.namespaces);
  if (heartbeat.sealKeys !== undefined) writer.text(heartbeat.sealKeys);
  assert(
    writer.length <= HEARTBEAT_LIMITS.encoded,
    "a heartbeat within its limits is small enough",
  );
  return writer.finish();
}

/** Reads a heartbeat. @throws {MalformedError} if the bytes are none, or of an unknown version */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat {
  const reader = new ByteReader(bytes, "heartbeat");
  if (bytes.length > HEARTBEAT_LIMITS.encoded) {
    throw reader.malformed(`${bytes.length} bytes, limit ${HEARTBEAT_LIMITS.encoded}`);
  }
  const version = reader.byte();
  if (version !== VERSION) throw reader.malformed(`version ${version} is not known`);
  const flags = reader.byte();
  const node = reader.text();
  const peerId = reader.text();
  const incarnation = reader.integer();
  const sequence = reader.integer();
  const timeMs = reader.integer();
  const intervalMs = reader.integer();
  const zone = reader.text();
  const weight = readWeight(reader);
  const layoutVersion = reader.integer();
  const layoutSynced = reader.integer();
  const layoutAcknowledged = reader.integer();
  const load = reader.integer() / LOAD_SCALE;
  const disk = DISK_STATES[reader.byte()];
  if (disk === undefined) throw reader.malformed("its disk state is not known");
  const addresses = readAddresses(reader, peerId);
  const layoutId = (flags & HAS_LAYOUT_ID) !== 0 ? reader.text() : undefined;
  const http = (flags & HAS_HTTP) !== 0 ? reader.text() : undefined;
  const resp = (flags & HAS_RESP) !== 0 ? reader.text() : undefined;
  const namespaces = (flags & HAS_NAMESPACES) !== 0 ? reader.text() : undefined;
  const sealKeys = (flags & HAS_SEAL_KEYS) !== 0 ? reader.text() : undefined;
  const heartbeat: Heartbeat = {
    node,
    peerId,
    incarnation,
    sequence,
    timeMs,
    intervalMs,
    addresses,
    http,
    resp,
    zone,
    weight,
    layoutVersion,
    layoutId,
    namespaces,
    sealKeys,
    layoutSynced,
    layoutAcknowledged,
    load,
    disk,
    isReady: (flags & IS_READY) !== 0,
  };
  const problem = problemOf(heartbeat);
  if (problem !== undefined) throw reader.malformed(problem);
  return heartbeat;
}

const VERSION = 1;
const IS_READY = 1;
const HAS_LAYOUT_ID = 2;
const HAS_HTTP = 4;
const HAS_RESP = 8;
const HAS_NAMESPACES = 16;
const HAS_SEAL_KEYS = 32;
const DISK_STATES: readonly DiskState[] = ["ok", "readonly", "failed"];
const LOAD_SCALE = 1000;
const LOAD_MAX = 1e9;

function flagsOf(heartbeat: Heartbeat): number {
  return (heartbeat.isReady ? IS_READY : 0) |
    (heartbeat.layoutId !== undefined ? HAS_LAYOUT_ID : 0) |
    (heartbeat.http !== undefined ? HAS_HTTP : 0) |
    (heartbeat.resp !== undefined ? HAS_RESP : 0) |
    (heartbeat.namespaces !== undefined ? HAS_NAMESPACES : 0) |
    (heartbeat.sealKeys !== undefined ? HAS_SEAL_KEYS : 0);
}

/** An address that ends in the sender's own id is written without that ending, behind a 1. */
function writeAddress(writer: ByteWriter, address: string, peerId: PeerId): void {
  const ending = ownEnding(peerId);
  const isOwn = address.endsWith(ending);
  writer.byte(isOwn ? 1 : 0);
  writer.text(isOwn ? address.slice(0, -ending.length) : address);
}

function readAddresses(reader: ByteReader, peerId: PeerId): string[] {
  const count = reader.integer();
  if (count > HEARTBEAT_LIMITS.addressCount) {
    throw reader.malformed(`${count} addresses, limit ${HEARTBEAT_LIMITS.addressCount}`);
  }
  const addresses: string[] = [];
  for (let i = 0; i < count; i++) {
    const ending = reader.byte();
    if (ending > 1) throw reader.malformed("an address has an unknown ending");
    const address = reader.text();
    addresses.push(ending === 1 ? address + ownEnding(peerId) : address);
  }
  return addresses;
}

function ownEnding(peerId: PeerId): string {
  return `/p2p/${peerId}`;
}

/** A weight may be a fraction: it travels as the shortest text that stands for the same number. */
function readWeight(reader: ByteReader): number {
  const text = reader.text();
  const weight = Number(text);
  if (String(weight) !== text) throw reader.malformed("its weight is not a number");
  return weight;
}

/** What is wrong with a heartbeat, or undefined: one list of rules for what is sent and received. */
function problemOf(heartbeat: Heartbeat): string | undefined {
  const limits = HEARTBEAT_LIMITS;
  return textProblem("node name", heartbeat.node, LIMITS.nodeName) ??
    textProblem("peer id", heartbeat.peerId, limits.peerId) ??
    textProblem("zone", heartbeat.zone, limits.zone) ??
    optionalTextProblem("layout id", heartbeat.layoutId, limits.layoutId) ??
    optionalTextProblem("digest of namespaces", heartbeat.namespaces, limits.namespaces) ??
    optionalTextProblem("digest of seal keys", heartbeat.sealKeys, limits.sealKeys) ??
    optionalTextProblem("HTTP address", heartbeat.http, limits.door) ??
    optionalTextProblem("RESP address", heartbeat.resp, limits.door) ??
    addressProblem(heartbeat.addresses) ??
    integerProblem("incarnation", heartbeat.incarnation, 0, INCARNATION_MAX) ??
    integerProblem("sequence", heartbeat.sequence, 0, limits.sequenceMax) ??
    integerProblem("time", heartbeat.timeMs, 0, limits.timeMsMax) ??
    integerProblem("layout version", heartbeat.layoutVersion, 0, limits.layoutVersionMax) ??
    integerProblem("synced layout", heartbeat.layoutSynced, 0, limits.layoutVersionMax) ??
    integerProblem(
      "acknowledged layout",
      heartbeat.layoutAcknowledged,
      0,
      limits.layoutVersionMax,
    ) ??
    integerProblem("interval", heartbeat.intervalMs, 1, limits.intervalMsMax) ??
    rangeProblem("weight", heartbeat.weight, Number.MIN_VALUE, limits.weightMax) ??
    rangeProblem("load", heartbeat.load, 0, LOAD_MAX);
}

function addressProblem(addresses: readonly string[]): string | undefined {
  const { addressCount, address: addressBytes } = HEARTBEAT_LIMITS;
  if (addresses.length > addressCount) {
    return `${addresses.length} addresses, limit ${addressCount}`;
  }
  for (const address of addresses) {
    const problem = textProblem("address", address, addressBytes);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function optionalTextProblem(what: string, text: string | undefined, limitBytes: number) {
  return text === undefined ? undefined : textProblem(what, text, limitBytes);
}

function textProblem(what: string, text: string, limitBytes: number): string | undefined {
  if (text.length === 0) return `its ${what} is empty`;
  // A character takes at most three bytes per UTF-16 unit, so most texts need no encoding here.
  if (text.length * 3 <= limitBytes) return undefined;
  const size = utf8(text).length;
  return size > limitBytes ? `its ${what} has ${size} bytes, limit ${limitBytes}` : undefined;
}

function integerProblem(
  what: string,
  value: number,
  least: number,
  most: number,
): string | undefined {
  if (!Number.isSafeInteger(value)) return `its ${what} is not a whole number`;
  return rangeProblem(what, value, least, most);
}

function rangeProblem(what: string, value: number, least: number, most: number) {
  return value >= least && value <= most ? undefined : `its ${what} is out of range: ${value}`;
}
