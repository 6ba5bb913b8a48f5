/** Device rules as systemd's properties DevicePolicy and DeviceAllow. Pure. */

import type { BusValue } from '../../../native/libraries/bus/values.ts';
import type { DevicePolicy } from '../devices/policy.ts';
import { ANY, accessLetters, type Match } from '../devices/rules.ts';
import { array, pair, property, str } from './values.ts';

/**
 * systemd takes a list of what is allowed. It cannot allow everything with exceptions. For such a policy the list is
 * empty, and the container may use no devices until our own rules are applied, which have the last word in any case.
 */
export function deviceProperties({ defaultAllow, exceptions }: DevicePolicy): readonly BusValue[] {
  const nothing = property('DeviceAllow', array('(ss)', []));
  if (defaultAllow && exceptions.length === 0) return [nothing, property('DevicePolicy', str('auto'))];
  const strict = [nothing, property('DevicePolicy', str('strict'))];
  if (defaultAllow) return strict;
  // The empty list clears the rules of an earlier unit of this name. systemd adds the second list to it.
  return [...strict, property('DeviceAllow', array('(ss)', exceptions.flatMap(entryOf)))];
}

/**
 * A node of /dev/char or /dev/block, or all devices of a major number (by number since systemd 240). systemd has no
 * form for one minor number of all majors, so such a rule is left out.
 */
function entryOf({ type, major, minor, access }: Match): readonly BusValue[] {
  const kind = type === 'c' ? 'char' : 'block';
  const letters = accessLetters(access);
  if (major === ANY) return minor === ANY ? [pair(`${kind}-*`, letters)] : [];
  return [pair(minor === ANY ? `${kind}-${major}` : `/dev/${kind}/${major}:${minor}`, letters)];
}
