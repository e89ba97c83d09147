// The numbers of a node for its operator.

import type { Member } from "../membership/member_table.ts";
import type { DiskCondition } from "../storage/disk_health.ts";
import type { StorageStats } from "../storage/storage.ts";
import type { NonsenseCount } from "../wire/nonsense.ts";
import type { Measurement } from "./api.ts";

/** Where the numbers come from. */
export interface Measured {
  readonly storage: StorageStats;
  readonly disk: { readonly condition: DiskCondition; readonly freeBytes: number | undefined };
  /** For how long background work has given way to requests. */
  readonly backgroundWaitedMs: number;
  readonly requests: { inFlight: number; coordinated: number; forwarded: number; repaired: number };
  readonly hints: { keys: number; bytes: number; handedOver: number };
  readonly comparisons: { compared: number; repaired: number };
  readonly floorsRaised: number;
  readonly keysForgotten: number;
  readonly fillingPartitions: number;
  readonly rpc: {
    readonly openCount: number;
    readonly sentBytes: number;
    readonly avoidedCount: number;
    readonly refusedCount: number;
    readonly nonsense: readonly NonsenseCount[];
    readonly hedging: { readonly reads: { count: number }; readonly writes: { count: number } };
  };
  readonly members: readonly Member[];
  readonly actorsEnded: number;
  readonly skewMs: number;
  readonly layoutVersion: number;
  readonly isReady: boolean;
}

export function measure(measured: Measured): Measurement[] {
  const { comparisons, disk, hints, members, requests, storage } = measured;
  const { freeBytes } = disk;
  const { hedging } = measured.rpc;
  const inState = (state: string) => members.filter((member) => member.state === state).length;
  return [
    gauge("ready", "1 if the node serves requests", Number(measured.isReady)),
    gauge("layout_version", "Version of the layout in force, 0 for none", measured.layoutVersion),
    gauge("requests_in_flight_count", "Client requests under way", requests.inFlight),
    counter("requests_coordinated_total", "Requests coordinated as an owner", requests.coordinated),
    counter("requests_forwarded_total", "Requests forwarded to an owner", requests.forwarded),
    counter("read_repairs_total", "Copies repaired after a read", requests.repaired),
    gauge("hinted_keys_count", "Keys kept for owners that could not be reached", hints.keys),
    gauge("hinted_bytes", "Bytes kept for owners that could not be reached", hints.bytes),
    counter("hints_handed_over_total", "Keys handed over to their owners", hints.handedOver),
    counter("comparisons_total", "Comparisons with other owners", comparisons.compared),
    counter("comparison_repairs_total", "Copies repaired by comparisons", comparisons.repaired),
    counter(
      "floors_raised_total",
      "Partitions whose owners have agreed that they have seen everything up to some time",
      measured.floorsRaised,
    ),
    counter(
      "keys_forgotten_total",
      "Keys that have lost tombstones and the like",
      measured.keysForgotten,
    ),
    gauge("filling_partitions_count", "Partitions to be filled", measured.fillingPartitions),
    gauge("rpcs_open_count", "Requests to peers that wait for an answer", measured.rpc.openCount),
    counter("rpcs_sent_bytes_total", "Bytes of messages to peers", measured.rpc.sentBytes),
    gauge("peers_avoided_count", "Peers that do not answer at present", measured.rpc.avoidedCount),
    counter(
      "rpcs_refused_total",
      "Requests of peers that may not make them",
      measured.rpc.refusedCount,
    ),
    ...nonsense(measured.rpc.nonsense, members),
    counter("hedged_reads_total", "Reads that asked another node as well", hedging.reads.count),
    counter(
      "early_stand_ins_total",
      "Writes that asked stand-ins for the slow",
      hedging.writes.count,
    ),
    gauge("clock_skew_ms", "Distance of this clock from the median of all", measured.skewMs),
    gauge(
      "disk_takes_writes",
      "1 unless the disk is full or fails",
      Number(disk.condition === "ok"),
    ),
    gauge(
      "disk_is_readable",
      "0 if the disk fails altogether",
      Number(disk.condition !== "failed"),
    ),
    ...(freeBytes === undefined
      ? []
      : [gauge("disk_free_bytes", "Room left on the device of the disk", freeBytes)]),
    counter(
      "background_waited_ms_total",
      "How long hand-off and comparisons have given way to requests",
      measured.backgroundWaitedMs,
    ),
    counter("actors_ended_total", "Actors ended by signs of forgetting", measured.actorsEnded),
    ...(["up", "suspect", "down"] as const).map((state) => ({
      ...gauge("members_count", "Other members by state", inState(state)),
      labels: { state },
    })),
    ...Object.entries(storage).map(([name, value]) => {
      const help = `Storage: ${name}`;
      const snake = `storage_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
      return gauge(snake, help, value);
    }),
  ];
}

/** One figure for each sender and kind; 0 for nobody, so that the figure can be found before it matters. */
function nonsense(counts: readonly NonsenseCount[], members: readonly Member[]): Measurement[] {
  const names = new Map(members.map(({ node, peerId }) => [peerId, node]));
  const listed = counts.length > 0 ? counts : [{ peer: "nobody", kind: "none", count: 0 }];
  return listed.map(({ count, kind, peer }) => ({
    ...counter("nonsense_total", "Messages of peers that make no sense", count),
    labels: { from: names.get(peer) ?? peer, kind },
  }));
}

function gauge(name: string, help: string, value: number): Measurement {
  return { name, help, kind: "gauge", value };
}

function counter(name: string, help: string, value: number): Measurement {
  return { name, help, kind: "counter", value };
}
