// Greets the peers of one network: who is let in, and which of several connections to one peer is used.
//
// See greeting.ts for what is said. Everything is answered here; the network is told of what has an effect beyond the
// link.

import type { Log } from "../ports/log.ts";
import type { NetworkHandlers, PeerId, Refusal } from "../ports/network.ts";
import {
  choose,
  type GreetingFrame,
  type Hello,
  identityInUse,
  isEarlier,
  NETWORK_VERSION,
  type RefusalFrame,
  type Run,
} from "./greeting.ts";
import { isAlive } from "./identity_watch.ts";
import type { PeerLink } from "./peer_link.ts";

export interface GreeterOptions {
  readonly self: PeerId;
  readonly cluster: string;
  /** This run of our process. */
  readonly run: Run;
  readonly log: Log;
  /** All open links. */
  readonly links: () => Iterable<PeerLink>;
  /** A peer will not have us, or we it: it is called more seldom. */
  readonly refused: (peer: PeerId) => void;
  /** Calls with the handlers, if the network has not stopped; a failure ends the link. */
  readonly guarded: (call: (handlers: NetworkHandlers) => void, link: PeerLink) => void;
}

export class Greeter {
  /** The one link in use per peer: greeted from both sides or about to be. */
  readonly chosen = new Map<PeerId, PeerLink>();
  readonly #options: GreeterOptions;
  #helloCount = 0;

  constructor(options: GreeterOptions) {
    this.#options = options;
  }

  /** A link can be greeted on. */
  opened(link: PeerLink, handlers: NetworkHandlers): void {
    if (!this.#decides(link)) this.#sayHello(link, handlers);
  }

  /** A peer has said something that only the network can answer. */
  greeted(
    link: PeerLink,
    frame: Exclude<GreetingFrame, { kind: "accept" }>,
    handlers: NetworkHandlers,
  ): void {
    switch (frame.kind) {
      case "refusal":
        return this.#onRefusal(link, frame, handlers);
      case "other_version":
        return this.#refuse(link, {
          code: "other_version",
          message: `This node speaks version ${NETWORK_VERSION} of the protocol`,
          details: { version: NETWORK_VERSION },
        });
      case "hello":
        return this.#onHello(link, frame, handlers);
    }
  }

  #onHello(link: PeerLink, hello: Hello, handlers: NetworkHandlers): void {
    const { cluster } = this.#options;
    const before = link.received ?? link.contested;
    if (before !== undefined) return link.abort("It greeted twice");
    if (hello.cluster !== cluster) {
      // Neither can have the other, and only one of the two decides: it is told here.
      this.#options.refused(link.peer);
      this.#tellRefusal(
        link,
        otherCluster(`It is of cluster "${hello.cluster}", not "${cluster}"`),
        undefined,
        handlers,
      );
      return this.#refuse(
        link,
        otherCluster(`This is cluster "${cluster}", not "${hello.cluster}"`),
      );
    }
    const chosen = this.chosen.get(link.peer);
    const former = chosen?.isUp === true ? chosen.received : undefined;
    if (former !== undefined && former.instance !== hello.instance) {
      link.contested = { ...hello, greeting: hello.greeting.slice() };
      return this.#contest(link, link.contested, chosen!, former);
    }
    if (this.#decides(link) && choose(chosen?.received, hello) === "drop") {
      return link.close("Another connection is in use");
    }
    this.#judge(link, hello, handlers);
  }

  /** Another run of a peer greets while the former one is connected: one that lives and began earlier stays. */
  #contest(link: PeerLink, hello: Hello, chosen: PeerLink, former: Hello): void {
    const goOn = (isFormerAlive: boolean) => {
      if (!link.isOpen) return;
      this.#options.guarded((handlers) => {
        const stays = isFormerAlive && chosen.isUp && isEarlier(former, hello);
        if (!stays) return this.#judge(link, hello, handlers);
        const address = chosen.connection.remoteAddr.toString();
        this.#refuse(link, identityInUse(former, address), this.#hello(link, handlers));
      }, link);
    };
    if (isEarlier(former, hello)) void isAlive(chosen.connection).then(goOn);
    else goOn(true);
  }

  #judge(link: PeerLink, hello: Hello, handlers: NetworkHandlers): void {
    const isDialled = link.connection.direction === "outbound";
    const refusal = handlers.admit(link.peer, hello.greeting, isDialled);
    if (refusal !== undefined) {
      return this.#refuse(link, refusal, this.#hello(link, handlers));
    }
    this.chosen.get(link.peer)?.abort("Another connection replaces it");
    link.received = { ...hello, greeting: hello.greeting.slice() };
    this.chosen.set(link.peer, link);
    if (this.#decides(link)) this.#sayHello(link, handlers);
    else link.accept();
  }

  /** What a peer says that is not of our cluster, or does not tell, is heard and has no greeting beside it. */
  #onRefusal(link: PeerLink, frame: RefusalFrame, handlers: NetworkHandlers): void {
    const { refusal } = frame;
    const hello = link.received ?? frame.hello;
    const isOurs = hello?.cluster === this.#options.cluster;
    this.#options.refused(link.peer);
    this.#tellRefusal(link, refusal, isOurs ? hello.greeting : undefined, handlers);
    link.close(`It refused us: ${refusal.message}`);
  }

  #tellRefusal(
    { connection, peer }: PeerLink,
    refusal: Refusal,
    greeting: Uint8Array | undefined,
    handlers: NetworkHandlers,
  ): void {
    const isDialled = connection.direction === "outbound";
    handlers.refusedBy(peer, refusal, { greeting, isDialled });
  }

  #refuse(link: PeerLink, refusal: Refusal, hello?: Omit<Hello, "kind">): void {
    const { code, message } = refusal;
    this.#options.log.info("A peer was refused", { peer: link.peer, code, reason: message });
    link.refuse(refusal, hello);
  }

  /** Of the two peers the one with the smaller id chooses the connection. */
  #decides(link: PeerLink): boolean {
    return this.#options.self < link.peer;
  }

  #sayHello(link: PeerLink, handlers: NetworkHandlers): void {
    link.sayHello(this.#hello(link, handlers));
  }

  #hello(link: PeerLink, handlers: NetworkHandlers): Omit<Hello, "kind"> {
    const others = [...this.#options.links()].filter((other) => other.peer === link.peer);
    const held = others.flatMap(({ sent }) => sent === undefined ? [] : [sent.number]);
    return {
      cluster: this.#options.cluster,
      ...this.#options.run,
      number: ++this.#helloCount,
      holds: held.length === 0 ? 0 : Math.min(...held),
      greeting: handlers.greeting(),
    };
  }
}

function otherCluster(message: string): Refusal {
  return { code: "other_cluster", message, details: {} };
}
