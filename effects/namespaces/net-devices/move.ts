/** A network device goes into the container's network namespace: config-linux.md, "Network Devices". */

import { ERRNO } from '../../../native/constants/errno.ts';
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

/** Both sides of the border; `namespace` is the other side's, as a descriptor of the one who moves there. */
export interface Sides {
  readonly outside: Route & { readonly namespace: number };
  readonly inside: Route & { readonly namespace: number };
}

/** A device that has been moved, and how it was. */
export interface Moved {
  readonly name: string;
  readonly before: Link;
  readonly addresses: readonly Address[];
  readonly index: number;
}

/**
 * With what it is, its lasting addresses too, and up. It is as it was where that fails.
 * @param inner its name in the container; one with `%d` is a template for the kernel
 * @throws EffectError
 */
export function moveIn(sides: Sides, name: string, inner: string): Moved {
  const { outside, inside } = sides;
  const before = doing(`link not found for interface ${name} on runtime namespace`, () => linkNamed(outside, name));
  // Before it goes down: IPv6 forgets its addresses then.
  const addresses = doing('fail to get ip addresses', () => lastingAddresses(outside, before.index));
  refuseTaken(inside, inner);
  const index = freeIndex(linkIndexes(inside), before.index);
  const moved = { name, before, addresses, index };
  doing('fail to set link down', () => setLinkUp(outside, before.index, false));
  try {
    moveLink(outside, { index: before.index, newIndex: index, newName: inner, namespace: outside.namespace });
    settle(inside, index, addresses, true);
  } catch (error) {
    moveOut(sides, moved);
    throw error;
  }
  return moved;
}

/** Back to where it was, and as it was. Whatever of it fails: there is nothing more to be done. */
export function moveOut({ outside, inside }: Sides, { name, before, addresses, index }: Moved): void {
  try {
    moveLink(inside, { index, newIndex: before.index, newName: name, namespace: inside.namespace });
  } catch {
    // It has not left.
  }
  try {
    settle(outside, before.index, addresses, before.up);
  } catch {
    // It is with the host, if not as it was.
  }
}

function settle(route: Route, index: number, addresses: readonly Address[], up: boolean): void {
  doing('fail to set up addresses', () => {
    for (const address of addresses) addAddress(route, index, address);
  });
  if (up) doing('fail to set up the interface', () => setLinkUp(route, index, true));
}

/** The kernel would tell only when the device has been moved: it is renamed after that. */
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

/** As the kernel chooses: its own where nobody has that, but told, so that the device is found under whatever name. */
export function freeIndex(taken: readonly number[], own: number): number {
  return taken.includes(own) ? Math.max(...taken) + 1 : own;
}
