/** An init becomes the container's process. */

import { Batch } from '../../native/batch.ts';
import { chdir, close, closeRange, openat, read, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { execve, prctl, setgroups, setNoNewPrivs, setresgid, setresuid, umask } from '../../native/calls/process.ts';
import { ERRNO, errnoName, errnoText } from '../../native/constants/errno.ts';
import { AT, CLOSE_RANGE, O, S } from '../../native/constants/files.ts';
import { PR } from '../../native/constants/process.ts';
import { type Call, type Kernel, LostPeerError, type Out } from '../../native/kernel.ts';
import { perform, SyscallError } from '../../native/perform.ts';
import { out, viewOf } from '../../native/struct.ts';
import type { Process } from '../../spec/types.ts';
import { EffectError } from '../error.ts';
import { openInRoot } from '../rootfs/in-root.ts';
import { applyCapabilities, dropBounding } from './capabilities.ts';
import { homeOf, variable, withHome } from './environment.ts';
import { addFindProgram } from './program.ts';

export interface ExecuteOptions {
  /** Descriptors from 3 on that the program inherits. */
  readonly preserveFds: number;
}

/**
 * The last thing that an init does: it gives up what the process must not have, and executes the program.
 * @throws EffectError in the words that engines know; the init cannot be used any more and must be ended
 */
export function executeProcess(kernel: Kernel, process: Process, options: ExecuteOptions): void {
  const facts = lookAround(kernel, process);
  const env = withHome(process.env ?? [], facts.home);
  const batch = lastBatch(process, facts, env, options);
  let outcome: ReturnType<Kernel['submit']>;
  try {
    outcome = kernel.submit(batch.calls);
  } catch (error) {
    // The connection is close-on-exec: its end is the program's beginning.
    if (error instanceof LostPeerError) return;
    throw error;
  }
  const index = outcome.stoppedAt ?? batch.calls.length - 1;
  const failed = batch.calls[index];
  const errno = -(outcome.results[index] ?? 0);
  if (failed?.name === 'execve')
    throw new EffectError(`exec ${facts.program}: ${errnoText(errno)} (${errnoName(errno)})`);
  throw failure(process, failed, errno, index);
}

function failure(process: Process, failed: Call | undefined, errno: number, index: number): EffectError {
  const user = process.user ?? {};
  const invalid = errno === ERRNO.EINVAL;
  if (failed?.name === 'setresuid' && invalid)
    return new EffectError(`cannot setuid to unmapped uid ${user.uid ?? 0} in user namespace`);
  if (failed?.name === 'setresgid' && invalid)
    return new EffectError(`cannot setgid to unmapped gid ${user.gid ?? 0} in user namespace`);
  if (failed?.name === 'chdir') return cwdError(process.cwd, errno);
  const cause = failed === undefined ? undefined : new SyscallError(failed, errno, index);
  return new EffectError(`give the process its identity: ${cause?.message ?? errnoName(errno)}`, { cause });
}

interface Facts {
  /** The path for execve. */
  readonly program: string;
  readonly home: string | undefined;
  /** The working directory could not be entered yet: perhaps the process's user can. */
  readonly cwdDenied: boolean;
  /** Standard descriptors that the process's user does not own. */
  readonly foreignStdio: readonly number[];
}

const STX = { UID: 20, MODE: 28, RDEV_MAJOR: 128, RDEV_MINOR: 132 } as const;

/** What the last batch depends on, in one round trip. @throws EffectError when the working directory is not there */
function lookAround(kernel: Kernel, process: Process): Facts {
  const batch = new Batch();
  batch.try(chdir(process.cwd));
  const stats = [0, 1, 2].map((fd) => {
    const stat = out(STATX_BYTES);
    batch.try(statx(fd, '', stat));
    return stat;
  });
  const passwd = variable(process.env ?? [], 'HOME') ? undefined : out(64 * 1024);
  let passwdRead = -1;
  if (passwd !== undefined) {
    const root = batch.try(openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
    const file = batch.try(openInRoot(root, '/etc/passwd', O.RDONLY | O.NONBLOCK));
    batch.try(read(file, passwd));
    passwdRead = batch.calls.length - 1;
    batch.try(close(file));
    batch.try(close(root));
  }
  const programIn = addFindProgram(batch, process);
  const results = perform(kernel, batch.calls);
  const entered = -(results[0] ?? 0);
  if (entered > 0 && entered !== ERRNO.EACCES && entered !== ERRNO.EPERM) throw cwdError(process.cwd, entered);
  const length = results[passwdRead] ?? 0;
  const uid = process.user?.uid ?? 0;
  return {
    program: programIn(results),
    home:
      passwd === undefined || length <= 0
        ? undefined
        : homeOf(new TextDecoder().decode(passwd.bytes.subarray(0, length)), uid),
    cwdDenied: entered > 0,
    foreignStdio: [0, 1, 2].filter((fd) => (results[fd + 1] ?? -1) >= 0 && isForeign(stats[fd], uid)),
  };
}

export const cwdError = (cwd: string, errno: number): EffectError =>
  new EffectError(
    `chdir to cwd (${JSON.stringify(cwd)}) set in config.json failed: ${errnoText(errno)} (${errnoName(errno)})`,
  );

function isForeign(stat: Out | undefined, uid: number): boolean {
  if (stat === undefined) return false;
  const view = viewOf(stat.bytes);
  const isNull =
    (view.getUint16(STX.MODE, true) & S.IFMT) === S.IFCHR &&
    view.getUint32(STX.RDEV_MAJOR, true) === 1 &&
    view.getUint32(STX.RDEV_MINOR, true) === 3;
  return !isNull && view.getUint32(STX.UID, true) !== uid;
}

function lastBatch(process: Process, facts: Facts, env: readonly string[], { preserveFds }: ExecuteOptions): Batch {
  const batch = new Batch();
  const user = process.user ?? {};
  const uid = user.uid ?? 0;
  // Whatever was left open by mistake, here or in what started us, ends with execve (CVE-2024-21626).
  batch.add(closeRange(3 + preserveFds, 0x7fffffff, CLOSE_RANGE.CLOEXEC));
  // So that the user can use his terminal; where the owner cannot be changed it stays as it is.
  for (const fd of facts.foreignStdio) batch.try({ name: 'fchown', args: [fd, uid, -1] });
  if (process.noNewPrivileges) batch.add(setNoNewPrivs());
  if (process.capabilities !== undefined) {
    for (const one of dropBounding(process.capabilities)) batch.add(one);
    batch.add(prctl(PR.SET_KEEPCAPS, 1));
  }
  batch.add(setgroups(user.additionalGids ?? []));
  batch.add(setresgid(user.gid ?? 0));
  batch.add(setresuid(uid));
  if (facts.cwdDenied) batch.add(chdir(process.cwd));
  if (process.capabilities !== undefined) {
    batch.add(prctl(PR.SET_KEEPCAPS, 0));
    for (const one of applyCapabilities(process.capabilities)) batch.add(one);
  }
  batch.add(umask(user.umask ?? 0o022));
  batch.add(execve(facts.program, process.args ?? [], env));
  return batch;
}
