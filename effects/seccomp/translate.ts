/**
 * Turns a profile (linux.seccomp) into the steps that build a libseccomp filter. Pure: calls keep their names, since
 * only the library knows their numbers. Where the specification leaves room, it does as runc does, which engines
 * expect.
 */

import { SCMP_ARCH, SCMP_CMP } from '../../native/constants/seccomp.ts';
import type { Comparison } from '../../native/libraries/libseccomp.ts';
import type { Seccomp, SeccompArg } from '../../spec/types.ts';
import { actionValue } from './actions.ts';

export type FilterStep =
  | { readonly kind: 'init'; readonly defaultAction: number }
  | { readonly kind: 'architecture'; readonly name: string; readonly token: number }
  | { readonly kind: 'optimize'; readonly level: number }
  | {
      readonly kind: 'rule';
      readonly syscall: string;
      readonly action: number;
      readonly comparisons: readonly Comparison[];
    };

/** With more calls than this a binary tree is faster than a list. (libseccomp's tree gets empty filters wrong.) */
const TREE_FROM = 32;
const MAX_ARGUMENTS = 6;

/** @throws Error for what the specification forbids, with its path in the profile */
export function filterSteps(profile: Seccomp): readonly FilterStep[] {
  const syscalls = profile.syscalls ?? [];
  const defaultAction = actionValue(profile.defaultAction, profile.defaultErrnoRet, 'default');
  const steps: FilterStep[] = [{ kind: 'init', defaultAction }];
  for (const name of profile.architectures ?? []) steps.push({ kind: 'architecture', name, token: SCMP_ARCH[name] });
  if (syscalls.reduce((sum, { names }) => sum + names.length, 0) > TREE_FROM)
    steps.push({ kind: 'optimize', level: 2 });
  syscalls.forEach(({ names, action, errnoRet, args }, index) => {
    const value = actionValue(action, errnoRet, `syscalls[${index}]`);
    if (names.includes('')) throw new Error(`linux.seccomp.syscalls[${index}]: an empty string is not a system call`);
    // libseccomp refuses a rule whose action is the default one.
    if (value === defaultAction) return;
    const alternatives = conditions(args ?? [], index);
    for (const syscall of names)
      for (const comparisons of alternatives) steps.push({ kind: 'rule', syscall, action: value, comparisons });
  });
  return steps;
}

/**
 * The comparisons of a rule. Each list is an alternative, of which all comparisons must hold. libseccomp takes one
 * comparison for an argument, so a rule with two for the same argument becomes one rule for each comparison: that is
 * "or" where the profile meant "and", but runc has always done so.
 */
function conditions(args: readonly SeccompArg[], rule: number): readonly (readonly Comparison[])[] {
  const all = args.map((arg, i): Comparison => {
    if (arg.index >= MAX_ARGUMENTS)
      throw new Error(
        `linux.seccomp.syscalls[${rule}].args[${i}].index: ` +
          `a system call has ${MAX_ARGUMENTS} arguments, not ${arg.index + 1}`,
      );
    return { index: arg.index, operator: SCMP_CMP[arg.op], a: BigInt(arg.value), b: BigInt(arg.valueTwo ?? 0) };
  });
  const distinct = new Set(all.map(({ index }) => index)).size === all.length;
  return distinct ? [all] : all.map((one) => [one]);
}
