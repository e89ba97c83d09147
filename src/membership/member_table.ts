// The member table: who is who, and who is alive.
//
// A node is its name; a peer id is the key that it holds at present. A node that has lost its disk comes
// back under its name with another peer id. How do we tell it from a second process that was started
// with the same name by mistake? By whether the first one still lives: while it does, the later
// one is refused; once it does not, the later one takes the name if its incarnation is higher. Of two
// that meet face to face each knows by the incarnations which is the later, and only that one yields.
//
// A name proves nothing, and so neither does a heartbeat under our own name: it is told to those who can ask
// (rivals.ts). Once there is a layout, its members are whom a node must be able to find: others
// take part, but decide nothing and never take a member's place in the table.
//
// Invariants: a name has one peer id and a peer id one name; within a name incarnations never fall, but for
// those that nobody can go above (incarnation_step.ts); within an incarnation only a higher sequence number
// is news, so heartbeats that come twice, late or in another order change nothing. All views are local:
// nobody is told that somebody is down.

import type { PeerId, Refusal } from "../ports/network.ts";
import { LIMITS } from "../wire/limits.ts";
import { type MemberState, reasonFor, UNKNOWN_REACH, verdict } from "./evidence.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { hasRoomAbove, isBeyondReach } from "./incarnation_step.ts";
import type { Member, MemberChange, RecordOutcome, Target } from "./member.ts";
import {
  beginIncarnation,
  continueIncarnation,
  evidenceOf,
  isProbeDue,
  isSilent,
  makeRow,
  refresh,
  type Row,
  setReach,
  sourcesOf,
} from "./member_row.ts";
import type { ProbeOutcome } from "./probes.ts";
import { SelfDoubt } from "./self_doubt.ts";

export type { Member, MemberChange, RecordOutcome } from "./member.ts";

export interface MemberTableOptions {
  readonly node: string;
  readonly peerId: PeerId;
  /** Above that of every earlier run of this node. */
  readonly incarnation: number;
  /** The members of the layout; undefined, or left out, before there is one: then everybody counts. */
  readonly layoutMembers?: (() => ReadonlySet<string> | undefined) | undefined;
  /** Called from within the method that found the change, after the table has changed. */
  readonly onChange?: (change: MemberChange) => void;
}

/** How many nodes a table takes. */
export const MEMBER_LIMIT = 4096;

/** How many of them beside the members of a layout, all of whom have a place. */
export const OTHERS_LIMIT = MEMBER_LIMIT - LIMITS.layoutMemberCount;

/**
 * The other nodes by name. Times are milliseconds of one clock that never goes back: what time it
 * measures is the caller's choice (see listening_time.ts).
 */
export class MemberTable {
  readonly #node: string;
  readonly #peerId: PeerId;
  readonly #layoutMembers: () => ReadonlySet<string> | undefined;
  readonly #onChange: (change: MemberChange) => void;
  readonly #rows = new Map<string, Row>();
  readonly #rowOfPeer = new Map<PeerId, Row>();
  readonly #connected = new Set<PeerId>();
  /** The last claimant that was refused, by name. */
  readonly #refused = new Map<string, PeerId>();
  /** An earlier holder of our own name, and the last that it was heard to say. */
  #rival: Heartbeat | undefined;
  readonly #selfDoubt = new SelfDoubt();
  #incarnation: number;

  constructor(options: MemberTableOptions) {
    this.#node = options.node;
    this.#peerId = options.peerId;
    this.#incarnation = options.incarnation;
    this.#layoutMembers = options.layoutMembers ?? (() => undefined);
    this.#onChange = options.onChange ?? (() => {});
  }

  /** Our own name and peer id. */
  get node(): string {
    return this.#node;
  }

  get peerId(): PeerId {
    return this.#peerId;
  }

  /** Our own incarnation, to be sent with every heartbeat. It rises when we must refute a higher one. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** Whether a node counts where something is decided: all do before there is a layout, then its members. */
  counts(node: string): boolean {
    return this.#layoutMembers()?.has(node) ?? true;
  }

