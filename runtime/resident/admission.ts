/**
 * Who is served: a caller for whom this engine can do what the caller's own engine would do. It has the same root, the
 * same namespaces, no fewer rights, and the same launcher. Whoever connects is known by the kernel's word for it
 * (SO_PEERCRED), and its files in /proc by a descriptor, so that no other process with its pid is looked at.
 */

import { STATX_BYTES, statx } from '../../native/calls/files.ts';
import { ppoll } from '../../native/calls/poll.ts';
import { AT } from '../../native/constants/files.ts';
import { SOL_SOCKET } from '../../native/constants/socket.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out, u32s, viewOf } from '../../native/kernel/struct.ts';
import { copyOf, type Identity, identification, statusField } from './identity.ts';
import { launcherBeside } from './place.ts';

export interface Admitted {
  readonly pid: Pid;
  readonly umask: number;
}

/**
 * @param engine the path of this program
 * @returns a function that looks at who has connected, and answers undefined for a caller that is not served. It is
 * told the pid that the caller says it has
 * @throws Error where /proc does not tell who this process is
 */
export function admission(kernel: Kernel, engine: string): (connection: Fd, told: Pid) => Admitted | undefined {
  const identify = identification(kernel);
  const own = identify('/proc/self');
  const launcher = out(STATX_BYTES);
  if (own === undefined || attempt(kernel, statx(AT.FDCWD, launcherBeside(engine), launcher, 0)) < 0)
    throw new Error('/proc does not say who this process is');
  // The few fields that are compared with are found sooner in a short text.
  const status = COMPARED.map((name) => `\n${name}:\t${statusField(own.status, name)}\n`).join('');
  const self: Identity = { ...copyOf(own), program: launcher, status };
  return (connection, told) => {
    const pid = peerOf(kernel, connection);
    if (pid === undefined || pid !== told) return undefined;
    const caller = identify(`/proc/${pid}`);
    if (caller === undefined || !isAs(caller, self) || !isConnected(kernel, connection)) return undefined;
    return { pid, umask: Number.parseInt(statusField(caller.status, 'Umask') || '22', 8) };
  };
}

/** Whether a caller has what this process has, and no fewer rights. Pure. */
export function isAs(caller: Identity, self: Identity): boolean {
  return (
    caller.namespaces.every((one, i) => isSame(one, self.namespaces[i], WHOLE)) &&
    isSame(caller.root, self.root, FILE) &&
    // Also when a file was overwritten in its place.
    isSame(caller.program, self.program, FILE) &&
    isSame(caller.program, self.program, CONTENT) &&
    isSame(caller.label, self.label, WHOLE) &&
    ['Uid', 'Gid'].every((name) => statusField(caller.status, name) === '0\t0\t0\t0') &&
    FILTERS.every((name) => isSameField(name, caller, self)) &&
    CAPABILITY_SETS.every((name) => isSameField(name, caller, self) || hasAll(name, caller, self))
  );
}

const FILTERS = ['Seccomp', 'Seccomp_filters'] as const;
const CAPABILITY_SETS = ['CapEff', 'CapPrm', 'CapBnd'] as const;
/** The fields of /proc/PID/status that are compared with this process's own. */
const COMPARED: readonly string[] = [...FILTERS, ...CAPABILITY_SETS];

const isSameField = (name: string, caller: Identity, self: Identity): boolean =>
  statusField(caller.status, name) === statusField(self.status, name);

function hasAll(name: string, caller: Identity, self: Identity): boolean {
  const [theirs = 0n, ours = 0n] = [caller, self].map(({ status }) => BigInt(`0x${statusField(status, name) || '0'}`));
  return (~theirs & ours) === 0n;
}

/** Ranges of bytes: of memory as a whole; and of a struct statx (linux/stat.h). */
const WHOLE = [[0, undefined]] as const;
/** The inode; the device and the mount. */
const FILE = [
  [32, 40],
  [136, 152],
] as const;
/** The size; when the content was last modified. */
const CONTENT = [
  [40, 48],
  [112, 124],
] as const;

type Range = readonly [from: number, to: number | undefined];

/** A loop over the bytes takes ten times as long, and every command waits for it. */
function isSame(one: Out, other: Out | undefined, ranges: readonly Range[]): boolean {
  if (other === undefined) return false;
  const [a, b] = [one.bytes, other.bytes];
  return ranges.every(([from, to]) => Buffer.compare(a.subarray(from, to), b.subarray(from, to)) === 0);
}

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
