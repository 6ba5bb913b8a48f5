/** Copies a directory's content: files, directories, symlinks, devices, fifos. The performer of the calls copies. */

import { entryBuffer, type FileName, readEntries } from '../../native/calls/directory-entries.ts';
import {
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
import { deviceNumber, deviceOf, groupOf, modeOf, ownerOf, sizeOf, timesOf, typeOf } from '../../native/calls/stat.ts';
import { AT, O, RESOLVE, S } from '../../native/constants/files.ts';
import type { Call, Kernel, Out } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { call, perform, SyscallError } from '../../native/kernel/perform.ts';
import { out, u64s } from '../../native/kernel/struct.ts';
import { isKernels } from '../paths/kernel-file-systems.ts';

interface Entry {
  readonly name: FileName;
  readonly stat: Out;
  /** The text of a symlink, with a NUL behind it. */
  readonly link: Out;
}

/**
 * Copies what is in a directory. Owners, permissions and times are kept. Hard links and extended attributes are not, as
 * with runc (which does not keep times either); nor is an owner who is not mapped in the performer's user namespace.
 * Nothing is copied from a file system of the kernel's, to which a link of the image or an earlier mount may lead.
 * @param from a directory, opened for reading
 * @param to a directory. Its own owner stays: root, or whom the mount's options name, as with runc
 * @throws SyscallError
 */
export function copyTree(kernel: Kernel, from: Fd, to: Fd): void {
  const statfs = out(STATFS_BYTES);
  call(kernel, fstatfs(from, statfs));
  if (isKernels(statfs)) return;
  for (const entry of entriesOf(kernel, from)) copyEntry(kernel, from, to, entry);
}

/** One trip looks at no more entries: its answer has to fit into the init's memory. */
const LOOKED_AT = 256;

function entriesOf(kernel: Kernel, directory: Fd): readonly Entry[] {
  const read = readEntries(kernel, directory, entryBuffer(32 * 1024));
  if (typeof read === 'number') throw new SyscallError(getdents(directory, out(0)), -read);
  const names = read.map(({ name }) => name);
  const entries: Entry[] = [];
  for (let i = 0; i < names.length; i += LOOKED_AT)
    entries.push(...look(kernel, directory, names.slice(i, i + LOOKED_AT)));
  return entries;
}

/** The longest text of a symlink, with its NUL: PATH_MAX. */
const LINK_BYTES = 4096;

function look(kernel: Kernel, directory: Fd, names: readonly FileName[]): readonly Entry[] {
  const found = names.map((name) => ({ name, stat: out(STATX_BYTES) }));
  perform(
    kernel,
    found.map(({ name, stat }) => statx(directory, name, stat)),
  );
  const entries = found.map((entry) => ({ ...entry, link: out(typeOf(entry.stat) === S.IFLNK ? LINK_BYTES : 0) }));
  const links = entries.filter(({ stat }) => typeOf(stat) === S.IFLNK);
  perform(
    kernel,
    links.map(({ name, link }) => readlinkat(directory, name, link)),
  );
  return entries;
}

function copyEntry(kernel: Kernel, from: Fd, to: Fd, entry: Entry): void {
  const { name, stat, link } = entry;
  switch (typeOf(stat)) {
    case S.IFDIR:
      copyDirectory(kernel, from, to, entry);
      return;
    case S.IFREG:
      copyFile(kernel, from, to, entry);
      return;
    case S.IFLNK: {
      const target = link.bytes.subarray(0, link.bytes.indexOf(0) + 1);
      perform(kernel, [symlinkat(target, to, name), keepOwner(to, entry)]);
      return;
    }
    case S.IFSOCK:
      return; // It is of no use without the process that listens on it.
    default: {
      const { major, minor } = deviceOf(stat);
      perform(kernel, [mknodat(to, name, modeOf(stat), deviceNumber(major, minor)), ...keepAttributes(to, entry)]);
    }
  }
}

function copyDirectory(kernel: Kernel, from: Fd, to: Fd, entry: Entry): void {
  const { name } = entry;
  call(kernel, mkdirat(to, name, 0o700));
  {
    using source = opened(kernel, openEntry(from, name, O.RDONLY | O.DIRECTORY));
    using target = opened(kernel, openat(to, name, O.PATH | O.DIRECTORY));
    copyTree(kernel, source.fd, target.fd);
  }
  perform(kernel, keepAttributes(to, entry));
}

function copyFile(kernel: Kernel, from: Fd, to: Fd, entry: Entry): void {
  const { name, stat } = entry;
  const size = sizeOf(stat);
  {
    // NONBLOCK: a fifo may have taken its place, and opening that would wait for a writer.
    using source = opened(kernel, openEntry(from, name, O.RDONLY | O.NONBLOCK));
    using target = opened(kernel, openat(to, name, O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW, 0o600));
    for (let copied = 0; copied < size; ) {
      const count = call(kernel, { name: 'sendfile', args: [target.fd, source.fd, null, size - copied] });
      if (count === 0) break; // The file has become shorter.
      copied += count;
    }
  }
  perform(kernel, keepAttributes(to, entry));
}

/** Goes through no symlink: the directory may belong to somebody who changes it meanwhile. */
const openEntry = (directory: Fd, name: FileName, flags: number): Call<Fd> =>
  openat2(directory, name, { flags, resolve: RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS });

const keepOwner = (directory: Fd, { name, stat }: Entry): Call => ({
  ...fchownat(directory, name, ownerOf(stat), groupOf(stat), AT.SYMLINK_NOFOLLOW),
  mayFail: true,
});

/** The permissions come after the owner: chown(2) takes the set-user-ID bit away. */
function keepAttributes(directory: Fd, entry: Entry): readonly Call[] {
  const { name, stat } = entry;
  return [
    keepOwner(directory, entry),
    { name: 'fchmodat', args: [directory, name, modeOf(stat) & 0o7777] },
    { name: 'utimensat', args: [directory, name, u64s(...timesOf(stat).flat()), AT.SYMLINK_NOFOLLOW] },
  ];
}
