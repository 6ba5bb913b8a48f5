/** The five capability sets (capabilities(7)) as calls. */

import { capset, prctl } from '../../native/calls/process.ts';
import { CAPABILITIES, PR } from '../../native/constants/process.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import type { Capabilities } from '../../spec/types.ts';

/**
 * A set of capabilities: bit n stands for capability number n. Names that we do not know are left out, as runc does
 * with a warning.
 */
export function capabilitySet(names: readonly string[] = []): bigint {
  let set = 0n;
  for (const name of names) {
    const number = capabilityNumber(name);
    if (number >= 0) set |= 1n << BigInt(number);
  }
  return set;
}

/**
 * Which capabilities the process will not get, though the config names them: one line each, in runc's words. This is
 * decided beforehand. Nobody answers the calls themselves, since the program takes the init's place right after them.
 */
export function capabilityWarnings(capabilities: Capabilities): readonly string[] {
  const { permitted = [], inheritable = [], ambient = [] } = capabilities;
  const names = Object.values(capabilities).flatMap((set) => set ?? []);
  const unknown = new Set(names.filter((name) => capabilityNumber(name) < 0));
  const raisable = (name: string) => permitted.includes(name) && inheritable.includes(name);
  return [
    ...(unknown.size > 0 ? [`ignoring unknown or unavailable capabilities: [${[...unknown].join(' ')}]`] : []),
    ...ambient
      .filter((name) => !unknown.has(name) && !raisable(name))
      .map((name) => `can't raise ambient capability ${name}: operation not permitted`),
  ];
}

function capabilityNumber(name: string): number {
  const known: readonly string[] = CAPABILITIES;
  return known.indexOf(name);
}

/** The kernel's two 32-bit words hold this many. So what a newer kernel adds is dropped too. */
const MOST_CAPABILITIES = 64;

/** Drops all other capabilities from the bounding set. The performer must still have CAP_SETPCAP. */
export function dropBounding(capabilities: Capabilities): readonly Call[] {
  const keep = capabilitySet(capabilities.bounding);
  const calls: Call[] = [];
  for (let number = 0; number < MOST_CAPABILITIES; number++) {
    if (((keep >> BigInt(number)) & 1n) === 1n) continue;
    const drop = prctl(PR.CAPBSET_DROP, number);
    // The kernel says EINVAL of one that it does not know.
    calls.push(number < CAPABILITIES.length ? drop : { ...drop, mayFail: true });
  }
  return calls;
}

/**
 * Sets the four other sets, after the ids have been changed. Ambient capabilities must be permitted and inheritable.
 * One that is not is left out, as runc does, and `capabilityWarnings` tells the user.
 */
export function applyCapabilities(capabilities: Capabilities): readonly Call[] {
  const permitted = capabilitySet(capabilities.permitted);
  const inheritable = capabilitySet(capabilities.inheritable);
  const ambient = (capabilities.ambient ?? []).map(capabilityNumber).filter((number) => number >= 0);
  return [
    capset(capabilitySet(capabilities.effective), permitted, inheritable),
    { ...prctl(PR.CAP_AMBIENT, PR.CAP_AMBIENT_CLEAR_ALL), mayFail: true },
    ...ambient.map((number): Call => ({ ...prctl(PR.CAP_AMBIENT, PR.CAP_AMBIENT_RAISE, number), mayFail: true })),
  ];
}
