// What can happen next in a small world, and whoever asks may choose from it.
//
// The parts of a world do not act by themselves: a message that could arrive, a disk that could finish a
// commit, a request that could begin each put an event here and wait until it is chosen. The oldest event
// comes first; to choose that one always is the natural order.

/** Every kind of event. `link` is word of the beginning or the end of a connection. */
export type EventKind = "request" | "message" | "link" | "commit" | "read" | "crash" | "restart";

/** Something that can happen. */
export interface PossibleEvent {
  /** The same in every order of events in which it happens for the same reason. */
  readonly name: string;
  /** The node that it happens at. It touches nothing elsewhere but what is on its way from there. */
  readonly place: string;
  readonly kind: EventKind;
  readonly happen: () => void;
  /** Whether it can happen at this moment; it always can unless given. */
  readonly isPossible?: (() => boolean) | undefined;
}

export class Agenda {
  readonly #events = new Map<string, PossibleEvent>();

  /** @throws {Error} if an event of this name is possible already */
  add(event: PossibleEvent): void {
    if (this.#events.has(event.name)) throw new Error(`Two events are called ${event.name}`);
    this.#events.set(event.name, event);
  }

  /** Takes an event back; without effect if it has happened. */
  remove(name: string): void {
    this.#events.delete(name);
  }

  /** All events that are possible now, the oldest first. */
  possible(): PossibleEvent[] {
    return [...this.#events.values()].filter(({ isPossible }) => isPossible?.() ?? true);
  }

  /** Lets an event happen. */
  take(event: PossibleEvent): void {
    this.#events.delete(event.name);
    event.happen();
  }
}
