/** Device rules as systemd can be told them: DevicePolicy and DeviceAllow. Pure. */

import type { BusValue } from '../../../native/libraries/bus/values.ts';
import type { DevicePolicy } from '../devices/policy.ts';
import { ANY, accessLetters, type Match } from '../devices/rules.ts';
import { array, pair, property, str } from './values.ts';

/**
 * A list of what is allowed. systemd knows no exceptions to `everything`: then the list is empty until our own rules
 * have been applied, which are the last word in any case.
 */
export function deviceProperties({ defaultAllow, exceptions }: DevicePolicy): readonly BusValue[] {
  const nothing = property('DeviceAllow', array('(ss)', []));
  if (defaultAllow && exceptions.length === 0) return [nothing, property('DevicePolicy', str('auto'))];
  const strict = [nothing, property('DevicePolicy', str('strict'))];
  if (defaultAllow) return strict;
  // The empty list clears what a unit of this name had; the second one is added to it.
  return [...strict, property('DeviceAllow', array('(ss)', exceptions.flatMap(entryOf)))];
}

/** A node of /dev/char or /dev/block, or a whole group; `*:minor` cannot be said. Groups by number are since systemd 240. */
function entryOf({ type, major, minor, access }: Match): readonly BusValue[] {
  const kind = type === 'c' ? 'char' : 'block';
  const letters = accessLetters(access);
  if (major === ANY) return minor === ANY ? [pair(`${kind}-*`, letters)] : [];
  return [pair(minor === ANY ? `${kind}-${major}` : `/dev/${kind}/${major}:${minor}`, letters)];
}
