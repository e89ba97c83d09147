// Who may be a peer: what two nodes say to each other before anything else.
//
// A greeting is a hash of the settings that all nodes must share, the node's name with what it has done after it was
// away for too long (see left_behind.ts), and a heartbeat: so nodes that would place
// keys differently never talk, and nodes that do know each other from their first moment. A node that
// nobody has ever admitted and that is refused again and again is in the wrong place, and must not go on.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { MalformedError } from "../base/malformed.ts";
import type { Heartbeats } from "../membership/heartbeats.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId, Refusal, Refuser } from "../ports/network.ts";
import type { Floors } from "../replica/floors.ts";
import { messageOf } from "../wire/errors.ts";
import { leftBehind, leftBehindIn } from "./left_behind.ts";
import type { LeftBehindVoices } from "./left_behind_voices.ts";

/** How long a node that only ever met refusals goes on before it gives up. */
const REFUSED_FOR_MS = 10_000;

export class Admission {
  readonly #settingsDigest: string;
  readonly #heartbeats: Heartbeats;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #giveUp: (reason: string) => void;
  readonly #node: string;
  readonly #floors: Floors;
  readonly #leftBehind: LeftBehindVoices;
  #firstRefusalMs: number | undefined;
  #wasAdmitted = false;

  /**
   * @param giveUp told once it is clear that nobody will have this node
   * @param leftBehind weighs what peers say of floors that this node has missed
   */
  constructor(
    node: string,
    floors: Floors,
    settingsDigest: string,
    heartbeats: Heartbeats,
    clock: Clock,
    log: Log,
    giveUp: (reason: string) => void,
    leftBehind: LeftBehindVoices,
  ) {
    this.#node = node;
    this.#floors = floors;
    this.#leftBehind = leftBehind;
    this.#settingsDigest = settingsDigest;
    this.#heartbeats = heartbeats;
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
  admit(peer: PeerId, greeting: Uint8Array): Refusal | undefined {
    try {
      const reader = new ByteReader(greeting, "greeting");
      if (reader.text() !== this.#settingsDigest) {
        // It would refuse us as well, but is not asked.
        this.refusedBy(peer, OTHER_SETTINGS, { greeting, isDialled: true });
        return OTHER_SETTINGS;
      }
      const node = reader.text();
      const emptied = reader.integer();
      const missed = this.#floors.missedBy(node);
      if (missed !== undefined && missed > emptied) return leftBehind(missed);
      if (missed !== undefined) this.#note(this.#floors.takeBack(node));
      return this.#heartbeats.admit(peer, reader.raw(reader.remaining));
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return { code: "malformed", message: error.message, details: {} };
    }
  }

  /** A peer has admitted us, and we it. */
  peerUp(peer: PeerId): void {
    this.#wasAdmitted = true;
    this.#leftBehind.admittedBy(peer);
  }

  /** A peer has refused us, or would. */
  refusedBy(peer: PeerId, refusal: Refusal, _by: Refuser): void {
    const missed = leftBehindIn(refusal);
    if (missed !== undefined) return this.#note(this.#leftBehind.hear(peer, missed));
    const nowMs = this.#clock.monotonic();
    const { code, message: reason } = refusal;
    this.#log.warn("A peer refuses this node", { peer, code, reason });
    this.#firstRefusalMs ??= nowMs;
    if (this.#wasAdmitted || nowMs - this.#firstRefusalMs < REFUSED_FOR_MS) return;
    this.#giveUp(`Refused by ${peer}: ${reason}`);
  }

  /** What cannot be noted comes up again when the peers meet again. */
  #note(done: Promise<void>): void {
    done.catch((error) => {
      this.#log.warn("Cannot note what was forgotten without whom", { error: messageOf(error) });
    });
  }
}

const OTHER_SETTINGS: Refusal = {
  code: "other_settings",
  message:
    "The configured namespaces differ: all nodes must have the same prefixes, n and conflict rules",
  details: {},
};
