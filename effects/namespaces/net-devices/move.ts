/** Moves a network device into the container's network namespace (config-linux.md, "Network Devices"). */

import { ERRNO } from '../../../native/constants/errno.ts';
import type { Fd } from '../../../native/kernel/numbers.ts';
import { isErrno, SyscallError } from '../../../native/kernel/perform.ts';
import { doing } from '../../error.ts';
import {
  type Address,
  addAddress,
  type Link,
  lastingAddresses,
  linkIndexes,
  linkNamed,
  moveLink,
  type Route,
  setLinkUp,
} from './links.ts';

/** A network namespace, and another one to move a device to: `namespace`, a descriptor of the route's kernel. */
interface Side extends Route {
  readonly namespace: Fd;
}

/** The host's namespace and the container's. */
export interface Sides {
  readonly outside: Side;
  readonly inside: Side;
}

/** A device that has been moved, and what it was like on the host. */
export interface Moved {
  readonly name: string;
  readonly before: Link;
  readonly addresses: readonly Address[];
  /** Its index in the container. */
  readonly index: number;
}

/**
 * Moves a device in with its lasting addresses, and brings it up. If that fails, it is moved out again.
 * @param inner its name in the container; a name with `%d` is a template for the kernel
 * @throws EffectError
 */
export function moveIn(sides: Sides, name: string, inner: string): Moved {
  const { outside, inside } = sides;
  const before = doing(`link not found for interface ${name} on runtime namespace`, () => linkNamed(outside, name));
  // They are read before the device goes down: IPv6 forgets its addresses then.
  const addresses = doing('fail to get ip addresses', () => lastingAddresses(outside, before.index));
  refuseTaken(inside, inner);
  const index = freeIndex(linkIndexes(inside), before.index);
  const moved = { name, before, addresses, index };
  doing('fail to set link down', () => setLinkUp(outside, before.index, false));
  try {
    moveLink(outside, { index: before.index, newIndex: index, newName: inner, namespace: outside.namespace });
    restore(inside, index, addresses, true);
  } catch (error) {
    moveOut(sides, moved);
    throw error;
  }
  return moved;
}

/**
 * Moves a device back to the host, and makes it what it was. If a part of that fails, the rest is done all the same.
 */
export function moveOut({ outside, inside }: Sides, { name, before, addresses, index }: Moved): void {
  try {
    moveLink(inside, { index, newIndex: before.index, newName: name, namespace: inside.namespace });
  } catch {
    // It has not left the host.
  }
  try {
    restore(outside, before.index, addresses, before.up);
  } catch {
    // The host has it back, though without an address, or down.
  }
}

/** Gives a device its addresses, and brings it up. @throws EffectError */
function restore(route: Route, index: number, addresses: readonly Address[], up: boolean): void {
  doing('fail to set up addresses', () => {
    for (const address of addresses) addAddress(route, index, address);
  });
  if (up) doing('fail to set up the interface', () => setLinkUp(route, index, true));
}

/** Refuses a name that is taken. The kernel would refuse it too, but only once the device has been moved. */
function refuseTaken(inside: Route, name: string): void {
  if (name.includes('%d')) return;
  doing(`rename it to ${name}`, () => {
    try {
      linkNamed(inside, name);
    } catch (error) {
      if (isErrno(error, 'ENODEV')) return;
      throw error;
    }
    throw new SyscallError({ name: 'sendto', args: [] }, ERRNO.EEXIST);
  });
}

/**
 * The index for a device: its own unless that is taken, as the kernel would choose. We tell the kernel, so that we know
 * by which index to find the device, whatever its name.
 */
export function freeIndex(taken: readonly number[], own: number): number {
  return taken.includes(own) ? Math.max(...taken) + 1 : own;
}
