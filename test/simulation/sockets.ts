/** Sockets and pipes: connections, messages, and the descriptors in messages. */

import { O, S } from '../../native/constants/files.ts';
import { AF, SCM_RIGHTS, SOCK, SOL_SOCKET } from '../../native/constants/socket.ts';
import { type Args, bytesOf, fill, pointee } from './args.ts';
import { OpenFile as Opened, type OpenFile } from './descriptors.ts';
import { fail, WouldWaitForever } from './failure.ts';
import { create } from './names.ts';
import type { Node } from './nodes.ts';
import type { Process } from './processes.ts';
import { lookUp } from './walk.ts';
import type { Calls } from './world.ts';

interface Message {
  data: Uint8Array;
  readonly files: readonly OpenFile[];
}

export class UnixSocket {
  readonly family: number;
  readonly type: number;
  readonly inbox: Message[] = [];
  peer: UnixSocket | undefined;
  /** The connections that nobody has accepted yet. Undefined where the socket does not listen. */
  queue: UnixSocket[] | undefined;
  address: Node | string | undefined;
  closed = false;
  /** The file that it is bound to. */
  mode = 0o777;

  constructor(family: number, type: number) {
    this.family = family;
    this.type = type & 0xf;
  }

  get isStream(): boolean {
    return this.type === SOCK.STREAM;
  }

  /** Whether nothing will come any more. */
  get atEnd(): boolean {
    return this.inbox.length === 0 && (this.peer === undefined || this.peer.closed);
  }

  close(): void {
    this.closed = true;
    for (const waiting of this.queue ?? []) waiting.close();
    for (const { files } of this.inbox.splice(0)) for (const file of files) file.release();
  }

  pair(other: UnixSocket): void {
    this.peer = other;
    other.peer = this;
  }

  send(data: Uint8Array, files: readonly OpenFile[] = []): number {
    if (this.peer === undefined) fail('ENOTCONN');
    if (this.peer.closed) fail('EPIPE');
    for (const file of files) file.references++;
    this.peer.inbox.push({ data: data.slice(), files });
    return data.length;
  }

  /** The next message, or at most `size` bytes of a stream. Undefined at the end. */
  receive(size: number): Message | undefined {
    const [first] = this.inbox;
    if (first === undefined) {
      if (this.atEnd) return undefined;
      fail('EAGAIN');
    }
    if (!this.isStream || first.data.length <= size) return this.inbox.shift();
    const part = { data: first.data.subarray(0, size), files: first.files };
    this.inbox[0] = { data: first.data.subarray(size), files: [] };
    return part;
  }
}

const socketOf = (p: Process, fd: number): UnixSocket => p.descriptors.get(fd).socket ?? fail('ENOTSOCK');

/**
 * Lets programs run until what a call waits for is there.
 * @throws Failure EAGAIN where the descriptor does not block; WouldWaitForever where nothing can come
 */
export function waitUntil(p: Process, file: OpenFile, what: string, ready: () => boolean): void {
  while (!ready()) {
    if (file.flags & O.NONBLOCK) fail('EAGAIN');
    if (!p.world.advance()) throw new WouldWaitForever(`${what} of ${p.name} (pid ${p.pid}) would wait for ever`);
  }
}

const openSocket = (socket: UnixSocket, type: number): OpenFile =>
  new Opened(O.RDWR | (type & SOCK.NONBLOCK), { socket });

function twoOpen(p: Process, a: UnixSocket, b: UnixSocket, type: number, into: Uint8Array): number {
  const closeOnExec = (type & SOCK.CLOEXEC) !== 0;
  const view = new DataView(into.buffer, into.byteOffset);
  view.setInt32(0, p.install(openSocket(a, type), closeOnExec), true);
  view.setInt32(4, p.install(openSocket(b, type), closeOnExec), true);
  return 0;
}

/** The name in a sockaddr_un: a path, or `\0name`. */
function addressOf(bytes: Uint8Array, length: number): string {
  const name = new TextDecoder().decode(bytes.subarray(2, length));
  return name.startsWith('\0') ? name : name.replace(/\0.*$/s, '');
}

function listenerAt(p: Process, address: string): UnixSocket {
  if (address.startsWith('\0')) return p.world.abstractSockets.get(address) ?? fail('ECONNREFUSED');
  const { node } = lookUp(p, -100, address, { follow: true });
  if (node.type !== S.IFSOCK || node.socket === undefined || node.socket.closed) fail('ECONNREFUSED');
  return node.socket;
}

/** read(2) and recvfrom(2) on a socket. */
export function receiveInto(p: Process, file: OpenFile, into: Uint8Array, size: number): number {
  const { socket } = file;
  if (socket === undefined) fail('ENOTSOCK');
  waitUntil(p, file, 'a read', () => socket.inbox.length > 0 || socket.atEnd);
  const message = socket.receive(size);
  for (const one of message?.files ?? []) one.release();
  return message === undefined ? 0 : fill(into, message.data, size);
}

