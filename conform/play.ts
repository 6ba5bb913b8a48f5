/** Takes one step with a real container, and compares what is seen with what the model allows. */

import { setTimeout } from 'node:timers/promises';
import type { Ended } from './lab/command.ts';
import type { Lab } from './lab/lab.ts';
import { hooksSeen, leftovers, look, lookAtKernel, member, type Seen, signalsSeen } from './lab/look.ts';
import { perform, succeeded } from './lab/perform.ts';
import { takesTime } from './model/by-chart.ts';
import { factsOf, type Model, type Outcome, situationOf, statusIn } from './model/model.ts';
import { outcomesOf } from './model/outcomes.ts';
import { nameOf, type Single, type Step } from './model/steps.ts';
import { Checks, type Finding } from './rules/findings.ts';
import type { RuleName } from './rules/rules.ts';
import { checkHooks, checkKernel, checkLimit, checkList, checkState } from './rules/state-checks.ts';
import { ruleOfEffect, rulePermitting, ruleRefusing } from './rules/which.ts';

export interface Played {
  readonly findings: readonly Finding[];
  /** What the step has led to; undefined if the model does not know any more. */
  readonly outcome: Outcome | undefined;
}

const PAUSE_MS = 5;

/** @param counts how often each rule has been checked; they are counted on */
export async function play(lab: Lab, model: Model, step: Step, counts: Map<RuleName, number>): Promise<Played> {
  const before = model.container === undefined ? { ...model, hooks: [] } : model;
  const checks = new Checks(counts);
  const allowed = outcomesOf(before, step);
  // What an earlier container has left there would be taken for this one's.
  if (before.container === undefined || ('atOnce' in step && statusIn(before) === 'stopped')) lab.reset();
  const signals = signalsSeen(lab);
  const hooks = hooksSeen(lab).length;
  const ended = await perform(lab, step);
  const outcome = await judge(checks, { lab, before, hooks, step, allowed, ended });
  if (outcome !== undefined) await checkSignal(checks, lab, step, outcome, signals);
  return { findings: checks.findings, outcome };
}

interface Taken {
  readonly lab: Lab;
  readonly before: Model;
  /** How many hooks had run before. */
  readonly hooks: number;
  readonly step: Step;
  readonly allowed: readonly Outcome[];
  readonly ended: readonly Ended[];
}

async function judge(checks: Checks, taken: Taken): Promise<Outcome | undefined> {
  const { lab, before, step, ended } = taken;
  if (!checkAnswers(checks, taken)) return undefined;
  const fitting = checkExits(checks, taken);
  if (fitting.length === 0) return undefined;
  const waited = await waitFor(lab, step, before, fitting);
  const seen = await lookFor(taken, fitting);
  const status = statusSeen(seen);
  const outcome = fitting.find(({ model }) => statusIn(model) === status);
  const [first] = fitting;
  if (first === undefined) return undefined;
  const failed = !first.succeeds.every(Boolean);
  const about = `${nameOf(step)} of ${situationOf(before)}`;
  const expected = statusOrNone(statusIn(first.model));
  checks.check(outcome !== undefined, {
    rule: ruleOfEffect(step, before, first.model, failed),
    about,
    expected: `${expected} afterwards`,
    seen: `${statusOrNone(status)}${waited ? '' : ', after a long wait'}${explained(ended, failed)}`,
  });
  if (outcome === undefined) return undefined;
  checkAll(checks, taken, outcome.model, seen);
  return outcome;
}

function checkAll(checks: Checks, { lab, before, hooks, step }: Taken, model: Model, seen: Seen): void {
  checkList(checks, model, seen);
  checkHooks(checks, { lab, step, before: { model: before, hooks } }, model, hooksSeen(lab));
  if (model.container !== undefined) {
    checkState(checks, model, seen, lab);
    checkKernel(checks, model, seen);
    checkLimit(checks, model, step, lab);
    return;
  }
  const makes = 'atOnce' in step || ('ask' in step && step.ask === 'create');
  if (before.container === undefined && !makes) return;
  const left = leftovers(lab);
  checks.check(left.length === 0, {
    rule: ruleOfEffect(step, before, model, !('atOnce' in step) && 'ask' in step && step.ask !== 'delete'),
    about: `what ${nameOf(step)} of ${situationOf(before)} leaves`,
    expected: 'nothing is left',
    seen: left.map((one) => one.replaceAll(lab.cgroup.name, '…')).join(', '),
  });
}

function checkAnswers(checks: Checks, { lab, before, step, ended }: Taken): boolean {
  return checks.check(
    ended.every(({ hung }) => !hung),
    {
      rule: 'answers',
      about: `${nameOf(step)} of ${situationOf(before)}`,
      expected: 'the command ends',
      seen: `it was killed after ${lab.patience / 1000} s`,
    },
  );
}

