/** Device rules on cgroup v2: loads a program, attaches it, and puts it in the place of the one before. */

import {
  attachDeviceProgram,
  detachDeviceProgram,
  loadDeviceProgram,
  programById,
  programIds,
  queryDevicePrograms,
  readProgramIds,
  verifierLog,
} from '../../../native/calls/bpf.ts';
import { openat } from '../../../native/calls/files.ts';
import { getRlimit, setRlimit } from '../../../native/calls/process.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { RLIMIT } from '../../../native/constants/process.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { Fd } from '../../../native/kernel/numbers.ts';
import { Owned, OwnedStack } from '../../../native/kernel/owned.ts';
import { attempt } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';
import { CgroupFileError } from '../error.ts';
import type { DevicePolicy } from './policy.ts';
import { deviceProgram, encodeProgram } from './program.ts';
import type { DevicePrograms } from './programs.ts';

const LICENSE = 'Apache-2.0';

/**
 * Makes a policy the only one of a cgroup v2 directory. At no moment is there none: a program that is there already
 * is replaced in one step, or stays until the new one is attached.
 * @param programs keeps loaded programs for other cgroups
 * @throws CgroupFileError
 */
export function applyUnifiedDevices(
  kernel: Kernel,
  directory: string,
  policy: DevicePolicy,
  programs?: DevicePrograms,
): void {
  const succeeding = (fd: Fd, what: string): Fd => {
    if (fd < 0) throw new CgroupFileError(`${what} of ${directory}`, directory, -fd);
    return fd;
  };
  const opened = attempt(kernel, openat(AT.FDCWD, directory, O.RDONLY | O.DIRECTORY));
  using target = new Owned(kernel, succeeding(opened, 'open the directory'));
  using used = new OwnedStack();
  const loading = (): Fd => load(kernel, encodeProgram(deviceProgram(policy)), directory);
  const program = succeeding(programs?.get(policy, loading) ?? loading(), 'load the device program');
  if (programs === undefined) used.use(new Owned(kernel, program));
  const old = attachedPrograms(kernel, target.fd, directory, used);
  attach(kernel, target.fd, program, old, directory);
}

function attach(kernel: Kernel, target: Fd, program: Fd, old: readonly Fd[], directory: string): void {
  const [only] = old;
  // Linux before 5.6 cannot replace a program (EINVAL), and no kernel replaces several at once. Then the old ones are
  // detached after the new one has been attached.
  if (only !== undefined && old.length === 1 && attempt(kernel, attachDeviceProgram(target, program, only)) >= 0)
    return;
  const attached = attempt(kernel, attachDeviceProgram(target, program));
  if (attached < 0) throw new CgroupFileError(`attach the device program to ${directory}`, directory, -attached);
  for (const fd of old) {
    const detached = attempt(kernel, detachDeviceProgram(target, fd));
    if (detached < 0 && detached !== -ERRNO.ENOENT)
      throw new CgroupFileError(`detach the old device program from ${directory}`, directory, -detached);
  }
}

/**
 * Opens the programs that are attached. It leaves out those that we may not touch, which can only deny more.
 * @param owner gets the descriptors
 */
function attachedPrograms(kernel: Kernel, target: Fd, directory: string, owner: OwnedStack): readonly Fd[] {
  const ids = programIds();
  const asked = attempt(kernel, queryDevicePrograms(target, ids));
  if (asked < 0) throw new CgroupFileError(`query the device programs of ${directory}`, directory, -asked);
  return readProgramIds(ids).flatMap((id) => {
    const fd = attempt(kernel, programById(id));
    if (fd >= 0) return [owner.use(new Owned(kernel, fd)).fd];
    if (fd === -ERRNO.EPERM || fd === -ERRNO.EACCES || fd === -ERRNO.ENOENT) return [];
    throw new CgroupFileError(`open the device program ${id} of ${directory}`, directory, -fd);
  });
}

/**
 * The verifier gives up when a signal comes (EAGAIN), and a JavaScript engine sends signals to its own threads: those
 * of a profiler, or of its garbage collector.
 */
const TRIES = 10;

/**
 * Loads a program. @param directory the cgroup that it is for, for the message
 * @returns its descriptor, or `-errno`
 * @throws CgroupFileError with the verifier's words, where the verifier refuses it
 */
function load(kernel: Kernel, instructions: Uint8Array, directory: string): Fd {
  const once = (): Fd => attempt(kernel, loadDeviceProgram(instructions, LICENSE));
  let fd = once();
  for (let tries = 1; fd === -ERRNO.EAGAIN && tries < TRIES; tries++) fd = once();
  if (fd === -ERRNO.EPERM) fd = withMemlock(kernel, once);
  if (fd !== -ERRNO.EINVAL && fd !== -ERRNO.EACCES) return fd;
  const log = verifierLog();
  const again = attempt(kernel, loadDeviceProgram(instructions, LICENSE, log));
  const said = new TextDecoder().decode(log.bytes.subarray(0, log.bytes.indexOf(0))).trim();
  if (again < 0 && said !== '')
    throw new CgroupFileError(
      `load the device program: the verifier says: ${said.replaceAll('\n', '; ')}`,
      directory,
      -again,
    );
  return again;
}

const INFINITY = 2n ** 64n - 1n;

/** Before Linux 5.11 programs count as locked memory. The old limit is set again, since the container inherits it. */
function withMemlock(kernel: Kernel, work: () => number): number {
  const old = out(16);
  if (attempt(kernel, getRlimit(0, RLIMIT.RLIMIT_MEMLOCK, old)) < 0) return -ERRNO.EPERM;
  if (attempt(kernel, setRlimit(0, RLIMIT.RLIMIT_MEMLOCK, INFINITY, INFINITY)) < 0) return -ERRNO.EPERM;
  try {
    return work();
  } finally {
    const view = viewOf(old.bytes);
    attempt(kernel, setRlimit(0, RLIMIT.RLIMIT_MEMLOCK, view.getBigUint64(0, true), view.getBigUint64(8, true)));
  }
}
