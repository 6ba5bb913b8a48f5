/**
 * `conform`: checks any OCI runtime, by its command line, against the lifecycle machine. The machine is the model: its
 * states and transitions give the sequences of commands, and say what must be seen after each.
 */

import { Lab, type LabOptions } from './lab/lab.ts';
import { sweep } from './lab/sweep.ts';
import type { Profile } from './model/model.ts';
import { sequencesOf } from './model/sequences.ts';
import { allTransitions } from './model/walk.ts';
import { probe } from './probe.ts';
import { playRandom } from './random.ts';
import type { Deviation } from './rules/findings.ts';
import type { RuleName } from './rules/rules.ts';
import { Run } from './run.ts';

export interface ConformOptions extends LabOptions {
  readonly profile: Profile;
  /** How many sequences are made by chance, after those of the chart. */
  readonly runs: number;
  readonly seed: number;
  /** Whether it ends early. All that was made is removed then, too. */
  readonly signal: AbortSignal;
  /** Is told how far it is: the sequences that were played, of how many. */
  readonly progress?: ((done: number, all: number) => void) | undefined;
}

export interface Conformance {
  readonly program: string;
  /** The first line of what `--version` prints. */
  readonly version: string;
  readonly profile: Profile;
  readonly seed: number;
  readonly cgroups: 'v1' | 'v2';
  readonly sequences: { readonly chart: number; readonly random: number };
  readonly steps: number;
  readonly seconds: number;
  readonly transitions: { readonly taken: readonly string[]; readonly all: readonly string[] };
  /** How often each rule was checked. */
  readonly checked: ReadonlyMap<RuleName, number>;
  readonly deviations: readonly Deviation[];
}

/** @throws Error of one line, if the program is no OCI runtime, or if something cannot be removed */
export async function conform(options: ConformOptions): Promise<Conformance> {
  const { profile, runs, seed, signal, progress } = options;
  const began = performance.now();
  const lab = new Lab(options);
  try {
    const version = await probe(lab);
    const run = new Run(lab, profile, signal);
    const chart = sequencesOf(profile, lab.cgroup.hasLimits);
    for (const [index, steps] of chart.entries()) {
      progress?.(index, chart.length + runs);
      await run.sequence(steps);
    }
    await playRandom(run, { seed, runs }, (done) => progress?.(chart.length + done, chart.length + runs));
    return {
      program: lab.program,
      version,
      profile,
      seed,
      cgroups: lab.cgroup.isUnified ? 'v2' : 'v1',
      sequences: { chart: chart.length, random: run.sequences - chart.length },
      steps: run.steps,
      seconds: (performance.now() - began) / 1000,
      transitions: { taken: [...run.taken], all: allTransitions() },
      checked: run.counts,
      deviations: [...run.deviations.values()].toSorted((one, other) => one.steps.length - other.steps.length),
    };
  } finally {
    await sweep(lab).finally(() => lab.remove());
  }
}
