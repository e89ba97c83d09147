// What a node does by itself for its copies and those of others: handing over what it kept, comparing, agreeing on
// what may be forgotten, and forgetting it.

import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import type { Random } from "../ports/random.ts";
import type { Actors } from "../replica/actors.ts";
import { AntiEntropy } from "../replica/anti_entropy.ts";
import type { Cluster } from "../replica/cluster.ts";
import type { Filling } from "../replica/filling.ts";
import { FloorRounds } from "../replica/floor_rounds.ts";
import { FloorService } from "../replica/floor_service.ts";
import type { Floors } from "../replica/floors.ts";
import { Forgetting } from "../replica/forgetting.ts";
import { HandOff } from "../replica/hand_off.ts";
import type { KeyMove } from "../replica/key_moves.ts";
import type { Namespaces } from "../replica/namespaces.ts";
import type { Pace } from "../replica/pace.ts";
import type { Replica } from "../replica/replica.ts";
import { RootCheck } from "../replica/root_check.ts";
import { TreeService } from "../replica/tree_service.ts";
import { messageOf } from "../wire/errors.ts";
import type { OtherLayouts } from "./other_layouts.ts";
import { Repairs } from "./repairs.ts";
import {
  DEFAULT_COMPARE_MS,
  DEFAULT_FORGET_AFTER_MS,
  DEFAULT_HINT_BYTES,
  DEFAULT_MAX_ABSENCE_MS,
  type NodeSettings,
} from "./settings.ts";

export interface UpkeepOptions {
  readonly settings: NodeSettings;
  readonly cluster: Cluster;
  readonly replica: Replica;
  readonly namespaces: Namespaces;
  readonly actors: Actors;
  readonly floors: Floors;
  readonly filling: Filling;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly pace: Pace;
  /** Whether commits to the own disk fail. */
  readonly diskRefuses: () => boolean;
  readonly otherLayouts: Pick<OtherLayouts, "known">;
}

/** Counts since the start. */
export interface UpkeepCounts {
  readonly hints: { keys: number; bytes: number; handedOver: number };
  readonly comparisons: { compared: number; repaired: number };
  readonly floorsRaised: number;
  readonly keysForgotten: number;
}

export class Upkeep {
  readonly handOff: HandOff;
  /** Repair as operators see and steer it. */
  readonly repairs: Repairs;
  readonly #options: UpkeepOptions;
  readonly #antiEntropy: AntiEntropy;
  readonly #forgetting: Forgetting;
  readonly #floorRounds: FloorRounds;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    const { clock, cluster, floors, log, namespaces, pace, replica, settings } = options;
    this.handOff = new HandOff({
      ...options,
      limitBytes: settings.hintBytes ?? DEFAULT_HINT_BYTES,
    });
    this.#forgetting = new Forgetting(replica, floors, log, pace);
    const handOff = this.handOff;
    const forgetting = this.#forgetting;
    const intervalMs = settings.compareMs ?? DEFAULT_COMPARE_MS;
    const antiEntropy = new AntiEntropy({ ...options, forgetting, intervalMs });
    this.#antiEntropy = antiEntropy;
    const maxAbsenceMs = settings.maxAbsenceMs ?? DEFAULT_MAX_ABSENCE_MS;
    const service = new FloorService({ ...options, handOff, forgetting, maxAbsenceMs });
    service.register();
    this.#floorRounds = new FloorRounds({
      ...options,
      forgetting,
      service,
      antiEntropy,
      forgetAfterMs: settings.forgetAfterMs ?? DEFAULT_FORGET_AFTER_MS,
      maxAbsenceMs,
    });
    const { self, rpc } = cluster;
    const { trees } = replica;
    const layout = () => cluster.current();
    const nodeOf = (peer: PeerId) => cluster.nodeOf(peer);
    new TreeService(self, trees, floors, namespaces, layout, nodeOf).register(rpc);
    const rootCheck = new RootCheck({ cluster, trees, namespaces, clock });
    const { otherLayouts } = options;
    this.repairs = new Repairs({
      ...{ cluster, namespaces, handOff, antiEntropy, rootCheck, otherLayouts },
    });
    this.repairs.register();
  }

  get counts(): UpkeepCounts {
    return {
      hints: this.handOff.counts,
      comparisons: this.#antiEntropy.counts,
      floorsRaised: this.#floorRounds.raisedCount,
      keysForgotten: this.#forgetting.count,
    };
  }

  /**
   * Other namespaces are in force.
   *
   * @param moves from which numbers of copies keys have come to which by them
   */
  keysMoved(moves: readonly KeyMove[]): void {
    if (moves.length === 0) return;
    const { filling, floors, log, replica } = this.#options;
    filling.keysMoved(moves);
    replica.trees.reset();
    this.handOff.lookAgain();
    floors.resettle(moves.map(({ to }) => to)).catch((error) => {
      // The disk still says by which namespaces its floors were told: the next start passes over them.
      log.warn("Cannot note which floors count no longer", { error: messageOf(error) });
    });
  }

  start(): void {
    this.handOff.start();
    this.#antiEntropy.start();
    this.#floorRounds.start();
  }

  stop(): void {
    this.#floorRounds.stop();
    this.#forgetting.stop();
    this.#antiEntropy.stop();
    this.handOff.stop();
  }
}
