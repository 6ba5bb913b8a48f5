/** Requests about network devices, over a netlink socket. They concern the namespace in which the socket was made. */

import {
  type Attribute,
  attributesOf,
  ifaddrmsg,
  ifinfomsg,
  type NetlinkMessage,
  netlinkMessages,
  netlinkRequest,
  recvfrom,
  sendto,
} from '../../../native/calls/netlink.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { IFA, IFA_F, IFLA, NLM_F, NLMSG, RT_SCOPE_UNIVERSE, RTM } from '../../../native/constants/netlink.ts';
import { IFF_UP } from '../../../native/constants/socket.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { Fd } from '../../../native/kernel/numbers.ts';
import { call, isErrno, SyscallError } from '../../../native/kernel/perform.ts';
import { out, u32s, viewOf } from '../../../native/kernel/struct.ts';

/** A netlink socket (rtnetlink(7)), and who has it open. */
export interface Route {
  readonly kernel: Kernel;
  readonly socket: Fd;
}

export interface Link {
  readonly index: number;
  readonly up: boolean;
}

/** An address as a device is given it: the attributes hold everything but its family and the length of its prefix. */
export interface Address {
  readonly family: number;
  readonly prefix: number;
  readonly attributes: readonly Attribute[];
}

const IFINFOMSG_BYTES = 16;
const IFADDRMSG_BYTES = 8;
/** The kernel makes them no larger (NLMSG_GOODSIZE, or what it is told there is room for). */
const DATAGRAM_BYTES = 32 * 1024;
const text = new TextEncoder();
const name = (value: string): Attribute => ({ type: IFLA.IFNAME, data: text.encode(`${value}\0`) });

/** @throws SyscallError ENODEV */
export function linkNamed(route: Route, wanted: string): Link {
  const [message] = request(route, netlinkRequest(RTM.GETLINK, 0, ifinfomsg(0), [name(wanted)]), 'one');
  const view = viewOf(message?.body ?? new Uint8Array(IFINFOMSG_BYTES));
  return { index: view.getInt32(4, true), up: (view.getUint32(8, true) & IFF_UP) !== 0 };
}

/** @throws SyscallError */
export function linkIndexes(route: Route): readonly number[] {
  const all = request(route, netlinkRequest(RTM.GETLINK, NLM_F.DUMP, ifinfomsg(0), []), 'dump');
  return all.map(({ body }) => viewOf(body).getInt32(4, true));
}

/** @throws SyscallError */
export function setLinkUp(route: Route, index: number, up: boolean): void {
  request(route, netlinkRequest(RTM.NEWLINK, NLM_F.ACK, ifinfomsg(index, up ? IFF_UP : 0, IFF_UP), []), 'ack');
}

interface Move {
  readonly index: number;
  /** The index and the name that it gets in the other namespace. */
  readonly newIndex: number;
  readonly newName: string;
  /** The other namespace, as a descriptor of the route's kernel. */
  readonly namespace: Fd;
}

/** Moves and renames in one request. @throws SyscallError */
export function moveLink(route: Route, { index, newIndex, newName, namespace }: Move): void {
  const attributes = [
    name(newName),
    { type: IFLA.NET_NS_FD, data: u32s(namespace) },
    { type: IFLA.NEW_IFINDEX, data: u32s(newIndex) },
  ];
  request(route, netlinkRequest(RTM.NEWLINK, NLM_F.ACK, ifinfomsg(index), attributes), 'ack');
}

/**
 * The addresses that move with a device: permanent ones of global scope (config-linux.md, "Network Devices").
 * @throws SyscallError
 */
export function lastingAddresses(route: Route, index: number): readonly Address[] {
  const all = request(route, netlinkRequest(RTM.GETADDR, NLM_F.DUMP, ifaddrmsg(0, 0, 0), []), 'dump');
  return all.flatMap(({ body }) => addressOf(body, index) ?? []);
}

const KEPT_FLAGS = IFA_F.NODAD | IFA_F.HOMEADDRESS | IFA_F.MANAGETEMPADDR | IFA_F.NOPREFIXROUTE;

/**
 * A lasting address in a message, if it belongs to the device with that index. The address's label is left out: it
 * holds the device's old name.
 */
export function addressOf(body: Uint8Array, index: number): Address | undefined {
  const view = viewOf(body);
  const attributes = attributesOf(body, IFADDRMSG_BYTES);
  const flags = attributes.get(IFA.FLAGS);
  const set = flags === undefined ? view.getUint8(2) : viewOf(flags).getUint32(0, true);
  const lasting = (set & IFA_F.PERMANENT) !== 0 && view.getUint8(3) === RT_SCOPE_UNIVERSE;
  if (view.getUint32(4, true) !== index || !lasting) return undefined;
  const kept = [IFA.LOCAL, IFA.ADDRESS, IFA.BROADCAST].flatMap((type) => {
    const data = attributes.get(type);
    return data === undefined ? [] : [{ type, data }];
  });
  return {
    family: view.getUint8(0),
    prefix: view.getUint8(1),
    attributes: [...kept, { type: IFA.FLAGS, data: u32s(set & KEPT_FLAGS) }],
  };
}

/** Gives a device an address, unless it has that already. @throws SyscallError */
export function addAddress(route: Route, index: number, { family, prefix, attributes }: Address): void {
  const flags = NLM_F.ACK | NLM_F.CREATE | NLM_F.EXCL;
  try {
    request(route, netlinkRequest(RTM.NEWADDR, flags, ifaddrmsg(family, prefix, index), attributes), 'ack');
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
}

/**
 * Sends a request, and reads the answer.
 * @param until what ends the answer: its only message, a DONE, or an ERROR, which with errno 0 is the acknowledgement
 * @throws SyscallError
 */
function request({ kernel, socket }: Route, message: Uint8Array, until: 'one' | 'dump' | 'ack'): NetlinkMessage[] {
  const send = sendto(socket, message);
  call(kernel, send);
  const answer: NetlinkMessage[] = [];
  for (;;) {
    const datagram = out(DATAGRAM_BYTES);
    const size = call(kernel, recvfrom(socket, datagram));
    for (const one of netlinkMessages(datagram.bytes.slice(0, size))) {
      if (one.type === NLMSG.DONE) return answer;
      if (one.type === NLMSG.ERROR) {
        const errno = -viewOf(one.body).getInt32(0, true);
        if (errno !== 0) throw new SyscallError(send, errno);
        return answer;
      }
      answer.push(one);
    }
    if (until === 'one' && answer.length > 0) return answer;
    if (size === 0) throw new SyscallError(send, ERRNO.EIO);
  }
}