export const socketCalls: Calls = {
  socket(p, a) {
    const family = a.num(0);
    if (family !== AF.UNIX && family !== AF.INET && family !== AF.NETLINK) fail('EAFNOSUPPORT');
    return p.install(openSocket(new UnixSocket(family, a.num(1)), a.num(1)), (a.num(1) & SOCK.CLOEXEC) !== 0);
  },
  socketpair(p, a) {
    if (a.num(0) !== AF.UNIX) fail('EOPNOTSUPP');
    const [one, two] = [new UnixSocket(AF.UNIX, a.num(1)), new UnixSocket(AF.UNIX, a.num(1))];
    one.pair(two);
    return twoOpen(p, one, two, a.num(1), a.bytes(3));
  },
  pipe2(p, a) {
    const [reader, writer] = [new UnixSocket(AF.UNIX, SOCK.STREAM), new UnixSocket(AF.UNIX, SOCK.STREAM)];
    reader.pair(writer);
    return twoOpen(p, reader, writer, a.num(1), a.bytes(0));
  },
  bind(p, a) {
    const socket = socketOf(p, a.num(0));
    if (socket.family !== AF.UNIX) return 0;
    if (socket.address !== undefined) fail('EINVAL');
    const address = addressOf(a.bytes(1), a.num(2));
    if (address.startsWith('\0')) {
      if (p.world.abstractSockets.get(address)?.closed === false) fail('EADDRINUSE');
      p.world.abstractSockets.set(address, socket);
      socket.address = address;
    } else {
      socket.address = create(p, -100, address, S.IFSOCK, socket.mode, 'EADDRINUSE');
      socket.address.socket = socket;
    }
  },
  listen(p, a) {
    const socket = socketOf(p, a.num(0));
    if (socket.address === undefined) fail('EINVAL');
    socket.queue ??= [];
  },
  connect(p, a) {
    const socket = socketOf(p, a.num(0));
    const other = listenerAt(p, addressOf(a.bytes(1), a.num(2)));
    if (other.type !== socket.type) fail('EPROTOTYPE');
    if (socket.type === SOCK.DGRAM) socket.peer = other;
    else {
      if (socket.peer !== undefined) fail('EISCONN');
      if (other.queue === undefined) fail('ECONNREFUSED');
      const accepted = new UnixSocket(AF.UNIX, socket.type);
      accepted.pair(socket);
      other.queue.push(accepted);
    }
  },
  accept4(p, a) {
    const { queue } = socketOf(p, a.num(0));
    if (queue === undefined) fail('EINVAL');
    waitUntil(p, p.descriptors.get(a.num(0)), 'accept4', () => queue.length > 0);
    const next = queue.shift() ?? fail('EAGAIN');
    return p.install(openSocket(next, a.num(3)), (a.num(3) & SOCK.CLOEXEC) !== 0);
  },
  sendto: (p, a) => socketOf(p, a.num(0)).send(a.bytes(1).subarray(0, a.num(2))),
  sendmsg(p, a) {
    const { data, control } = messageParts(a);
    const view = new DataView(control.buffer, control.byteOffset, control.byteLength);
    const files: OpenFile[] = [];
    if (control.length >= 16 && view.getUint32(8, true) === SOL_SOCKET && view.getUint32(12, true) === SCM_RIGHTS)
      for (let at = 16; at + 4 <= view.getUint32(0, true); at += 4)
        files.push(p.descriptors.get(view.getInt32(at, true)));
    return socketOf(p, a.num(0)).send(data, files);
  },
  recvmsg(p, a) {
    const file = p.descriptors.get(a.num(0));
    const { data, control } = messageParts(a);
    const socket = file.socket ?? fail('ENOTSOCK');
    waitUntil(p, file, 'recvmsg', () => socket.inbox.length > 0 || socket.atEnd);
    const message = socket.receive(data.length);
    const files = message?.files ?? [];
    const view = new DataView(control.buffer, control.byteOffset, control.byteLength);
    if (files.length > 0 && control.length >= 16 + files.length * 4) {
      view.setUint32(0, 16 + files.length * 4, true);
      view.setUint32(8, SOL_SOCKET, true);
      view.setUint32(12, SCM_RIGHTS, true);
      files.forEach((one, i) => {
        view.setInt32(16 + i * 4, p.install(one), true);
      });
    }
    for (const one of files) one.release();
    return message === undefined ? 0 : fill(data, message.data);
  },
  setsockopt(p, a) {
    socketOf(p, a.num(0));
  },
};

/** A struct msghdr with one piece of data and one of control data. */
function messageParts(a: Args): { data: Uint8Array; control: Uint8Array } {
  const message = a.struct(1);
  const iovec = pointee(message, 16);
  const data = typeof iovec === 'object' && 'kind' in iovec && iovec.kind === 'struct' ? pointee(iovec, 0) : undefined;
  return { data: bytesOf(data ?? null), control: bytesOf(pointee(message, 32) ?? new Uint8Array()) };
}
