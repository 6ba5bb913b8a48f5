/**
 * Sequences by chance: fast-check makes them from a seed, and shrinks each that shows a new deviation to the shortest
 * that still shows it.
 */

import fc from 'fast-check';
import { sweep } from './lab/sweep.ts';
import type { Model } from './model/model.ts';
import { outcomesOf } from './model/outcomes.ts';
import { isPossible, stepsByChance } from './model/profiles.ts';
import { nameOf, type Step } from './model/steps.ts';
import { type Finding, keyOfFinding } from './rules/findings.ts';
import type { Course, Run } from './run.ts';

export interface RandomOptions {
  readonly seed: number;
  /** How many sequences there are. Those that shrinking takes come on top. */
  readonly runs: number;
}

/** Longer sequences show nothing that these do not, as a rule. */
const LONGEST = 8;

/**
 * @param progress is told how many of them have been played
 * @returns when no sequence shows anything new
 */
export async function playRandom(
  run: Run,
  { seed, runs }: RandomOptions,
  progress: (done: number) => void,
): Promise<void> {
  // Each round ends at the first new deviation, and goes on after the sequences that have been played.
  for (let left = runs, round = 0; left > 0; round++) {
    const found = await untilNew(run, { seed: seed + round, runs: left }, (done) => progress(runs - left + done));
    left -= found.played;
    if (found.finding === undefined) return;
    run.note(found.finding, found.steps);
  }
}

interface Found {
  readonly finding: Finding | undefined;
  readonly steps: readonly Step[];
  readonly played: number;
}

async function untilNew(run: Run, { seed, runs }: RandomOptions, progress: (done: number) => void): Promise<Found> {
  let wanted: Finding | undefined;
  let steps: readonly Step[] = [];
  let played = 0;
  const property = fc.asyncProperty(commandsOf(run), async (commands) => {
    if (wanted === undefined) progress(played++);
    const course = run.begin();
    const seen: Seen = { course, finding: undefined };
    try {
      await fc.asyncModelRun(() => ({ model: course, real: seen }), commands);
    } finally {
      await sweep(run.lab);
    }
    // While it is shrunk, only the same deviation counts.
    if (seen.finding === undefined) return;
    if (wanted !== undefined && keyOfFinding(wanted) !== keyOfFinding(seen.finding)) return;
    wanted = seen.finding;
    steps = [...course.steps];
    throw new Deviates(keyOfFinding(wanted));
  });
  const { failed, errorInstance } = await fc.check(property, { seed, numRuns: runs });
  run.signal.throwIfAborted();
  if (failed && !(errorInstance instanceof Deviates)) throw errorInstance;
  return { finding: wanted, steps, played };
}

class Deviates extends Error {}

interface Seen {
  readonly course: Course;
  /** The first deviation that was not known before. */
  finding: Finding | undefined;
}

/** A step as a command of fast-check's. */
class StepCommand implements fc.AsyncCommand<Course, Seen> {
  readonly #run: Run;
  readonly #step: Step;
  /** Whether it is taken where the model says that it is refused. */
  readonly #bold: boolean;

  constructor(run: Run, step: Step, bold: boolean) {
    this.#run = run;
    this.#step = step;
    this.#bold = bold;
  }

  check({ model, steps }: Readonly<Course>): boolean {
    if (model === undefined || steps.length >= LONGEST || this.#run.signal.aborted) return false;
    return isPossible(model, this.#step) && (this.#bold || isPermitted(model, this.#step));
  }

  async run(course: Course, seen: Seen): Promise<void> {
    const findings = await course.take(this.#step);
    seen.finding ??= findings.find((finding) => !this.#run.deviations.has(keyOfFinding(finding)));
  }

  toString(): string {
    return nameOf(this.#step);
  }
}

const isPermitted = (model: Model, step: Step): boolean =>
  outcomesOf(model, step).some(({ succeeds }) => succeeds.includes(true));

/** A command that is refused is worth a look, but it leads nowhere. */
const BOLD_ONE_IN = 6;

function commandsOf(run: Run): fc.Arbitrary<Iterable<fc.AsyncCommand<Course, Seen>>> {
  const step = fc.constantFrom(...stepsByChance(run.profile));
  const bold = fc.integer({ min: 1, max: BOLD_ONE_IN }).map((chance) => chance === BOLD_ONE_IN);
  const command = fc.tuple(step, bold).map(([one, isBold]) => new StepCommand(run, one, isBold));
  // Most of what is drawn is skipped where it makes no sense.
  return fc.commands([command], { maxCommands: 10 * LONGEST, size: 'max' });
}
