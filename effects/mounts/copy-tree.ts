/** Copies a directory's content, where the copy's performer is: files, directories, symlinks, devices, fifos. */

import { entryBuffer, type FileName, readEntries } from '../../native/calls/directory-entries.ts';
import {
  close,
  fchownat,
  fstatfs,
  getdents,
  mkdirat,
  mknodat,
  openat,
  openat2,
  readlinkat,
  STATFS_BYTES,
  STATX_BYTES,
  statx,
  symlinkat,
} from '../../native/calls/files.ts';
import { deviceNumber, modeOf, ownerOf, typeOf } from '../../native/calls/stat.ts';
import { AT, O, RESOLVE, S } from '../../native/constants/files.ts';
import type { Call, Kernel, Out } from '../../native/kernel/kernel.ts';
import { attempt, call, perform, SyscallError } from '../../native/kernel/perform.ts';
import { out, u64s, viewOf } from '../../native/kernel/struct.ts';
import { isKernels } from '../paths/kernel-file-systems.ts';

/** uapi/linux/stat.h, struct statx. */
const STX = { GID: 24, SIZE: 40, ATIME: 64, MTIME: 112, RDEV_MAJOR: 128, RDEV_MINOR: 132 } as const;

interface Entry {
  readonly name: FileName;
  readonly stat: Out;
  /** Of a symlink. */
  readonly link: Out;
}

/**
 * Owners, permissions and times are kept; hard links and extended attributes are not, as with runc (which keeps no times either). An owner who is not mapped in the performer's user namespace
 * is not kept either.
 * Of a file system of the kernel's, to which a link of the image or an earlier mount may lead, nothing is copied.
 * @param from a directory, opened for reading
 * @param to a directory, whose own owner stays: root, or whom the mount's options name, as with runc
 * @throws SyscallError
 */
export function copyTree(kernel: Kernel, from: number, to: number): void {
  const fs = out(STATFS_BYTES);
  perform(kernel, [fstatfs(from, fs)]);
  if (isKernels(fs)) return;
  for (const entry of entriesOf(kernel, from)) copyEntry(kernel, from, to, entry);
}

/** As many as are looked at in one trip: its answer has to fit into the init's memory. */
const LOOKED_AT = 256;

function entriesOf(kernel: Kernel, directory: number): readonly Entry[] {
  const read = readEntries(kernel, directory, entryBuffer(32 * 1024));
  if (typeof read === 'number') throw new SyscallError(getdents(directory, out(0)), -read);
  const names = read.map(({ name }) => name);
  const entries: Entry[] = [];
  for (let i = 0; i < names.length; i += LOOKED_AT)
    entries.push(...look(kernel, directory, names.slice(i, i + LOOKED_AT)));
  return entries;
}

function look(kernel: Kernel, directory: number, names: readonly FileName[]): readonly Entry[] {
  const found = names.map((name) => ({ name, stat: out(STATX_BYTES) }));
  perform(
    kernel,
    found.map(({ name, stat }) => statx(directory, name, stat)),
  );
  const entries = found.map((entry) => ({ ...entry, link: out(typeOf(entry.stat) === S.IFLNK ? 4096 : 0) }));
  const links = entries.filter(({ stat }) => typeOf(stat) === S.IFLNK);
  perform(
    kernel,
    links.map(({ name, link }) => readlinkat(directory, name, link)),
  );
  return entries;
}

function copyEntry(kernel: Kernel, from: number, to: number, { name, stat, link }: Entry): void {
  const view = viewOf(stat.bytes);
  const keep = [...ownerCalls(to, name, stat), ...attributeCalls(to, name, stat)];
  switch (typeOf(stat)) {
    case S.IFDIR: {
      perform(kernel, [mkdirat(to, name, 0o700)]);
      using(kernel, [opened(from, name, O.RDONLY | O.DIRECTORY), openat(to, name, O.PATH | O.DIRECTORY)], ([a, b]) =>
        copyTree(kernel, a, b),
      );
      perform(kernel, keep);
      return;
    }
    case S.IFREG: {
      const size = Number(view.getBigUint64(STX.SIZE, true));
      // Not waiting for the writer of a fifo that has taken its place.
      const reading = opened(from, name, O.RDONLY | O.NONBLOCK);
      const writing = openat(to, name, O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW, 0o600);
      using(kernel, [reading, writing], ([source, target]) => {
        for (let copied = 0; copied < size; ) {
          const count = call(kernel, { name: 'sendfile', args: [target, source, null, size - copied] });
          if (count === 0) break; // It has become shorter.
          copied += count;
        }
      });
      perform(kernel, keep);
      return;
    }
    case S.IFLNK: {
      const target = link.bytes.subarray(0, link.bytes.indexOf(0) + 1);
      perform(kernel, [symlinkat(target, to, name), ...ownerCalls(to, name, stat)]);
      return;
    }
    case S.IFSOCK:
      return; // Of no use without whoever listens on it.
    default: {
      const device = deviceNumber(view.getUint32(STX.RDEV_MAJOR, true), view.getUint32(STX.RDEV_MINOR, true));
      perform(kernel, [mknodat(to, name, modeOf(stat), device), ...keep]);
    }
  }
}

/** By no symlink: the directory may be somebody's who changes it meanwhile. */
const opened = (directory: number, name: FileName, flags: number): Call =>
  openat2(directory, name, { flags, resolve: RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS });

function ownerCalls(directory: number, name: FileName, stat: Out): readonly Call[] {
  const gid = viewOf(stat.bytes).getUint32(STX.GID, true);
  return [{ ...fchownat(directory, name, ownerOf(stat), gid, AT.SYMLINK_NOFOLLOW), mayFail: true }];
}

/** After the owner: chown(2) takes the set-user-ID bit away. */
function attributeCalls(directory: number, name: FileName, stat: Out): readonly Call[] {
  const view = viewOf(stat.bytes);
  const time = (at: number) => [view.getBigInt64(at, true), view.getUint32(at + 8, true)] as const;
  return [
    { name: 'fchmodat', args: [directory, name, modeOf(stat) & 0o7777] },
    {
      name: 'utimensat',
      args: [directory, name, u64s(...time(STX.ATIME), ...time(STX.MTIME)), AT.SYMLINK_NOFOLLOW],
    },
  ];
}

function using(
  kernel: Kernel,
  [first, second]: readonly [Call, Call],
  action: (fds: readonly [number, number]) => void,
): void {
  const a = call(kernel, first);
  try {
    const b = call(kernel, second);
    try {
      action([a, b]);
    } finally {
      attempt(kernel, close(b));
    }
  } finally {
    attempt(kernel, close(a));
  }
}
