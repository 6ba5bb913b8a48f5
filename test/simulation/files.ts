/** Calls that open files, read and write them, and tell about them. */

import { AT, F, FD_CLOEXEC, LOCK, O, RESOLVE, S } from '../../native/constants/files.ts';
import { fill } from './args.ts';
import { OpenFile } from './descriptors.ts';
import { fail } from './failure.ts';
import type { Path } from './mounts.ts';
import { checkWritable, make } from './names.ts';
import type { Node } from './nodes.ts';
import type { Process } from './processes.ts';
import { receiveInto, waitUntil } from './sockets.ts';
import { type Found, lookUp, lookUpAt, walk } from './walk.ts';
import type { Calls } from './world.ts';

const RESOLVE_ALL = Object.values(RESOLVE).reduce((all, flag) => all | flag, 0);
const PATH_FLAGS = O.PATH | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC;

function open(p: Process, dirfd: number, path: string, flags: number, mode: number, resolve = 0): number {
  const creates = (flags & O.CREAT) !== 0 && (flags & O.PATH) === 0;
  if (creates && flags & O.DIRECTORY) fail('EINVAL');
  const follow = (flags & O.NOFOLLOW) === 0 && !(creates && flags & O.EXCL);
  const where = walk(p, dirfd, path, { follow, creates, resolve });
  const at = where.found ?? createFor(p, where, creates, mode);
  const fresh = where.found === undefined;
  if (creates && !fresh) checkCreatable(at, flags);
  if (where.slash && !at.node.isDirectory) fail('ENOTDIR');
  if (flags & O.DIRECTORY && !at.node.isDirectory) fail('ENOTDIR');
  if (!(flags & O.PATH)) checkOpen(p, at, flags);
  const special = flags & O.PATH ? undefined : at.node.special.open?.(p, at);
  const file = special ?? new OpenFile(flags, { path: at });
  if (flags & O.TRUNC && file.isWritable && at.node.type === S.IFREG) at.node.content = new Uint8Array();
  return p.install(file, (flags & O.CLOEXEC) !== 0);
}

function createFor(p: Process, { parent, name }: Found, creates: boolean, mode: number): Path {
  if (!creates) fail('ENOENT');
  checkWritable(parent);
  return { mount: parent.mount, node: make(p, parent.node, name, S.IFREG, mode) };
}

function checkCreatable(at: Path, flags: number): void {
  if (flags & O.EXCL) fail('EEXIST');
  if (at.node.isDirectory) fail('EISDIR');
}

function checkOpen(p: Process, at: Path, flags: number): void {
  const { node, mount } = at;
  const writes = (flags & 3) !== O.RDONLY;
  if (node.isSymlink) fail('ELOOP');
  if (node.isDirectory && writes) fail('EISDIR');
  if (node.type === S.IFSOCK) fail('ENXIO');
  if ((node.type === S.IFCHR || node.type === S.IFBLK) && mount.attributes & 4) fail('EACCES');
  if (node.type === S.IFIFO && (flags & 3) !== O.RDWR) {
    if (writes && flags & O.NONBLOCK) fail('ENXIO');
    waitUntil(p, new OpenFile(flags), `opening the fifo ${node.path}`, () => (flags & O.NONBLOCK) !== 0);
  }
  if (node.type === S.IFREG && (writes || flags & O.TRUNC)) checkWritable(at);
}

function readFrom(p: Process, fd: number, into: Uint8Array, size: number, at?: number): number {
  const file = p.descriptors.get(fd);
  if (!file.isReadable) fail('EBADF');
  if (file.socket !== undefined) return receiveInto(p, file, into, size);
  const node = file.path?.node ?? fail('EINVAL');
  if (node.isDirectory) fail('EISDIR');
  const offset = at ?? file.offset;
  const { read } = node.special;
  if (read !== undefined && (offset === 0 || file.text === undefined)) file.text = new TextEncoder().encode(read(p));
  const n = fill(into, (file.text ?? node.content).subarray(offset), size);
  if (at === undefined) file.offset += n;
  return n;
}

function writeTo(p: Process, fd: number, data: Uint8Array, at?: number): number {
  const file = p.descriptors.get(fd);
  if (!file.isWritable) fail('EBADF');
  if (file.socket !== undefined) return file.socket.send(data);
  const node = file.path?.node ?? fail('EINVAL');
  const { write } = node.special;
  if (write !== undefined) write(p, new TextDecoder().decode(data));
  else if (node.type === S.IFREG) {
    if (node.special.read !== undefined) fail('EINVAL');
    const offset = at ?? (file.flags & O.APPEND ? node.content.length : file.offset);
    const content = new Uint8Array(Math.max(node.content.length, offset + data.length));
    content.set(node.content);
    content.set(data, offset);
    node.content = content;
    if (at === undefined) file.offset = offset + data.length;
  }
  return data.length;
}

