// Who may be a peer: what two nodes say to each other before anything else.
//
// A greeting is a hash of the settings that all nodes must share, the node's name with what it has done after it was
// away for too long (see left_behind.ts), and a heartbeat: so nodes that would place
// keys differently never talk, and nodes that do know each other from their first moment. Refusals are weighed in
// refusals.ts.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { MalformedError } from "../base/malformed.ts";
import type { Heartbeat } from "../membership/heartbeat.ts";
import type { Heartbeats } from "../membership/heartbeats.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId, Refusal, Refuser } from "../ports/network.ts";
import type { Floors } from "../replica/floors.ts";
import { messageOf } from "../wire/errors.ts";
import { leftBehind, leftBehindIn } from "./left_behind.ts";
import type { LeftBehindVoices } from "./left_behind_voices.ts";
import { OTHER_LAYOUT, type OtherLayouts } from "./other_layouts.ts";
import type { Refusals, RefusedBy } from "./refusals.ts";

/** How often the log hears that one peer refuses us for one reason, in milliseconds. */
const TOLD_EVERY_MS = 60_000;

/** How many peers and reasons are remembered for that. */
const TOLD_LIMIT = 1_024;

export class Admission {
  readonly #settingsDigest: string;
  readonly #heartbeats: Heartbeats;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #giveUp: (reason: string) => void;
  readonly #node: string;
  readonly #floors: Floors;
  readonly #leftBehind: LeftBehindVoices;
  readonly #refusals: Refusals;
  readonly #otherLayouts: Pick<OtherLayouts, "judge">;
  /** When the log has heard of a peer and its reason. */
  readonly #toldAtMs = new Map<string, number>();

  /**
   * @param refusals weighs what peers say against us
   * @param giveUp told once it is clear that this node must not go on
   * @param leftBehind weighs what peers say of floors that this node has missed
   * @param otherLayouts refuses peers that work by another layout
   */
  constructor(
    node: string,
    floors: Floors,
    settingsDigest: string,
    heartbeats: Heartbeats,
    refusals: Refusals,
    clock: Clock,
    log: Log,
    giveUp: (reason: string) => void,
    leftBehind: LeftBehindVoices,
    otherLayouts: Pick<OtherLayouts, "judge">,
  ) {
    this.#node = node;
    this.#floors = floors;
    this.#leftBehind = leftBehind;
    this.#otherLayouts = otherLayouts;
    this.#settingsDigest = settingsDigest;
    this.#heartbeats = heartbeats;
    this.#refusals = refusals;
    this.#clock = clock;
    this.#log = log;
    this.#giveUp = giveUp;
  }

  /** Our first words to a peer. */
  greeting(): Uint8Array {
    const writer = new ByteWriter(512);
    writer.text(this.#settingsDigest);
    writer.text(this.#node);
    writer.integer(this.#floors.emptied);
    writer.raw(this.#heartbeats.greeting());
    return writer.finish();
  }

  /** Judges a peer by its greeting: undefined admits it, a refusal is told to it. */
  admit(peer: PeerId, greeting: Uint8Array, isDialled: boolean): Refusal | undefined {
    try {
      const { digest, node, emptied, heartbeat } = this.#read(peer, greeting);
      if (digest !== this.#settingsDigest) {
        // It would refuse us as well, but is not asked.
        this.refusedBy(peer, OTHER_SETTINGS, { greeting, isDialled });
        return OTHER_SETTINGS;
      }
      if ("code" in heartbeat) return heartbeat;
      // Before anything else that it says: what another cluster has forgotten is nothing to us.
      const otherLayout = this.#otherLayouts.judge(heartbeat);
      if (otherLayout !== undefined) {
        this.refusedBy(peer, otherLayout, { greeting, isDialled });
        return otherLayout;
      }
      const missed = this.#floors.missedBy(node);
      if (missed !== undefined && missed > emptied) return leftBehind(missed);
      const refusal = this.#heartbeats.admit(heartbeat);
      // Only whoever bears the name can have emptied what it had.
      if (missed !== undefined && refusal === undefined) this.#note(this.#floors.takeBack(node));
      return refusal;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return { code: "malformed", message: error.message, details: {} };
    }
  }

  /** A peer has admitted us, and we it. */
  peerUp(peer: PeerId): void {
    this.#refusals.admittedBy(peer);
    this.#leftBehind.admittedBy(peer);
  }

  /** The connection to a peer has ended. */
  peerDown(peer: PeerId): void {
    this.#refusals.endedBy(peer);
  }

  /** A sentence if no peer lets this node in, or members have gone on without it. */
  get problem(): string | undefined {
    return this.#leftBehind.problem ?? this.#refusals.problem;
  }

  /** A peer has refused us, or would. */
  refusedBy(peer: PeerId, refusal: Refusal, by: Refuser): void {
    const missed = leftBehindIn(refusal);
    if (missed !== undefined) return this.#note(this.#leftBehind.hear(peer, missed));
    const { isDialled } = by;
    const heartbeat = by.greeting && this.#heartbeatIn(peer, by.greeting);
    if (refusal.code === OTHER_LAYOUT && heartbeat) this.#otherLayouts.judge(heartbeat);
    const name = heartbeat?.node;
    this.#tell({ peer, name, isDialled }, refusal);
    const reason = this.#refusals.add({ peer, name, isDialled }, refusal);
    if (reason !== undefined) this.#giveUp(reason);
  }

  /** What a greeting tells, if it is one of this peer. */
  #heartbeatIn(peer: PeerId, greeting: Uint8Array): Heartbeat | undefined {
    try {
      const { heartbeat } = this.#read(peer, greeting);
      return "code" in heartbeat ? undefined : heartbeat;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return undefined;
    }
  }

  #read(peer: PeerId, greeting: Uint8Array) {
    const { digest, emptied, heartbeat: signed, node } = readGreeting(greeting);
    const heartbeat = this.#heartbeats.read(peer, signed);
    if (!("code" in heartbeat) && heartbeat.node !== node) {
      throw new MalformedError("greeting", `${heartbeat.node} greets as ${node}`);
    }
    return { digest, node, emptied, heartbeat };
  }

  /** Whoever refuses us does so again every few seconds: the log hears of it once a minute. */
  #tell({ peer, name }: RefusedBy, { code, message: reason }: Refusal): void {
    const nowMs = this.#clock.monotonic();
    const key = `${peer} ${code}`;
    if (nowMs - (this.#toldAtMs.get(key) ?? -Infinity) < TOLD_EVERY_MS) return;
    if (this.#toldAtMs.size >= TOLD_LIMIT) this.#toldAtMs.clear();
    this.#toldAtMs.set(key, nowMs);
    this.#log.warn("A peer refuses this node", { peer, name, code, reason });
  }

  /** What cannot be noted comes up again when the peers meet again. */
  #note(done: Promise<void>): void {
    done.catch((error) => {
      this.#log.warn("Cannot note what was forgotten without whom", { error: messageOf(error) });
    });
  }
}

/** What a greeting says, with its heartbeat as it came. @throws {MalformedError} */
export function readGreeting(greeting: Uint8Array) {
  const reader = new ByteReader(greeting, "greeting");
  return {
    digest: reader.text(),
    node: reader.text(),
    emptied: reader.integer(),
    heartbeat: reader.raw(reader.remaining),
  };
}

const OTHER_SETTINGS: Refusal = {
  code: "other_settings",
  message:
    "The configured namespaces differ: all nodes must have the same prefixes, n and conflict rules",
  details: {},
};
