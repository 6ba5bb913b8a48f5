/**
 * Who is served: a caller for whom this engine can do what the caller's own engine would do. It has the same root, the
 * same namespaces, no fewer rights, and the same launcher. Whoever connects is known by the kernel's word for it
 * (SO_PEERCRED), and its files in /proc by a descriptor, so that no other process with its pid is looked at.
 */

import { close, openat, read, readlinkat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { ppoll } from '../../native/calls/poll.ts';
import { isSameFile, modifiedAt, sizeOf } from '../../native/calls/stat.ts';
import { AT, O } from '../../native/constants/files.ts';
import { SOL_SOCKET } from '../../native/constants/socket.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out, u32s, viewOf } from '../../native/kernel/struct.ts';
import { launcherBeside } from './place.ts';

const NAMESPACES = ['mnt', 'pid', 'user', 'net', 'ipc', 'uts', 'cgroup', 'time'] as const;
const LINK_BYTES = 64;
const STATUS_BYTES = 4096;
const LABEL_BYTES = 256;

/** What a process is, as far as it matters. */
interface Identity {
  /** `mnt:[4026531841]` and so on, one after the other. */
  readonly namespaces: string;
  readonly root: Out;
  readonly program: Out;
  readonly label: string;
  readonly status: Status;
}

interface Status {
  /** The four uids and the four gids are all 0. */
  readonly isRoot: boolean;
  /** Effective, permitted and bounding capabilities. */
  readonly capabilities: readonly bigint[];
  /** The mode of seccomp, and how many filters. */
  readonly seccomp: string;
  readonly umask: number;
}

/** What this process is, which callers are compared with. */
export type Self = Pick<Identity, 'namespaces' | 'root' | 'label' | 'status'> & { readonly launcher: Out };

/** @param engine the path of this program. @throws Error where /proc does not tell */
export function whoWeAre(kernel: Kernel, engine: string): Self {
  const own = identityOf(kernel, '/proc/self');
  const launcher = out(STATX_BYTES);
  if (own === undefined || attempt(kernel, statx(AT.FDCWD, launcherBeside(engine), launcher, 0)) < 0)
    throw new Error('/proc does not say who this process is');
  return { ...own, launcher };
}

export interface Admitted {
  readonly pid: Pid;
  readonly umask: number;
}

/**
 * @param told the pid that the caller says it has
 * @returns undefined for a caller that is not served
 */
export function admit(kernel: Kernel, self: Self, connection: Fd, told: Pid): Admitted | undefined {
  const pid = peerOf(kernel, connection);
  if (pid === undefined || pid !== told) return undefined;
  const caller = identityOf(kernel, `/proc/${pid}`);
  if (caller === undefined || !isAsWe(caller, self)) return undefined;
  return isConnected(kernel, connection) ? { pid, umask: caller.status.umask } : undefined;
}

/** Pure. */
function isAsWe({ namespaces, root, program, label, status }: Identity, self: Self): boolean {
  return (
    status.isRoot &&
    namespaces === self.namespaces &&
    isSameFile(root, self.root) &&
    isSameProgram(program, self.launcher) &&
    label === self.label &&
    status.seccomp === self.status.seccomp &&
    status.capabilities.every((set, i) => (~set & (self.status.capabilities[i] ?? 0n)) === 0n)
  );
}

/** Also when a file was overwritten in its place. */
const isSameProgram = (one: Out, other: Out): boolean =>
  isSameFile(one, other) && sizeOf(one) === sizeOf(other) && modifiedAt(one) === modifiedAt(other);

const SO_PEERCRED = 17;

/** The pid of whoever has connected, where that is root; the kernel keeps it from the time of connect(2). */
function peerOf(kernel: Kernel, connection: Fd): Pid | undefined {
  const credentials = out(12);
  const size = u32s(12);
  const got = attempt(kernel, { name: 'getsockopt', args: [connection, SOL_SOCKET, SO_PEERCRED, credentials, size] });
  const view = viewOf(credentials.bytes);
  return got < 0 || view.getUint32(4, true) !== 0 ? undefined : view.getInt32(0, true);
}

/** The caller holds its end as long as it lives, and gives it to nobody: so its pid is its own still. */
const isConnected = (kernel: Kernel, connection: Fd): boolean =>
  attempt(kernel, ppoll([{ fd: connection, events: 0 }], 0)) <= 0;

function identityOf(kernel: Kernel, path: string): Identity | undefined {
  const batch = new Batch();
  const directory = batch.add(openat(AT.FDCWD, path, O.PATH | O.DIRECTORY));
  const links = NAMESPACES.map((name) => {
    const text = out(LINK_BYTES);
    return { text, length: batch.try(readlinkat(directory, `ns/${name}`, text)) };
  });
  const root = out(STATX_BYTES);
  const program = out(STATX_BYTES);
  batch.add(statx(directory, 'root', root, 0));
  batch.add(statx(directory, 'exe', program, 0));
  const [status, label] = [out(STATUS_BYTES), out(LABEL_BYTES)];
  const statusFile = batch.add(openat(directory, 'status', O.RDONLY));
  const statusLength = batch.add(read(statusFile, status));
  batch.add(close(statusFile));
  const labelFile = batch.try(openat(directory, 'attr/current', O.RDONLY));
  const labelLength = batch.try(read(labelFile, label));
  batch.try(close(labelFile));
  const { results, stoppedAt } = kernel.submit(batch.calls);
  const fd = resultOf(results, directory);
  if (fd >= 0) attempt(kernel, close(fd));
  if (stoppedAt !== undefined) return undefined;
  return {
    namespaces: links.map(({ text, length }) => textIn(text, resultOf(results, length))).join(' '),
    root,
    program,
    label: textIn(label, resultOf(results, labelLength)),
    status: statusIn(textIn(status, resultOf(results, statusLength))),
  };
}

const textIn = ({ bytes }: Out, length: number): string =>
  length <= 0 ? '' : new TextDecoder().decode(bytes.subarray(0, length));

/** Reads /proc/PID/status (proc_pid_status(5)). */
function statusIn(text: string): Status {
  const field = (name: string): string => {
    const at = text.indexOf(`\n${name}:\t`);
    if (at < 0) return '';
    const start = at + name.length + 3;
    return text.slice(start, text.indexOf('\n', start));
  };
  return {
    isRoot: field('Uid') === '0\t0\t0\t0' && field('Gid') === '0\t0\t0\t0',
    capabilities: ['CapEff', 'CapPrm', 'CapBnd'].map((name) => BigInt(`0x${field(name) || '0'}`)),
    seccomp: `${field('Seccomp')} ${field('Seccomp_filters')}`,
    umask: Number.parseInt(field('Umask') || '22', 8),
  };
}
