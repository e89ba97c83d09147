// Stories: scripted clusters in plain words, each step with what was observed after it.
//
// A story is for an engineer who asks "what does the store do if ...?", and for the machine that checks whether it
// still does. Everything that is observed comes from real nodes and from the bytes on their simulated disks.
// A file has a title, a blank line, prose, and then steps, one a line; what was observed stands indented
// below its step, and lines in parentheses are for the reader. `UPDATE_STORIES=1 deno test -A tests/stories`
// writes what is observed into the files; without it a difference fails.
//
// The first step sets the stage. What it does not say is as in this one; further words of it are
// `patience 2 s`, how long requests may take, `strict`, so that nobody stands in for an owner, `no caches`, so that
// every read is one of the disk, `wide: on 5` and `thin: on 2`, so that keys which begin so have as many copies, `hints for 30 s`, after which nobody stands in for who is away, and `compared
// every 1 s`, without which copies do not become equal by themselves:
//
//   three nodes n1 n2 n3, each key on 3, r quorum, w quorum
//
// People ask nodes, and remember of each key what they were shown last. Every value is written once.
//
//   ann at n1: get cart                            also `, r one` and `, within 500 ms`
//   ann at n1: get cart at least what bob saw            nothing older than bob's last answer
//   ann at n1: put cart = "milk"                   also `, w all` and `, within 500 ms`
//   ann at n1: put cart = "milk" with what bob saw       the context of bob's last answer
//   ann at n1: put cart = "milk" with what bob saw of list        one of another key
//   ann at n1: delete cart                         also `with what ann saw`
//   ann at n1: add "milk" "tea" to set cart         values that merge, and when a key ends; a removal takes what
//   ann at n1: remove "milk" from set cart           a read would show, or `with what ann saw`
//   ann at n1: add 5 to counter visits
//   ann at n1: set name = "Ada" in map user
//   ann at n1: remove name from map user
//   ann at n1: let cart end in 10 s                also `let cart never end`
//   ann at n1 begins: ...                          does not wait for the answer
//   ann hears                                      waits for it
//
// Things happen:
//
//   cut n1 from n2 n3            cut the way from n1 to n2         heal all ways
//   from here on nodes are told to join n1 alone (when they start)
//   kill n1                      power off n1 n2 (nobody is told)  start n1
//   kill n1 once its disk holds "milk"
//   pause n1                     resume n1                         20 s pass
//   strangers tell n1 n2 that they were left behind
//   a stranger starts a process under the name of n2       that process ends
//   back up the disk of n1 as "monday"      restore the disk of n1 from "monday"
//   put an empty disk into n1    put an empty disk into n1, whose key is lost too   (it is another peer then)
//   a bit of cart flips on the disk of n1
//   the disk of n1 is slow       (or unreadable, full, fine)
//   the clock of n1 is 5 s ahead (or behind, or right)
//
// Somebody looks:
//
//   disks hold cart              what lies on the disk of each owner, and of others if there is something
//   owners of cart               where it lives
//   n1 sees                      what n1 thinks of the other nodes
//   when all is healed, of cart  undoes all that is wrong, reads cart from all its owners, and judges
//
// Names: n1b:3 is the third write of the second actor of n1 (see dot_names.ts). "In place of n1b:3" means that
// everything of that actor up to then has been seen and replaced, "ends by n1b:3" that this write said when.

import { messageOf } from "../../src/wire/errors.ts";
import { Stage } from "./stage.ts";
import { readSetting } from "./stage_setting.ts";
import { carryOut } from "./steps.ts";
import { StoryMistake, StoryText } from "./story_text.ts";

/** What came of playing a story. */
export interface Played {
  /** The text with what was observed. */
  readonly text: string;
  /** What must never happen, and has. */
  readonly violations: readonly string[];
}

/**
 * Plays a story.
 *
 * @param seed decides what no story may depend on
 * @throws {StoryMistake} with the number of the line that cannot be carried out
 */
export async function play(source: string, seed: number): Promise<Played> {
  const story = new StoryText(source);
  const [setting, ...steps] = story.steps;
  const stage = new Stage(atLine(setting!.number, () => readSetting(setting!.text)), seed);
  const observed: (readonly string[])[] = [[]];
  try {
    await stage.begin();
    for (const { number, text } of steps) {
      try {
        observed.push(await carryOut(stage, text));
      } catch (error) {
        throw new StoryMistake(number, messageOf(error), error);
      }
    }
  } finally {
    stage.close();
  }
  const [unheard] = stage.asked.keys();
  if (unheard !== undefined) {
    throw new StoryMistake(steps.at(-1)!.number, `${unheard} has not heard the answer yet`);
  }
  return { text: story.withObserved(observed), violations: stage.world.violations };
}

function atLine<T>(number: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new StoryMistake(number, messageOf(error), error);
  }
}
