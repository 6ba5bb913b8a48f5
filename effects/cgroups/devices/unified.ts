/** Device rules on cgroup v2: the program loaded, attached, and put in the place of the one before. */

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
import { close, openat } from '../../../native/calls/files.ts';
import { getRlimit, setRlimit } from '../../../native/calls/process.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { RLIMIT } from '../../../native/constants/process.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { attempt } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';
import { CgroupError } from '../files.ts';
import type { DevicePolicy } from './policy.ts';
import { deviceProgram, encodeProgram } from './program.ts';
import type { DevicePrograms } from './programs.ts';

const LICENSE = 'Apache-2.0';

/**
 * Makes a policy the only one of a cgroup v2 directory. At no moment is there none: a program that is there already
 * is replaced in one step, or stays until the new one is attached.
 * @param programs where loaded programs are kept, if they are
 * @throws CgroupError
 */
export function applyUnifiedDevices(
  kernel: Kernel,
  directory: string,
  policy: DevicePolicy,
  programs?: DevicePrograms,
): void {
  const opened: number[] = [];
  const keep = (fd: number, what: string): number => {
    if (fd < 0) throw new CgroupError(`${what} of ${directory}`, directory, -fd);
    opened.push(fd);
    return fd;
  };
  try {
    const target = keep(attempt(kernel, openat(AT.FDCWD, directory, O.RDONLY | O.DIRECTORY)), 'open the directory');
    const instructions = encodeProgram(deviceProgram(policy));
    const loaded = programs?.get(instructions, () => load(kernel, instructions)) ?? -1;
    const program = loaded >= 0 ? loaded : keep(load(kernel, instructions), 'load the device program');
    const old = attachedPrograms(kernel, target, directory);
    opened.push(...old);
    attach(kernel, target, program, old, directory);
  } finally {
    kernel.submit(opened.map((fd) => ({ ...close(fd), mayFail: true as const })));
  }
}

function attach(kernel: Kernel, target: number, program: number, old: readonly number[], directory: string): void {
  const [only] = old;
  // Before Linux 5.6 there is no replacing (EINVAL): then the old one is detached afterwards, as are several.
  if (only !== undefined && old.length === 1 && attempt(kernel, attachDeviceProgram(target, program, only)) >= 0)
    return;
  const attached = attempt(kernel, attachDeviceProgram(target, program));
  if (attached < 0) throw new CgroupError(`attach the device program to ${directory}`, directory, -attached);
  for (const fd of old) {
    const detached = attempt(kernel, detachDeviceProgram(target, fd));
    if (detached < 0 && detached !== -ERRNO.ENOENT)
      throw new CgroupError(`detach the old device program from ${directory}`, directory, -detached);
  }
}

/** Descriptors of the programs that are attached, without those that we may not touch: they can only deny more. */
function attachedPrograms(kernel: Kernel, target: number, directory: string): readonly number[] {
  const ids = programIds();
  const asked = attempt(kernel, queryDevicePrograms(target, ids));
  if (asked < 0) throw new CgroupError(`query the device programs of ${directory}`, directory, -asked);
  return readProgramIds(ids).flatMap((id) => {
    const fd = attempt(kernel, programById(id));
    if (fd >= 0) return [fd];
    if (fd === -ERRNO.EPERM || fd === -ERRNO.EACCES || fd === -ERRNO.ENOENT) return [];
    throw new CgroupError(`open the device program ${id} of ${directory}`, directory, -fd);
  });
}

/** A signal makes the verifier give up (EAGAIN), and engines send their own threads some: a profiler's, a collector's. */
const TRIES = 10;

/** Loads a program and returns its descriptor or `-errno`. @throws CgroupError where the verifier refuses it */
function load(kernel: Kernel, instructions: Uint8Array): number {
  const once = (): number => attempt(kernel, loadDeviceProgram(instructions, LICENSE));
  let fd = once();
  for (let tries = 1; fd === -ERRNO.EAGAIN && tries < TRIES; tries++) fd = once();
  if (fd === -ERRNO.EPERM) fd = withMemlock(kernel, once);
  if (fd !== -ERRNO.EINVAL && fd !== -ERRNO.EACCES) return fd;
  const log = verifierLog();
  const again = attempt(kernel, loadDeviceProgram(instructions, LICENSE, log));
  const said = new TextDecoder().decode(log.bytes.subarray(0, log.bytes.indexOf(0))).trim();
  if (again < 0 && said !== '')
    throw new CgroupError(`load the device program: the verifier says: ${said.replaceAll('\n', '; ')}`, '', -again);
  return again;
}

const INFINITY = 2n ** 64n - 1n;

/** Before Linux 5.11 programs count as locked memory. The limit is put back, for the container inherits it. */
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
