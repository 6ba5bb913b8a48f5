/** What is checked of a container after each step, besides its status. */

import { HOOK_NAMES } from '../../spec/rules/hooks.ts';
import type { Lab } from '../lab/lab.ts';
import { member, type Seen, stateOfHook } from '../lab/look.ts';
import { factsOf, type Model, statusIn } from '../model/model.ts';
import { ID, PIDS_LIMIT, type Step } from '../model/steps.ts';
import type { Checks } from './findings.ts';

/** A step, and what was before it. */
export interface Moment {
  readonly lab: Lab;
  readonly step: Step;
  /** `hooks` is how many had run. */
  readonly before: { readonly model: Model; readonly hooks: number };
}

/** Checks what `state` prints. */
export function checkState(checks: Checks, model: Model, seen: Seen, lab: Lab): void {
  const { state } = seen;
  const status = statusIn(model);
  for (const [name, isRight] of MEMBERS)
    checks.check(isRight(member(state, name)), {
      rule: 'stateForm',
      about: `${name} of a ${status} container`,
      expected: FORMS[name] ?? '',
      seen: shown(member(state, name)),
    });
  const bundle = `${lab.bundles}/${model.container?.bundle}`;
  checks.check(member(state, 'bundle') === bundle, {
    rule: 'bundle',
    about: `a ${status} container`,
    expected: bundle,
    seen: shown(member(state, 'bundle')),
  });
  // A process that was killed just before it was frozen is still shown, and no more to be seen.
  if (factsOf(model).init !== 'alive' || (status === 'paused' && seen.kernel.init === undefined)) return;
  checks.check(member(state, 'pid') === seen.kernel.init, {
    rule: 'pid',
    about: `a ${status} container`,
    expected: String(seen.kernel.init ?? 'a process of the container'),
    seen: shown(member(state, 'pid')),
  });
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** What schema/state-schema.json asks for. */
const MEMBERS: readonly (readonly [string, (value: unknown) => boolean])[] = [
  ['ociVersion', (value) => typeof value === 'string' && /^\d+\.\d+\.\d+/.test(value)],
  ['id', (value) => value === ID],
  ['status', isText],
  ['pid', (value) => value === undefined || (Number.isInteger(value) && Number(value) >= 0)],
  ['bundle', isText],
  ['annotations', (value) => isText(member(value, 'org.runchart.conform'))],
];

const FORMS: Readonly<Record<string, string>> = {
  ociVersion: 'a version',
  id: `"${ID}"`,
  status: 'a text',
  pid: 'a number, or nothing',
  bundle: 'a text',
  annotations: 'the annotations of config.json',
};

/** Checks what the kernel shows. */
export function checkKernel(checks: Checks, model: Model, { kernel }: Seen): void {
  const status = statusIn(model);
  const about = `a ${status} container`;
  const { init, started, frozen } = factsOf(model);
  if (status === 'created')
    checks.check(!kernel.started, { rule: 'waits', about, expected: 'a program that waits', seen: 'it has run' });
  if (status === 'created' || status === 'running' || status === 'stopped')
    checks.check(kernel.alive === (init === 'alive'), {
      rule: status,
      about: `the processes of ${about}`,
      expected: init === 'alive' ? 'a process' : 'no process',
      seen: kernel.alive ? 'a process' : 'no process',
    });
  if (model.profile === 'runc' && init === 'alive' && kernel.frozen !== undefined)
    checks.check(kernel.frozen === frozen, {
      rule: 'freezes',
      about: `the cgroup of ${about}${started ? '' : ' before its start'}`,
      expected: frozen ? 'frozen' : 'not frozen',
      seen: kernel.frozen ? 'frozen' : 'not frozen',
    });
}

/** Checks what `list` shows. */
export function checkList(checks: Checks, model: Model, { listed, listFault }: Seen): void {
  if (model.profile !== 'runc') return;
  if (listFault !== undefined) {
    checks.check(false, { rule: 'listed', about: 'list --format json', expected: 'a JSON array', seen: listFault });
    return;
  }
  const status = statusIn(model);
  checks.check(listed === status, {
    rule: 'listed',
    about: status === undefined ? 'no container' : `a ${status} container`,
    expected: status ?? 'nothing',
    seen: listed ?? 'nothing',
  });
}

/**
 * Checks which hooks have run in a step, and what they were told.
 * @param before the hooks that had run before it
 */
export function checkHooks(
  checks: Checks,
  { before, step, lab }: Moment,
  model: Model,
  hooks: readonly string[],
): void {
  const asks = 'ask' in step ? step.ask : 'two commands at once';
  const expected: readonly string[] = hooksSince(before.model, model);
  const seen = hooks.slice(before.hooks);
  if (expected.length === 0 && seen.length === 0) return;
  const about = (hook: string) => ({ rule: 'hooksOrder' as const, about: `${hook} in ${asks}` });
  const differing = HOOK_NAMES.filter((hook) => expected.includes(hook) !== seen.includes(hook));
  for (const hook of differing) {
    const [right, wrong] = expected.includes(hook) ? ['it runs', 'it does not'] : ['it does not run', 'it runs'];
    checks.check(false, { ...about(hook), expected: right, seen: wrong });
  }
  if (differing.length > 0) return;
  const inOrder = seen.join() === expected.join();
  checks.check(inOrder, { ...about('the order'), expected: expected.join(', '), seen: seen.join(', ') });
  for (const hook of seen) {
    const state = stateOfHook(lab, hook);
    const finding = { about: `the ${hook} hook`, expected: `a state with the id ${ID}`, seen: shown(state) };
    checks.check(member(state, 'id') === ID, { rule: 'hooksState', ...finding });
  }
}

/** The model's hooks of a step. A new container's begin anew. */
const hooksSince = (before: Model, { hooks }: Model): readonly string[] =>
  before.hooks.every((hook, index) => hook === hooks[index]) ? hooks.slice(before.hooks.length) : hooks;

/** Checks that `update` has written the limit. */
export function checkLimit(checks: Checks, model: Model, step: Step, lab: Lab): void {
  const limit = lab.cgroup.pidsLimit();
  if (!('ask' in step) || step.ask !== 'update' || !model.updated || limit === undefined) return;
  checks.check(limit === PIDS_LIMIT, {
    rule: 'updates',
    about: `a ${statusIn(model)} container`,
    expected: `pids.max is ${PIDS_LIMIT}`,
    seen: `pids.max is ${limit}`,
  });
}

const LONGEST = 200;

const shown = (value: unknown): string =>
  value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value)).slice(0, LONGEST);