/** Writes a struct statx: the fields of STATX_BASIC_STATS that nodes have, and the mount's id. */
function stat(view: DataView, { node, mount }: Path): number {
  view.setUint32(0, 0x17ff, true);
  view.setUint32(4, 4096, true);
  view.setUint32(16, node.isDirectory ? 2 : 1, true);
  view.setUint32(20, node.uid, true);
  view.setUint32(24, node.gid, true);
  view.setUint16(28, node.type | node.mode, true);
  view.setBigUint64(32, BigInt(node.ino), true);
  view.setBigUint64(40, BigInt(node.isSymlink ? node.target.length : node.content.length), true);
  view.setUint32(128, (node.rdev >> 8) & 0xfff, true);
  view.setUint32(132, (node.rdev & 0xff) | ((node.rdev >> 12) & 0xfff00), true);
  view.setUint32(140, node.fs.device, true);
  view.setBigUint64(144, BigInt(mount.id), true);
  return 0;
}

/** struct linux_dirent64 records, from the file's position on. The position counts entries. */
function listDirectory(p: Process, file: OpenFile, into: Uint8Array, size: number): number {
  const path = file.path ?? fail('ENOTDIR');
  if (file.isPath) fail('EBADF');
  const { node } = path;
  if (!node.isDirectory) fail('ENOTDIR');
  if (node.unlinked) fail('ENOENT');
  const names = ['.', '..', ...node.names(p)];
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
  let used = 0;
  for (const name of names.slice(file.offset)) {
    const bytes = new TextEncoder().encode(name);
    const length = (19 + bytes.length + 1 + 7) & ~7;
    if (used + length > Math.min(size, into.length)) break;
    const child = name === '.' ? node : name === '..' ? node.parent : node.child(name, p);
    view.setBigUint64(used, BigInt(child?.ino ?? 0), true);
    view.setBigUint64(used + 8, BigInt(++file.offset), true);
    view.setUint16(used + 16, length, true);
    view.setUint8(used + 18, (child?.type ?? 0) >> 12);
    into.fill(0, used + 19, used + length);
    into.set(bytes, used + 19);
    used += length;
  }
  if (used === 0 && file.offset < names.length) fail('EINVAL');
  return used;
}

function lock(p: Process, file: OpenFile, operation: number): number {
  if (file.isPath) fail('EBADF');
  const locks = file.path?.node.locks ?? fail('EBADF');
  const wanted = operation & ~LOCK.NB;
  if (wanted === LOCK.UN) {
    locks.delete(file);
    return 0;
  }
  const isFree = () =>
    ![...locks].some(([other, held]) => other !== file && (wanted === LOCK.EX || held === 'exclusive'));
  const waiting = new OpenFile(operation & LOCK.NB ? O.NONBLOCK : 0);
  waitUntil(p, waiting, `flock of ${file.describe()}`, isFree);
  locks.set(file, wanted === LOCK.EX ? 'exclusive' : 'shared');
  return 0;
}

/** The node of a descriptor that was not opened with O_PATH. */
function nodeOf(p: Process, fd: number): Node {
  const file = p.descriptors.get(fd);
  if (file.isPath) fail('EBADF');
  return file.path?.node ?? fail('EINVAL');
}

function own(node: Node, uid: number, gid: number): number {
  if (uid !== -1 && uid !== 0xffffffff) node.uid = uid;
  if (gid !== -1 && gid !== 0xffffffff) node.gid = gid;
  return 0;
}

function tellFileSystem(view: DataView, { node }: Path): number {
  view.setBigUint64(0, BigInt(node.fs.magic), true);
  view.setBigUint64(8, 4096n, true);
  return 0;
}

