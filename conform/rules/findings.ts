/** What the checks of a run have come to. */

import type { Step } from '../model/steps.ts';
import type { RuleName } from './rules.ts';

/** What a check found that a rule does not allow. */
export interface Finding {
  readonly rule: RuleName;
  /** In what case: `start of a running container`. There is one deviation for each rule and case. */
  readonly about: string;
  readonly expected: string;
  readonly seen: string;
}

export interface Deviation extends Finding {
  /** The shortest sequence that is known to show it. */
  readonly steps: readonly Step[];
}

export const keyOfFinding = ({ rule, about }: Finding): string => `${rule}: ${about}`;

/** Checks of one step, and what they found. */
export class Checks {
  readonly findings: Finding[] = [];
  readonly counts: Map<RuleName, number>;

  /** @param counts how often each rule has been checked; they are counted on */
  constructor(counts: Map<RuleName, number>) {
    this.counts = counts;
  }

  /** @returns whether it is as expected */
  check(isRight: boolean, finding: Finding): boolean {
    this.counts.set(finding.rule, (this.counts.get(finding.rule) ?? 0) + 1);
    if (!isRight) this.findings.push(finding);
    return isRight;
  }
}
