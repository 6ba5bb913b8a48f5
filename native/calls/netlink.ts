/** Messages of rtnetlink(7) as bytes, and the calls that carry them. */

import { NLM_F } from '../constants/netlink.ts';
import { AF, SOCK } from '../constants/socket.ts';
import type { Call, Out } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { viewOf } from '../kernel/struct.ts';
import type { FdArg } from './files.ts';
import { socket } from './sockets.ts';

export interface Attribute {
  readonly type: number;
  readonly data: Uint8Array;
}

export interface NetlinkMessage {
  readonly type: number;
  /** What follows the header: a fixed structure, then attributes. */
  readonly body: Uint8Array;
}

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const aligned = (size: number): number => (size + 3) & ~3;

/** A request as bytes. @param fixed its fixed structure: ifinfomsg or ifaddrmsg */
export function netlinkRequest(
  type: number,
  flags: number,
  fixed: Uint8Array,
  attributes: readonly Attribute[],
): Uint8Array {
  const sizes = attributes.map(({ data }) => aligned(ATTRIBUTE_HEADER_BYTES + data.length));
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, HEADER_BYTES + aligned(fixed.length)));
  const view = viewOf(bytes);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags | NLM_F.REQUEST, true);
  bytes.set(fixed, HEADER_BYTES);
  let at = HEADER_BYTES + aligned(fixed.length);
  attributes.forEach(({ type: kind, data }, i) => {
    view.setUint16(at, ATTRIBUTE_HEADER_BYTES + data.length, true);
    view.setUint16(at + 2, kind, true);
    bytes.set(data, at + ATTRIBUTE_HEADER_BYTES);
    at += sizes[i] ?? 0;
  });
  return bytes;
}

/** The messages of a datagram. One that is cut off is left out. */
export function netlinkMessages(datagram: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  const view = viewOf(datagram);
  for (let at = 0; at + HEADER_BYTES <= datagram.length; ) {
    const size = view.getUint32(at, true);
    if (size < HEADER_BYTES || at + size > datagram.length) break;
    messages.push({ type: view.getUint16(at + 4, true), body: datagram.subarray(at + HEADER_BYTES, at + size) });
    at += aligned(size);
  }
  return messages;
}

/** The attributes after a body's fixed structure of `skip` bytes, by type. */
export function attributesOf(body: Uint8Array, skip: number): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const view = viewOf(body);
  for (let at = aligned(skip); at + ATTRIBUTE_HEADER_BYTES <= body.length; ) {
    const size = view.getUint16(at, true);
    if (size < ATTRIBUTE_HEADER_BYTES || at + size > body.length) break;
    found.set(view.getUint16(at + 2, true), body.subarray(at + ATTRIBUTE_HEADER_BYTES, at + size));
    at += aligned(size);
  }
  return found;
}

/** struct ifinfomsg. @param change the flags that are to be set or cleared */
export function ifinfomsg(index: number, flags = 0, change = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return bytes;
}

/** struct ifaddrmsg, of scope universe. */
export function ifaddrmsg(family: number, prefix: number, index: number): Uint8Array {
  const bytes = new Uint8Array(8);
  bytes[0] = family;
  bytes[1] = prefix;
  viewOf(bytes).setUint32(4, index, true);
  return bytes;
}

/** A socket of NETLINK_ROUTE; it stays in the network namespace in which it was made. */
export const routeSocket = (): Call<Fd> => socket(AF.NETLINK, SOCK.RAW);
export const sendto = (fd: FdArg, data: Uint8Array): Call => ({
  name: 'sendto',
  args: [fd, data, data.length, 0, null, 0],
});
export const recvfrom = (fd: FdArg, into: Out): Call => ({
  name: 'recvfrom',
  args: [fd, into, into.bytes.length, 0, null, null],
});
