/**
 * The policy that a list of device rules comes to: a default and its exceptions, exactly as the v1 controller keeps
 * them (kernel: security/device_cgroup.c). The v2 program is made from the same policy, so v1 and v2 decide alike.
 * Pure.
 */

import { CgroupError } from '../error.ts';
import { ANY, accessLetters, type Match, type Rule } from './rules.ts';

export interface DevicePolicy {
  readonly defaultAllow: boolean;
  /** Ordered by major, minor and type. No two of them name the same devices. */
  readonly exceptions: readonly Match[];
}

/** The kernel's policy while nobody has set another one. */
export const ALLOW_ALL: DevicePolicy = { defaultAllow: true, exceptions: [] };
export const DENY_ALL: DevicePolicy = { defaultAllow: false, exceptions: [] };

/**
 * Applies rules in order to a policy.
 * @param from the policy before the rules: by default one that denies everything
 * @throws CgroupError where a rule would make an exception from a wildcard, which v1 would ignore silently
 */
export function policyOf(rules: readonly Rule[], from: DevicePolicy = DENY_ALL): DevicePolicy {
  let { defaultAllow } = from;
  let exceptions = new Map(from.exceptions.map((match) => [matchKey(match), match]));
  for (const rule of rules) {
    if (rule.type === 'a') {
      defaultAllow = rule.allow;
      exceptions = new Map();
    } else if (rule.allow === defaultAllow) removeException(exceptions, rule);
    else {
      const { type, major, minor } = rule;
      const access = rule.access | (exceptions.get(matchKey(rule))?.access ?? 0);
      exceptions.set(matchKey(rule), { type, major, minor, access });
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
    const wildcard = exceptions.get(matchKey(wider));
    if (wildcard && matchKey(wider) !== matchKey(rule) && wildcard.access & access)
      throw new CgroupError(
        `device rule ${ruleText(rule)} cannot punch a hole in the wildcard rule ${ruleText(wildcard)}: ` +
          'the devices cgroup has no such exceptions',
      );
  }
  const left = (exceptions.get(matchKey(rule))?.access ?? 0) & ~access;
  if (left === 0) exceptions.delete(matchKey(rule));
  else exceptions.set(matchKey(rule), { type, major, minor, access: left });
}

/** A rule in the form of devices.allow and devices.deny: `c 1:3 rwm`. */
export const ruleText = ({ type, major, minor, access }: Match): string =>
  `${type} ${major === ANY ? '*' : major}:${minor === ANY ? '*' : minor} ${accessLetters(access)}`;

/** What tells the devices of one rule from those of another: `c 1:3`. */
export const matchKey = ({ type, major, minor }: Pick<Match, 'type' | 'major' | 'minor'>): string =>
  `${type} ${major}:${minor}`;

const compare = (a: Match, b: Match): number =>
  a.major - b.major || a.minor - b.minor || a.type.charCodeAt(0) - b.type.charCodeAt(0);