/** @returns the outcomes that fit how the commands ended */
function checkExits(checks: Checks, { lab, before, step, allowed, ended }: Taken): readonly Outcome[] {
  const singles = 'atOnce' in step ? step.atOnce : [step];
  const successes = singles.map((single, index) => succeeded(single, ended[index] ?? UNKNOWN));
  const fitting = allowed.filter(({ succeeds }) => successes.every((one, index) => one === succeeds[index]));
  const expected = [...new Set(allowed.map(({ succeeds }) => succeeds.map(wordFor).join(' and ')))];
  checks.check(fitting.length > 0, {
    rule: ruleOfExit(step, before, allowed[0]?.succeeds[0] ?? true),
    about: `${nameOf(step)} of ${situationOf(before)}`,
    expected: expected.join(', or '),
    seen: successes
      .map((success, index) => exitInWords(success, ended[index] ?? UNKNOWN))
      .join(' and ')
      .replaceAll(lab.folder, '…'),
  });
  return fitting;
}

const UNKNOWN: Ended = { status: undefined, stdout: '', stderr: '', hung: false };

function ruleOfExit(step: Step, before: Model, succeeds: boolean): RuleName {
  if ('atOnce' in step) return 'oneAfterTheOther';
  return succeeds ? rulePermitting(step, before) : ruleRefusing(step, before);
}

const wordFor = (success: boolean): string => (success ? 'success' : 'an error');

function exitInWords(success: boolean, { status, stderr }: Ended): string {
  const how = status === undefined ? 'a crash' : `exit status ${status}`;
  return success || stderr === '' ? how : `${how} (${lastLine(stderr)})`;
}

/** The message of the last line: runc's log has a time and a level before it. */
function lastLine(text: string): string {
  const line = text.split('\n').at(-1) ?? '';
  return /\bmsg="(.*)"$/.exec(line)?.[1] ?? line;
}

const explained = (ended: readonly Ended[], failed: boolean): string =>
  failed ? '' : ended.map(({ stderr }) => (stderr === '' ? '' : ` (${lastLine(stderr)})`)).join('');

/** A state that cannot be read is shown as it is, so it fits no status. */
function statusSeen({ state, stateEnded }: Seen): string | undefined {
  if (stateEnded.status !== 0) return stateEnded.hung ? 'a state that does not end' : undefined;
  const status = member(state, 'status');
  return typeof status === 'string' ? status : 'a state without a status';
}

const statusOrNone = (status: string | undefined): string => status ?? 'no container';

const MOMENT_MS = 1000;

/** A process leaves its cgroup a moment before it has ended. So a runtime has a second to find out. */
async function lookFor({ lab, before, step }: Taken, fitting: readonly Outcome[]): Promise<Seen> {
  const until = performance.now() + (maySettle(step, before) ? MOMENT_MS : 0);
  for (;;) {
    const seen = await look(lab, before.profile === 'runc');
    const status = statusSeen(seen);
    if (fitting.some(({ model }) => statusIn(model) === status) || performance.now() >= until) return seen;
    await setTimeout(PAUSE_MS);
  }
}

function maySettle(step: Step, before: Model): boolean {
  const singles: readonly Single[] = 'atOnce' in step ? step.atOnce : [step];
  return singles.some((single) => takesTime(before, single));
}

/**
 * A process that starts or ends takes its time. Waits until the kernel shows what one of the outcomes says.
 * @returns whether it does
 */
async function waitFor(lab: Lab, step: Step, before: Model, fitting: readonly Outcome[]): Promise<boolean> {
  if (!maySettle(step, before)) return true;
  const until = performance.now() + lab.patience;
  while (!fitting.some(({ model }) => fits(lab, model))) {
    if (performance.now() > until) return false;
    await setTimeout(PAUSE_MS);
  }
  return true;
}

function fits(lab: Lab, model: Model): boolean {
  const kernel = lookAtKernel(lab);
  const facts = factsOf(model);
  const alive = facts.init === 'alive';
  if (kernel.alive !== alive) return false;
  // A program that was frozen at once has not said yet that it runs.
  return !alive || !facts.started || facts.frozen || kernel.started;
}

/** A signal that does not end the process is told by the program. */
async function checkSignal(checks: Checks, lab: Lab, step: Step, { succeeds }: Outcome, before: number): Promise<void> {
  if (!('ask' in step) || step.ask !== 'kill' || step.signal !== 'CONT' || succeeds[0] !== true) return;
  const until = performance.now() + lab.patience;
  while (signalsSeen(lab) === before && performance.now() < until) await setTimeout(PAUSE_MS);
  checks.check(signalsSeen(lab) > before, {
    rule: 'signals',
    about: 'CONT for a running container',
    expected: 'the process gets the signal',
    seen: 'it does not',
  });
}