export const fileCalls: Calls = {
  openat: (p, a) => open(p, a.num(0), a.str(1), a.num(2) & O.PATH ? a.num(2) & PATH_FLAGS : a.num(2), a.num(3)),
  openat2(p, a) {
    const how = a.view(2, 24);
    const [flags, mode, resolve] = [0, 8, 16].map((at) => Number(how.getBigUint64(at, true)));
    if (flags === undefined || mode === undefined || resolve === undefined || a.num(3) < 24) fail('EINVAL');
    if ((flags & O.PATH && flags & ~PATH_FLAGS) || (mode !== 0 && !(flags & O.CREAT)) || resolve & ~RESOLVE_ALL)
      fail('EINVAL');
    if (resolve & RESOLVE.BENEATH && resolve & RESOLVE.IN_ROOT) fail('EINVAL');
    return open(p, a.num(0), a.str(1), flags, mode, resolve);
  },
  close(p, a) {
    p.descriptors.close(a.num(0));
  },
  close_range(p, a) {
    for (const fd of p.descriptors.numbers())
      if (fd >= a.num(0) && fd <= a.num(1)) a.num(2) & 4 ? p.descriptors.mark(fd, true) : p.descriptors.close(fd);
  },
  read: (p, a) => readFrom(p, a.num(0), a.bytes(1), a.num(2)),
  pread64: (p, a) => readFrom(p, a.num(0), a.bytes(1), a.num(2), a.num(3)),
  write: (p, a) => writeTo(p, a.num(0), a.bytes(1).subarray(0, a.num(2))),
  lseek(p, a) {
    const file = p.descriptors.get(a.num(0));
    const base = [0, file.offset, nodeOf(p, a.num(0)).content.length][a.num(2)] ?? fail('EINVAL');
    if (base + a.num(1) < 0) fail('EINVAL');
    file.offset = base + a.num(1);
    return file.offset;
  },
  memfd_create(p, a) {
    const { world } = p;
    const node = make(p, world.anonymous.root, `memfd:${a.str(0)}:${world.number()}`, S.IFREG, 0o777);
    return p.install(new OpenFile(O.RDWR, { path: { mount: world.anonymous, node } }), (a.num(1) & 1) !== 0);
  },
  getdents64: (p, a) => listDirectory(p, p.descriptors.get(a.num(0)), a.bytes(1), a.num(2)),
  statx: (p, a) => stat(a.view(4, 256), lookUpAt(p, a.num(0), a.str(1), a.num(2))),
  fstatfs: (p, a) => tellFileSystem(a.view(1, 16), p.descriptors.get(a.num(0)).path ?? fail('ENOSYS')),
  faccessat2(p, a) {
    lookUpAt(p, a.num(0), a.str(1), a.num(3));
  },
  fchmod(p, a) {
    const { socket } = p.descriptors.get(a.num(0));
    (socket ?? nodeOf(p, a.num(0))).mode = a.num(1) & 0o7777;
  },
  fchmodat(p, a) {
    const path = lookUp(p, a.num(0), a.str(1), { follow: true });
    checkWritable(path);
    path.node.mode = a.num(2) & 0o7777;
  },
  fchown: (p, a) => own(nodeOf(p, a.num(0)), a.num(1), a.num(2)),
  fchownat(p, a) {
    const path = lookUpAt(p, a.num(0), a.str(1), a.num(4));
    checkWritable(path);
    return own(path.node, a.num(2), a.num(3));
  },
  chdir: (p, a) => enter(p, lookUp(p, AT.FDCWD, a.str(0), { follow: true })),
  fchdir: (p, a) => enter(p, p.descriptors.get(a.num(0)).path ?? fail('ENOTDIR')),
  flock: (p, a) => lock(p, p.descriptors.get(a.num(0)), a.num(1)),
  dup3(p, a) {
    const [from, to] = [a.num(0), a.num(1)];
    if (from === to) fail('EINVAL');
    p.descriptors.place(to, p.descriptors.get(from), (a.num(2) & O.CLOEXEC) !== 0);
    return to;
  },
  fcntl(p, a) {
    const { file, closeOnExec } = p.descriptors.entry(a.num(0));
    switch (a.num(1)) {
      case F.DUPFD_CLOEXEC:
        return p.descriptors.install(file, true, a.num(2));
      case F.GETFD:
        return closeOnExec ? FD_CLOEXEC : 0;
      case F.SETFD:
        p.descriptors.mark(a.num(0), (a.num(2) & FD_CLOEXEC) !== 0);
        return 0;
      case F.GETFL:
        return file.flags & ~(O.CREAT | O.EXCL | O.TRUNC | O.CLOEXEC);
      case F.SETFL:
      case F.ADD_SEALS:
        return 0;
      default:
        return fail('EINVAL');
    }
  },
};

function enter(p: Process, path: Path): number {
  if (!path.node.isDirectory) fail('ENOTDIR');
  p.cwd = path;
  return 0;
}
