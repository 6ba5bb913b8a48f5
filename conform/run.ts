/** Plays sequences with real containers, and gathers what deviates. */

import type { Lab } from './lab/lab.ts';
import { sweep } from './lab/sweep.ts';
import { type Model, nothingYet, type Profile } from './model/model.ts';
import type { Step } from './model/steps.ts';
import { play } from './play.ts';
import { type Deviation, type Finding, keyOfFinding } from './rules/findings.ts';
import type { RuleName } from './rules/rules.ts';

/** What has been done and found so far. */
export class Run {
  readonly lab: Lab;
  readonly profile: Profile;
  readonly signal: AbortSignal;
  readonly deviations = new Map<string, Deviation>();
  readonly counts = new Map<RuleName, number>();
  /** The transitions of the chart that were taken, by name. */
  readonly taken = new Set<string>();
  sequences = 0;
  steps = 0;

  constructor(lab: Lab, profile: Profile, signal: AbortSignal) {
    this.lab = lab;
    this.profile = profile;
    this.signal = signal;
  }

  /** Plays a whole sequence, as far as the runtime does what the model says. */
  async sequence(steps: readonly Step[]): Promise<void> {
    const course = this.begin();
    try {
      for (const step of steps) {
        const findings = await course.take(step);
        for (const finding of findings) this.note(finding, course.steps);
        if (course.model === undefined) break;
      }
    } finally {
      await sweep(this.lab);
    }
  }

  begin(): Course {
    this.sequences++;
    return new Course(this);
  }

  /** Keeps a deviation, or the shorter of two sequences that show it. */
  note(finding: Finding, steps: readonly Step[]): void {
    const key = keyOfFinding(finding);
    const known = this.deviations.get(key);
    if (known === undefined || known.steps.length > steps.length)
      this.deviations.set(key, { ...finding, steps: [...steps] });
  }
}

/** One sequence while it is played. */
export class Course {
  readonly #run: Run;
  readonly steps: Step[] = [];
  /** Undefined when the container is no more where the model has it. */
  model: Model | undefined;

  constructor(run: Run) {
    this.#run = run;
    this.model = nothingYet(run.profile, run.lab.cgroup.hasLimits);
  }

  async take(step: Step): Promise<readonly Finding[]> {
    this.#run.signal.throwIfAborted();
    if (this.model === undefined) return [];
    this.steps.push(step);
    this.#run.steps++;
    const { findings, outcome } = await play(this.#run.lab, this.model, step, this.#run.counts);
    for (const name of outcome?.taken ?? []) this.#run.taken.add(name);
    this.model = outcome?.model;
    return findings;
  }
}
