// The text of a story: what its author wrote, and the places where what was observed stands.
//
// Everything above the line that sets the stage ("three nodes n1 n2 n3, ...") is a title and prose. Below it a
// line that begins at the margin is a step, indented lines are what was observed after the step above
// them, and lines in parentheses are for the reader.

/** One line that is to be carried out. */
export interface StepLine {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** What stands below it, without the indentation. */
  readonly observed: readonly string[];
}

/** Something in a story that nobody can carry out. */
export class StoryMistake extends SyntaxError {
  constructor(readonly lineNumber: number, problem: string, cause?: unknown) {
    super(`Line ${lineNumber}: ${problem}`, { cause });
  }
}

/** What the first step begins with; see stage_setting.ts. */
const SETTING = /^\w+ nodes? n1\b/;

export class StoryText {
  readonly title: string;
  /** The first sets the stage. */
  readonly steps: readonly StepLine[];
  readonly #lines: readonly string[];

  /** @throws {StoryMistake} if there is no title, no word on what the story shows, or no step */
  constructor(text: string) {
    this.#lines = text.trimEnd().split("\n").map((line) => line.trimEnd());
    this.title = this.#lines[0]!;
    const first = this.#lines.findIndex((line) => SETTING.test(line));
    if (first === -1) {
      throw new StoryMistake(
        this.#lines.length,
        "no line sets the stage, as `three nodes n1 n2 n3` does",
      );
    }
    const prose = this.#lines.slice(1, first).filter((line) => line !== "");
    if (this.title === "" || this.#lines[1] !== "" || prose.length === 0) {
      throw new StoryMistake(1, "a story begins with a title, a blank line, and what it shows");
    }
    this.steps = readSteps(this.#lines, first);
  }

  /** The whole text with this below each step; the observations in the order of the steps. */
  withObserved(observed: readonly (readonly string[])[]): string {
    const lines: string[] = [];
    let at = 0;
    for (const [i, step] of this.steps.entries()) {
      lines.push(...this.#lines.slice(at, step.number));
      lines.push(...(observed[i] ?? []).map((line) => `  ${line}`));
      at = step.number + step.observed.length;
    }
    lines.push(...this.#lines.slice(at));
    return `${lines.join("\n")}\n`;
  }
}

function readSteps(lines: readonly string[], first: number): StepLine[] {
  const steps: (StepLine & { readonly observed: string[] })[] = [];
  let isAside = false;
  let isObserved = false;
  for (const [i, line] of lines.entries()) {
    if (i < first) continue;
    isAside ||= line.startsWith("(");
    if (isAside) {
      isAside = !line.endsWith(")");
      isObserved = false;
      if (isAside && i + 1 === lines.length) {
        throw new StoryMistake(i + 1, "a parenthesis is not closed");
      }
    } else if (line === "") {
      isObserved = false;
    } else if (!line.startsWith(" ")) {
      steps.push({ number: i + 1, text: line, observed: [] });
      isObserved = true;
    } else if (isObserved) {
      steps.at(-1)!.observed.push(line.trimStart());
    } else {
      throw new StoryMistake(i + 1, "what was observed stands right below its step");
    }
  }
  return steps;
}
