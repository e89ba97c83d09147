// A world of given events, to see what explorers make of it.

import type { EventKind } from "./agenda.ts";
import type { Explorer } from "./every_order.ts";
import type { Footprint } from "./pilot.ts";

/** An event of a toy world. */
export interface ToyEvent {
  readonly place: string;
  readonly kind?: EventKind;
  /** Events that are possible only after this one. */
  readonly then?: readonly string[];
  readonly hasEnded?: boolean;
  readonly isNoted?: boolean;
}

export type ToyWorld = Readonly<Record<string, ToyEvent>>;

/** All orders that an explorer runs, and how many it gives up. */
export function ordersOf(world: ToyWorld, explorer: Explorer) {
  const orders: string[] = [];
  let givenUpCount = 0;
  do {
    const order = orderOf(world, explorer);
    if (order === undefined) givenUpCount++;
    else orders.push(order);
  } while (explorer.next());
  return { orders, givenUpCount };
}

function orderOf(world: ToyWorld, explorer: Explorer): string | undefined {
  const later = new Set(Object.values(world).flatMap(({ then = [] }) => then));
  const open = Object.keys(world).filter((name) => !later.has(name));
  let order = "";
  while (open.length > 0) {
    const chosen = explorer.choose(open.map((name) => {
      const { kind = "message", place } = world[name]!;
      return { name, place, kind, happen: () => {} };
    }));
    if (chosen === undefined) return undefined;
    order += chosen.name;
    open.splice(open.indexOf(chosen.name), 1);
    open.push(...world[chosen.name]!.then ?? []);
    explorer.happened(footprintOf(world[chosen.name]!));
  }
  return order;
}

function footprintOf({ hasEnded = false, isNoted = false, place }: ToyEvent): Footprint {
  return { place, hasEnded, isNoted };
}
