// What operators see of repair, and what they can have done at once instead of waiting for it.

/** What a node keeps for one owner. A copy that two owners lack counts for both. */
export interface HintedOwnerView {
  /** Its name. */
  readonly node: string;
  /** How many keys it lacks. */
  readonly keys: number;
  /** How many bytes their copies have, as they lie on the disk. */
  readonly bytes: number;
}

/** What a node keeps for owners that could not be reached, as it says itself. */
export interface HintsView {
  /** The name of the node that keeps them. */
  readonly node: string;
  /** Why it could not be asked; then the rest says nothing. */
  readonly error: string | undefined;
  /** Whether it has searched its disk since its start; until then it may keep more than it knows. */
  readonly isComplete: boolean;
  /** How many keys it keeps for others. */
  readonly keys: number;
  /** How many bytes their copies have, as they lie on the disk. */
  readonly bytes: number;
  /** From so many bytes on it takes no more. */
  readonly limitBytes: number;
  /** For how long the present run of the node has known the oldest, in milliseconds. */
  readonly oldestAgeMs: number | undefined;
  /** Owners that are not known to have everything, by name. */
  readonly owners: readonly HintedOwnerView[];
  /** Nodes that have been away for so long that nothing more is kept for them, by name. */
  readonly tooLongAway: readonly string[];
}

/** What came of comparing with one other owner. */
export interface PeerRepairView {
  /** Its name. */
  readonly node: string;
  /** Why the comparison has failed; then the rest says nothing. */
  readonly error: string | undefined;
  /** How many partitions both own, among those that were asked for. */
  readonly partitions: number;
  /** Those that differed. */
  readonly differing: readonly number[];
  /** Copies of keys that were brought up to date, at either side. */
  readonly repaired: number;
}

/** What came of comparing the copies of one node with those of the others. */
export interface RepairView {
  /** The name of that node. */
  readonly node: string;
  /** Every other owner of what was compared, by name. */
  readonly peers: readonly PeerRepairView[];
}

/** What is compared. */
export interface RepairOptions {
  /** Which node shall compare its copies with those of the others: this one unless given. */
  readonly node?: string | undefined;
  /** Only these partitions. */
  readonly partitions?: readonly number[] | undefined;
}

/** A partition whose owners do not hold the same. */
export interface DifferenceView {
  /** Its number, from 0. */
  readonly partition: number;
  /** How many copies the keys keep that differ. */
  readonly copies: number;
  /** Owners that hold the same, together; the largest group first. */
  readonly groups: readonly (readonly string[])[];
}

/** What was found by laying the copies of all owners side by side. */
export interface DifferencesView {
  /** How many partitions were looked at. */
  readonly partitions: number;
  /** The partitions whose owners differ, by number. */
  readonly differences: readonly DifferenceView[];
  /** Owners that did not answer, and nodes with another layout: nothing is said of their copies. */
  readonly unasked: readonly { readonly node: string; readonly error: string }[];
}

/** Of a partition that this node owns, when it last saw that the other owners hold the same. */
export interface EqualityView {
  /** Its number, from 0. */
  readonly partition: number;
  /** How many copies the keys keep that this is about. */
  readonly copies: number;
  /** Milliseconds ago, for the owner that it was seen of longest ago; undefined if of one never. */
  readonly equalAgoMs: number | undefined;
}

/** What operators see of repair, and have done at once. */
export interface RepairApi {
  /** What all members of the layout keep for others. @throws {DenamoError} `not_ready` without a layout */
  hints(): Promise<HintsView[]>;
  /**
   * Compares the copies of one node with those of every other owner, and brings all up to date.
   *
   * @throws {DenamoError} `bad_request` for a node or partition that is none, `overloaded` if that node is
   *   at it already, `not_ready` without a layout, or what the way to that node says
   */
  repair(options?: RepairOptions): Promise<RepairView>;
  /**
   * Lays the copies of all owners side by side, and changes nothing.
   *
   * @param partitions only these
   * @throws {DenamoError} `bad_request` for a partition that is none, `not_ready` without a layout
   */
  differences(partitions?: readonly number[]): Promise<DifferencesView>;
  /** By partition. Empty without a layout. */
  equality(): EqualityView[];
}
