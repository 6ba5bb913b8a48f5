/**
 * What a list of device rules comes to: a default and its exceptions, exactly as the v1 controller keeps them
 * (kernel: security/device_cgroup.c). The v2 program is made from the same policy, so both decide alike.
 */

import { CgroupError } from '../files.ts';
import { ANY, accessLetters, type Match, type Rule } from './rules.ts';

export interface DevicePolicy {
  readonly defaultAllow: boolean;
  /** Ordered by major, minor and type; no two about the same devices. */
  readonly exceptions: readonly Match[];
}

/** What the kernel begins with where nobody has said anything: a policy without exceptions. */
export const ALLOW_ALL: DevicePolicy = { defaultAllow: true, exceptions: [] };
export const DENY_ALL: DevicePolicy = { defaultAllow: false, exceptions: [] };

/**
 * Applies rules in order to a policy that denies everything.
 * @throws CgroupError where a rule would punch a hole into a wildcard: v1 would ignore it without a word
 */
export function policyOf(rules: readonly Rule[], from: DevicePolicy = DENY_ALL): DevicePolicy {
  let { defaultAllow } = from;
  let exceptions = new Map(from.exceptions.map((match) => [keyOf(match), match]));
  for (const rule of rules) {
    if (rule.type === 'a') {
      defaultAllow = rule.allow;
      exceptions = new Map();
    } else if (rule.allow === defaultAllow) removeException(exceptions, rule);
    else {
      const { type, major, minor } = rule;
      const access = rule.access | (exceptions.get(keyOf(rule))?.access ?? 0);
      exceptions.set(keyOf(rule), { type, major, minor, access });
    }
  }
  return { defaultAllow, exceptions: [...exceptions.values()].sort(compare) };
}

function removeException(exceptions: Map<string, Match>, rule: Match): void {
  const { type, major, minor, access } = rule;
  for (const wider of [
    { type, major: ANY, minor },
    { type, major, minor: ANY },
    { type, major: ANY, minor: ANY },
  ]) {
    const wildcard = exceptions.get(keyOf(wider));
    if (wildcard && keyOf(wider) !== keyOf(rule) && wildcard.access & access)
      throw new CgroupError(
        `device rule ${ruleText(rule)} cannot punch a hole in the wildcard rule ${ruleText(wildcard)}: the devices cgroup has no such exceptions`,
        '',
        0,
      );
  }
  const left = (exceptions.get(keyOf(rule))?.access ?? 0) & ~access;
  if (left === 0) exceptions.delete(keyOf(rule));
  else exceptions.set(keyOf(rule), { type, major, minor, access: left });
}

/** A rule as devices.allow and devices.deny take it: `c 1:3 rwm`. */
export const ruleText = ({ type, major, minor, access }: Match): string =>
  `${type} ${major === ANY ? '*' : major}:${minor === ANY ? '*' : minor} ${accessLetters(access)}`;

export const keyOf = ({ type, major, minor }: Pick<Match, 'type' | 'major' | 'minor'>): string =>
  `${type} ${major}:${minor}`;

const compare = (a: Match, b: Match): number =>
  a.major - b.major || a.minor - b.minor || a.type.charCodeAt(0) - b.type.charCodeAt(0);
