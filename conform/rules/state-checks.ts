/** What is checked of a container after each step, besides its status. */

import type { Lab } from '../lab/lab.ts';
import { member, type Seen, stateOfHook } from '../lab/look.ts';
import { factsOf, type Model, statusIn } from '../model/model.ts';
import { ID, PIDS_LIMIT, type Step } from '../model/steps.ts';
import type { Checks } from './findings.ts';

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
  if (factsOf(model).init !== 'alive') return;
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

/** Checks which hooks ran, and what they were told. */
export function checkHooks(checks: Checks, model: Model, step: Step, seen: Seen, lab: Lab): void {
  if (seen.hooks.length === 0 && model.hooks.length === 0) return;
  const bundle = 'ask' in step && 'bundle' in step ? step.bundle : model.container?.bundle;
  const right = checks.check(seen.hooks.join() === model.hooks.join(), {
    rule: 'hooksOrder',
    about: `${'ask' in step ? step.ask : 'two commands at once'}${bundle === undefined ? '' : `, bundle ${bundle}`}`,
    expected: model.hooks.join(', ') || 'none',
    seen: seen.hooks.join(', ') || 'none',
  });
  if (!right) return;
  for (const hook of seen.hooks)
    checks.check(member(stateOfHook(lab, hook), 'id') === ID, {
      rule: 'hooksState',
      about: `the ${hook} hook`,
      expected: `a state with the id ${ID}`,
      seen: shown(stateOfHook(lab, hook)),
    });
}

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
