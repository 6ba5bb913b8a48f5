/** Device rules on cgroup v1: changes a cgroup's policy by writes to devices.allow and devices.deny. */

import { openat, write } from '../../../native/calls/files.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { Batch, resultOf } from '../../../native/kernel/batch.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { Fd } from '../../../native/kernel/numbers.ts';
import { Owned, OwnedStack } from '../../../native/kernel/owned.ts';
import { attempt } from '../../../native/kernel/perform.ts';
import { CgroupError, CgroupFileError, writeError } from '../error.ts';
import { type FileWrite, readText } from '../files.ts';
import { ALLOW_ALL, type DevicePolicy, matchKey, policyOf, ruleText } from './policy.ts';
import { ANY, accessOf, type Match, type Rule } from './rules.ts';

/**
 * The writes that lead from `current` to `target`. Between two policies that deny by default, a running container never
 * loses what both allow it, not even for a moment. Pure.
 */
export function transition(current: DevicePolicy, target: DevicePolicy): readonly FileWrite[] {
  // The kernel does not show the exceptions of a policy that allows by default, so that one is written anew.
  const anew = current.defaultAllow || current.defaultAllow !== target.defaultAllow;
  const old = new Map((anew ? [] : current.exceptions).map((match) => [matchKey(match), match]));
  const wanted = new Map(target.exceptions.map((match) => [matchKey(match), match]));
  const without = (from: Match, other: Match | undefined): Match => ({
    ...from,
    access: from.access & ~(other?.access ?? 0),
  });
  const dropped = [...old.values()].map((match) => without(match, wanted.get(matchKey(match))));
  const gained = target.exceptions.map((match) => without(match, old.get(matchKey(match))));
  const [toDefault, toException] = target.defaultAllow
    ? (['devices.allow', 'devices.deny'] as const)
    : (['devices.deny', 'devices.allow'] as const);
  const list = (file: string, matches: readonly Match[]): readonly FileWrite[] =>
    matches.flatMap((match) => (match.access === 0 ? [] : [{ file, value: ruleText(match) }]));
  return [
    ...(anew ? [{ file: toDefault, value: 'a *:* rwm' }] : []),
    ...list(toDefault, dropped),
    ...list(toException, gained),
  ];
}

/**
 * The policy that devices.list shows. It shows no exceptions of a policy that allows by default. Pure.
 * @throws CgroupError on a line of another form
 */
export function policyFromList(text: string): DevicePolicy {
  const rules = text.split('\n').flatMap((line): Rule[] => {
    if (line === '') return [];
    const [, type, major, minor, letters = ''] = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]+)$/.exec(line) ?? [];
    if (type === 'a') return [{ allow: true, type }];
    if (type !== 'b' && type !== 'c') throw new CgroupError(`malformed line in devices.list: ${JSON.stringify(line)}`);
    const number = (digits: string | undefined): number => (digits === '*' ? ANY : Number(digits));
    return [{ allow: true, type, major: number(major), minor: number(minor), access: accessOf(letters) }];
  });
  return policyOf(rules);
}

/**
 * Gives a v1 devices cgroup a policy, and checks that devices.list shows it.
 * @throws CgroupError
 */
export function applyLegacyDevices(kernel: Kernel, directory: string, target: DevicePolicy): void {
  const list = `${directory}/devices.list`;
  const before = readText(kernel, list);
  // Nearly every new cgroup is below one that allows everything. That needs no parser.
  const current = before === 'a *:* rwm\n' ? ALLOW_ALL : policyFromList(before);
  writeRules(kernel, directory, transition(current, target));
  const shown = readText(kernel, list);
  if (!target.defaultAllow && shown === listOf(target)) return;
  const now = policyFromList(shown);
  if (now.defaultAllow !== target.defaultAllow || (!now.defaultAllow && !sameExceptions(now, target)))
    throw new CgroupError(`${list} does not show the rules that were written`);
}

const listOf = ({ exceptions }: DevicePolicy): string => exceptions.map((match) => `${ruleText(match)}\n`).join('');

const sameExceptions = (a: DevicePolicy, b: DevicePolicy): boolean =>
  a.exceptions.map(ruleText).join() === b.exceptions.map(ruleText).join();

/** Writes each rule by a write of its own, all in one batch. Each file is opened once. */
function writeRules(kernel: Kernel, directory: string, steps: readonly FileWrite[]): void {
  using files = new OwnedStack();
  const opened = new Map<string, Fd>();
  for (const { file } of steps) {
    if (opened.has(file)) continue;
    const fd = attempt(kernel, openat(AT.FDCWD, `${directory}/${file}`, O.WRONLY));
    if (fd < 0) throw new CgroupFileError(`open the rules of ${directory}`, directory, -fd);
    opened.set(file, files.use(new Owned(kernel, fd)).fd);
  }
  // The kernel takes each write through a descriptor for a rule of its own.
  const batch = new Batch();
  const writes = steps.map((step) => ({ ...step, written: batch.try(write(opened.get(step.file) ?? -1, step.value)) }));
  const { results } = kernel.submit(batch.calls);
  for (const { file, value, written } of writes) {
    const errno = -resultOf(results, written);
    if (errno > 0) throw writeError(`${directory}/${file}`, value, errno);
  }
}