  /** The name of the node that holds this peer id, ourselves included. */
  nodeOf(peerId: PeerId): string | undefined {
    return peerId === this.#peerId ? this.#node : this.#rowOfPeer.get(peerId)?.heartbeat.node;
  }

  /** The peer id that a node holds, ourselves included. */
  peerOf(node: string): PeerId | undefined {
    return node === this.#node ? this.#peerId : this.#rows.get(node)?.heartbeat.peerId;
  }

  /** The state of a node: we ourselves are up, and a node that was never heard of is down. */
  stateOf(node: string): MemberState {
    return node === this.#node ? "up" : this.#rows.get(node)?.state ?? "down";
  }

  /** For how long a node has been down, in milliseconds; 0 if it is not. Who was never heard of is down from 0 on. */
  downForMs(node: string, atMs: number): number {
    if (this.stateOf(node) !== "down") return 0;
    return atMs - (this.#rows.get(node)?.stateSinceMs ?? 0);
  }

  /** Whether a node does not say that its disk takes no writes. */
  takesWrites(node: string): boolean {
    return (this.#rows.get(node)?.heartbeat.disk ?? "ok") === "ok";
  }

  /** The incarnation of a node, ourselves included. */
  incarnationOf(node: string): number | undefined {
    return node === this.#node ? this.#incarnation : this.#rows.get(node)?.heartbeat.incarnation;
  }

  /** Whether an open connection leads to this node. */
  isConnected(node: string): boolean {
    const peerId = this.#rows.get(node)?.heartbeat.peerId;
    return peerId !== undefined && this.#connected.has(peerId);
  }

  /** Whether a connection is open to any peer. */
  get hasConnections(): boolean {
    return this.#connected.size > 0;
  }

  /** One other node. */
  member(node: string, atMs: number): Member | undefined {
    const row = this.#rows.get(node);
    return row === undefined ? undefined : this.#view(row, atMs);
  }

  /** All other nodes, by name. */
  members(atMs: number): Member[] {
    const members = [...this.#rows.values()].map((row) => this.#view(row, atMs));
    return members.sort((a, b) => a.node < b.node ? -1 : 1);
  }

  /**
   * Judges whether a peer that shows itself may be this node: undefined admits it. Changes nothing.
   */
  judge(node: string, peerId: PeerId, incarnation: number): Refusal | undefined {
    const known = this.nodeOf(peerId);
    if (known !== undefined && known !== node && this.#holds(known)) {
      const message = `Peer ${peerId} is node "${known}" and cannot be node "${node}" too`;
      return { code: "name_differs", message, details: { node: known } };
    }
    if (node === this.#node) return this.#judgeOwnName(peerId, incarnation);
    const row = this.#rows.get(node);
    if (row === undefined) return this.#hasRoomFor(node) ? undefined : FULL;
    const { peerId: holder } = row.heartbeat;
    return peerId !== holder && this.#isLive(row) ? nameInUse(node, holder) : undefined;
  }

  /**
   * The incarnation of another node that a peer must go above before its heartbeats count as news of that
   * node; undefined if they do already.
   *
   * @param isDirect whether the peer itself says so at this moment, and not what it has said some time ago
   */
  laterSelfOf(
    node: string,
    peerId: PeerId,
    incarnation: number,
    isDirect = false,
  ): number | undefined {
    const row = this.#rows.get(node);
    if (row === undefined) return undefined;
    const last = row.heartbeat;
    const isAnother = incarnation !== last.incarnation || peerId !== last.peerId;
    if (isAnother && isBeyondReach(incarnation)) return last.incarnation;
    const isOvertaken = incarnation < last.incarnation || (isAnother && peerId !== last.peerId &&
      incarnation === last.incarnation);
    if (!isOvertaken) return undefined;
    if (hasRoomAbove(last.incarnation)) return last.incarnation;
    const isDropped = !this.#isLive(row) || (isDirect && peerId === last.peerId);
    return isDropped ? undefined : last.incarnation;
  }

  /** Goes `step` above an incarnation of our own that somebody remembers, if we are not above it and can be. */
  refute(incarnation: number, step = 1): void {
    if (incarnation < this.#incarnation || !hasRoomAbove(incarnation)) return;
    this.#incarnation = incarnation + step;
  }

  /** Takes note of a heartbeat that has arrived at `atMs`, and of what it changes; see `laterSelfOf`. */
  record(heartbeat: Heartbeat, atMs: number, isDirect = false): RecordOutcome {
    const { node, peerId, incarnation } = heartbeat;
    if (peerId === this.#peerId && node === this.#node) {
      if (incarnation > this.#incarnation) this.refute(incarnation);
      return "own";
    }
    const row = this.#rows.get(node);
    if (row !== undefined && isRepeated(heartbeat, row.heartbeat)) return "old";
    const refusal = this.judge(node, peerId, incarnation);
    if (refusal !== undefined) return this.#refuse(heartbeat, refusal.message);
    if (node === this.#node) return this.#meetRival(heartbeat);
    if (this.laterSelfOf(node, peerId, incarnation, isDirect) !== undefined) return "old";
    this.#makeRoomFor(node, peerId);
    if (row === undefined) this.#join(heartbeat, atMs);
    else if (peerId !== row.heartbeat.peerId) this.#rebind(row, heartbeat, atMs);
    else this.#continue(row, heartbeat, atMs);
    return "recorded";
  }

  /** Takes note that a connection to an admitted peer is open. */
  connected(peerId: PeerId): void {
    this.#connected.add(peerId);
    const row = this.#rowOfPeer.get(peerId);
    if (row !== undefined) row.isConnectionLost = false;
  }

  /** Takes note that the connection to a peer has ended. */
  disconnected(peerId: PeerId): void {
    if (!this.#connected.delete(peerId)) return;
    const row = this.#rowOfPeer.get(peerId);
    if (row !== undefined) row.isConnectionLost = true;
  }

  /** Takes note that a peer has told us something directly: no probe says more. */
  spoke(peerId: PeerId, atMs: number): void {
    const row = this.#rowOfPeer.get(peerId);
    if (row === undefined) return;
    row.spokeAtMs = atMs;
    setReach(row, UNKNOWN_REACH, atMs);
  }

  /** Why our own ears are to be doubted rather than the others, if they are. */
  get selfDoubt(): string | undefined {
    return this.#selfDoubt.reason;
  }

  /** Those that are up by our judgement and count, in the order in which they were met. */
  upMembers(): Target[] {
    return [...this.#rows.values()]
      .filter(({ heartbeat, state }) => state === "up" && this.counts(heartbeat.node))
      .map(({ heartbeat: { node, peerId } }) => ({ node, peerId }));
  }

  /** The members that should be asked at `atMs` if they live. Each is to be followed by `probed`. */
  beginProbes(atMs: number): Target[] {
    const due = [...this.#rows.values()].filter((row) =>
      isProbeDue(row, this.#connected.has(row.heartbeat.peerId), atMs)
    );
    return due.map((row) => {
      row.isProbing = true;
      row.probedAtMs = atMs;
      const { node, peerId } = row.heartbeat;
      return { node, peerId };
    });
  }

  /** Takes note of what has come of a probe. It counts at the next judgement. */
  probed({ node, peerId }: Target, outcome: ProbeOutcome, atMs: number): void {
    const row = this.#rows.get(node);
    if (row === undefined) return;
    row.isProbing = false;
    if (row.heartbeat.peerId !== peerId) return;
    if (outcome === "answered") return this.spoke(peerId, atMs);
    // Whoever was heard while the probe was under way is not condemned by it.
    const heardAtMs = outcome.kind === "nobody"
      ? Math.max(row.heardAtMs, row.spokeAtMs)
      : row.spokeAtMs;
    if (heardAtMs < row.probedAtMs) setReach(row, outcome, atMs);
  }

  /**
   * Judges all members as of `atMs`. To be called a few times per heartbeat interval.
   *
   * @returns the nodes that are down since this judgement
   */
  evaluate(atMs: number): string[] {
    const fallen: string[] = [];
    const rows = [...this.#rows.values()];
    for (const row of rows) refresh(row, atMs);
    const alive = rows.filter(({ heartbeat, state }) =>
      state !== "down" && this.counts(heartbeat.node)
    );
    const silent = alive.filter((row) => isSilent(row, atMs));
    const intervalMs = Math.max(0, ...silent.map(({ heartbeat }) => heartbeat.intervalMs));
    const names = silent.map(({ heartbeat }) => heartbeat.node);
    this.#selfDoubt.update({ alive: alive.length, silent: names, intervalMs }, atMs);
    for (const row of rows) {
      const before = row.state;
      this.#evaluate(row, atMs);
      if (row.state === "down" && before !== "down") fallen.push(row.heartbeat.node);
    }
    if (this.#rows.size >= OTHERS_LIMIT) this.#dropEnded();
    return fallen;
  }

  /** Forgets a node that has left for good. If it lives, its next heartbeat makes it a member again. */
  forget(node: string): void {
    const row = this.#rows.get(node);
    if (row === undefined) return;
    this.#rows.delete(node);
    this.#rowOfPeer.delete(row.heartbeat.peerId);
    this.#refused.delete(node);
  }

  /** Of us and another live peer with our name the later yields: the one of the higher incarnation. */
  #judgeOwnName(peerId: PeerId, incarnation: number): Refusal | undefined {
    if (peerId === this.#peerId || this.#isEarlier(peerId, incarnation)) return undefined;
    return nameInUse(this.#node, this.#peerId);
  }

  #isEarlier(peerId: PeerId, incarnation: number): boolean {
    return incarnation < this.#incarnation ||
      (incarnation === this.#incarnation && peerId < this.#peerId);
  }

  /** One heartbeat may have been under way since before its sender ended: the next one is told of. */
  #meetRival(heartbeat: Heartbeat): RecordOutcome {
    const { node, peerId } = heartbeat;
    const before = this.#rival;
    const isSame = before !== undefined && before.peerId === peerId;
    if (isSame && isRepeated(heartbeat, before)) return "old";
    this.#rival = heartbeat;
    if (isSame) this.#onChange({ kind: "rival", node, peerId });
    return "refused";
  }

  /** Whether a node is ourselves or may still hold its name. */
  #holds(node: string): boolean {
    const row = this.#rows.get(node);
    return node === this.#node || (row !== undefined && this.#isLive(row));
  }

  #isLive({ heartbeat, state }: Row): boolean {
    return state !== "down" || this.#connected.has(heartbeat.peerId);
  }

  #hasRoomFor(node: string): boolean {
    const { size } = this.#rows;
    if (this.#layoutMembers() === undefined) return size < MEMBER_LIMIT;
    return this.counts(node) || size < OTHERS_LIMIT;
  }

  /** Another name of the peer that has ended makes way, and for a member of the layout one that is none. */
  #makeRoomFor(node: string, peerId: PeerId): void {
    const former = this.#rowOfPeer.get(peerId);
    if (former !== undefined && former.heartbeat.node !== node) this.#drop(former);
    if (this.#rows.size < MEMBER_LIMIT || this.#rows.has(node)) return;
    let longestUnheard: Row | undefined;
    for (const row of this.#rows.values()) {
      if (this.counts(row.heartbeat.node)) continue;
      if (longestUnheard === undefined || row.heardAtMs < longestUnheard.heardAtMs) {
        longestUnheard = row;
      }
    }
    if (longestUnheard !== undefined) this.#drop(longestUnheard);
  }

  /** Where places are few, those that have ended give theirs back; never members of the layout. */
  #dropEnded(): void {
    const hasLayout = this.#layoutMembers() !== undefined;
    for (const row of [...this.#rows.values()]) {
      const isNeeded = hasLayout && this.counts(row.heartbeat.node);
      if (!isNeeded && !this.#isLive(row)) this.#drop(row);
    }
  }

  #drop(row: Row): void {
    const { node, peerId } = row.heartbeat;
    this.forget(node);
    this.#onChange({ kind: "dropped", node, peerId });
  }

  #refuse({ node, peerId }: Heartbeat, reason: string): RecordOutcome {
    if (this.#refused.get(node) !== peerId) {
      if (this.#refused.size >= MEMBER_LIMIT) this.#refused.clear();
      this.#refused.set(node, peerId);
      this.#onChange({ kind: "refused", node, peerId, reason });
    }
    return "refused";
  }

  #join(heartbeat: Heartbeat, atMs: number): void {
    const { node, peerId } = heartbeat;
    const row = makeRow(heartbeat, atMs);
    this.#rows.set(node, row);
    this.#rowOfPeer.set(peerId, row);
    this.#onChange({ kind: "joined", node, peerId });
  }

  #rebind(row: Row, heartbeat: Heartbeat, atMs: number): void {
    const { node, peerId } = heartbeat;
    const formerPeerId = row.heartbeat.peerId;
    this.#rowOfPeer.delete(formerPeerId);
    this.#rowOfPeer.set(peerId, row);
    this.#refused.delete(node);
    beginIncarnation(row, heartbeat, atMs);
    this.#onChange({ kind: "rebound", node, peerId, formerPeerId });
    this.#change(row, "up", atMs);
  }

  #continue(row: Row, heartbeat: Heartbeat, atMs: number): void {
    const { node, peerId, incarnation } = heartbeat;
    if (incarnation !== row.heartbeat.incarnation) {
      beginIncarnation(row, heartbeat, atMs);
      this.#onChange({ kind: "restarted", node, peerId });
      this.#change(row, "up", atMs);
      return;
    }
    continueIncarnation(row, heartbeat, atMs);
    this.#evaluate(row, atMs);
  }

  #evaluate(row: Row, atMs: number): void {
    const evidence = evidenceOf(row, atMs, this.#selfDoubt.isDoubting);
    this.#change(row, verdict(row.state, evidence), atMs);
  }

  #change(row: Row, to: MemberState, atMs: number): void {
    const from = row.state;
    if (from === to) return;
    row.state = to;
    row.stateSinceMs = atMs;
    if (to === "down") row.heartbeats = 0;
    const { node, peerId } = row.heartbeat;
    this.#onChange({ kind: "state", node, peerId, from, to });
  }

  #view(row: Row, atMs: number): Member {
    const { heartbeat, state, stateSinceMs } = row;
    const { node, peerId } = heartbeat;
    const evidence = evidenceOf(row, atMs, this.#selfDoubt.isDoubting);
    return {
      node,
      peerId,
      state,
      stateSinceMs,
      stateForMs: atMs - stateSinceMs,
      because: reasonFor(state, evidence),
      sources: sourcesOf(row, atMs),
      phi: evidence.phi,
      isConnected: this.#connected.has(peerId),
      heartbeat,
    };
  }
}

/** Whether a heartbeat is the last one of its run, or comes before it. */
function isRepeated(heartbeat: Heartbeat, last: Heartbeat): boolean {
  return heartbeat.peerId === last.peerId && heartbeat.incarnation === last.incarnation &&
    heartbeat.sequence <= last.sequence;
}

const FULL: Refusal = {
  code: "table_full",
  message: `The member table is full: limit ${MEMBER_LIMIT}`,
  details: { limit: MEMBER_LIMIT },
};

function nameInUse(node: string, peerId: PeerId): Refusal {
  const message = `Node name "${node}" is in use by the live peer ${peerId}`;
  return { code: "name_in_use", message, details: { node, peer: peerId } };
}
