/** Device rules on cgroup v1: what to write to devices.allow and devices.deny to come from one policy to another. */

import { close, openat, write } from '../../../native/calls/files.ts';
import { AT, O } from '../../../native/constants/files.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { attempt } from '../../../native/kernel/perform.ts';
import { result } from '../../../native/kernel/struct.ts';
import { Batch, CgroupError, type FileWrite, readText, writeError } from '../files.ts';
import { ALLOW_ALL, type DevicePolicy, keyOf, policyOf, ruleText } from './policy.ts';
import { ANY, accessOf, type Match, type Rule } from './rules.ts';

/**
 * The writes that lead from `current` to `target`, disturbing as little as can be: a running container never loses,
 * even for a moment, what both let it do. Pure.
 */
export function transition(current: DevicePolicy, target: DevicePolicy): readonly FileWrite[] {
  // The kernel does not tell the exceptions of a policy that allows by default: so begin anew.
  const anew = current.defaultAllow || current.defaultAllow !== target.defaultAllow;
  const old = new Map((anew ? [] : current.exceptions).map((match) => [keyOf(match), match]));
  const wanted = new Map(target.exceptions.map((match) => [keyOf(match), match]));
  const without = (from: Match, other: Match | undefined): Match => ({
    ...from,
    access: from.access & ~(other?.access ?? 0),
  });
  const dropped = [...old.values()].map((match) => without(match, wanted.get(keyOf(match))));
  const gained = target.exceptions.map((match) => without(match, old.get(keyOf(match))));
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
 * The policy that devices.list shows. One that allows by default shows no exceptions.
 * @throws CgroupError on a line of another form
 */
export function policyFromList(text: string): DevicePolicy {
  const rules = text.split('\n').flatMap((line): Rule[] => {
    if (line === '') return [];
    const [, type, major, minor, letters = ''] = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]+)$/.exec(line) ?? [];
    if (type === 'a') return [{ allow: true, type }];
    if (type !== 'b' && type !== 'c')
      throw new CgroupError(`malformed line in devices.list: ${JSON.stringify(line)}`, '', 0);
    const number = (digits: string | undefined): number => (digits === '*' ? ANY : Number(digits));
    return [{ allow: true, type, major: number(major), minor: number(minor), access: accessOf(letters) }];
  });
  return policyOf(rules);
}

/**
 * Brings a v1 devices cgroup to a policy and looks whether it is there.
 * @throws CgroupError
 */
export function applyLegacyDevices(kernel: Kernel, directory: string, target: DevicePolicy): void {
  const list = `${directory}/devices.list`;
  const before = readText(kernel, list);
  // A new cgroup below one that allows everything, which is nearly every one: not worth a parser.
  const current = before === 'a *:* rwm\n' ? ALLOW_ALL : policyFromList(before);
  writeRules(kernel, directory, transition(current, target));
  const shown = readText(kernel, list);
  if (!target.defaultAllow && shown === listOf(target)) return;
  const now = policyFromList(shown);
  if (now.defaultAllow !== target.defaultAllow || (!now.defaultAllow && !sameExceptions(now, target)))
    throw new CgroupError(`${list} does not show the rules that were written`, list, 0);
}

const listOf = ({ exceptions }: DevicePolicy): string => exceptions.map((match) => `${ruleText(match)}\n`).join('');

const sameExceptions = (a: DevicePolicy, b: DevicePolicy): boolean =>
  a.exceptions.map(ruleText).join() === b.exceptions.map(ruleText).join();

/** One rule a write, all in one trip; the files are opened once each. */
function writeRules(kernel: Kernel, directory: string, steps: readonly FileWrite[]): void {
  const batch = new Batch();
  const opened = new Map<string, number>();
  for (const { file } of steps)
    if (!opened.has(file)) opened.set(file, batch.add(openat(AT.FDCWD, `${directory}/${file}`, O.WRONLY)));
  const first = batch.calls.length;
  // Several writes through one descriptor: the kernel takes each for a rule of its own.
  for (const { file, value } of steps) batch.try(write(result(opened.get(file) ?? 0), value));
  for (const index of opened.values()) batch.try(close(result(index)));
  const { results, stoppedAt } = kernel.submit(batch.calls);
  if (stoppedAt !== undefined) {
    // It stopped at opening a file: those before it are open still.
    for (const fd of results.slice(0, stoppedAt)) attempt(kernel, close(fd));
    throw new CgroupError(`open the rules of ${directory}`, directory, -(results[stoppedAt] ?? 0));
  }
  steps.forEach(({ file, value }, i) => {
    const errno = -(results[first + i] ?? 0);
    if (errno > 0) throw writeError(`${directory}/${file}`, value, errno);
  });
}
