/**
 * What is known of a failure, for programs: a library's errors have it as properties, and the JSON log as fields. An
 * error's own words come before those of its causes: whoever wrapped an error knew better what it was about.
 */

import { CgroupFileError } from '../../effects/cgroups/error.ts';
import { EffectError } from '../../effects/error.ts';
import { errnoName } from '../../native/constants/errno.ts';
import type { Call, SyscallName } from '../../native/kernel/kernel.ts';
import { SyscallError } from '../../native/kernel/perform.ts';
import { BusError } from '../../native/libraries/bus/bus.ts';
import { RefusedError, RequestError } from '../container/answers.ts';

export interface FailureFacts {
  /** What the lifecycle was doing, as the chart names it: `mounts`, `createRuntime hooks`, `start`, `kill`… */
  readonly phase?: string;
  /** The system call that failed: `openat2`. */
  readonly syscall?: string;
  /** Why, by name: `ENOENT`. */
  readonly errno?: string;
  /** What it failed on. Where it is the container's, the path is the one inside. */
  readonly path?: string;
}

/** @returns what the error and its causes say; of each fact, the outermost that is known */
export function factsOf(error: unknown): FailureFacts {
  const facts: { -readonly [Name in keyof FailureFacts]: FailureFacts[Name] } = {};
  for (const one of causesOf(error)) {
    const { phase, syscall, errno, path } = factsOfOne(one);
    if (phase !== undefined) facts.phase ??= phase;
    if (syscall !== undefined) facts.syscall ??= syscall;
    if (errno !== undefined) facts.errno ??= errno;
    if (path !== undefined) facts.path ??= path;
  }
  return facts;
}

/** More than any chain of ours has: causes that lead in a circle end here. */
const DEEPEST = 32;

/** The error, its cause, the cause's cause… */
export function causesOf(error: unknown): readonly unknown[] {
  const all = [];
  for (let one = error; one !== undefined && all.length < DEEPEST; one = innerOf(one)) all.push(one);
  return all;
}

/** Where cleaning up has failed too, the first error is the one that counts. */
function innerOf(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  // A SuppressedError, which Node.js 22 has no class for.
  return 'suppressed' in error ? error.suppressed : error.cause;
}

type Found = { readonly [Name in keyof FailureFacts]?: FailureFacts[Name] | undefined };

function factsOfOne(error: unknown): Found {
  if (error instanceof SyscallError)
    return { syscall: error.call.name, errno: errnoName(error.errno), path: pathOf(error.call) };
  if (error instanceof RequestError) return { phase: error.phase };
  if (error instanceof RefusedError) return { phase: error.request };
  if (error instanceof CgroupFileError) return { errno: errnoName(error.errno), path: error.path };
  if (error instanceof BusError) return { errno: errnoName(error.errno) };
  if (!(error instanceof EffectError)) return {};
  const { phase, syscall, errno, path } = error.about;
  return { phase, syscall, path, errno: errno === undefined ? undefined : errnoName(errno) };
}

/** Which argument is the path of what the call is about. */
const PATH_ARGUMENT: { readonly [Name in SyscallName]?: number } = {
  chdir: 0,
  chroot: 0,
  execve: 0,
  execveat: 1,
  faccessat2: 1,
  fchmodat: 1,
  fchownat: 1,
  linkat: 3,
  mkdirat: 1,
  mknodat: 1,
  mount: 1,
  mount_setattr: 1,
  move_mount: 3,
  open_tree: 1,
  openat: 1,
  openat2: 1,
  pivot_root: 0,
  readlinkat: 1,
  renameat2: 1,
  statx: 1,
  symlinkat: 2,
  umount2: 0,
  unlinkat: 1,
};

/** @returns undefined where the call is about a descriptor */
function pathOf({ name, args }: Call): string | undefined {
  const at = PATH_ARGUMENT[name];
  const path = at === undefined ? undefined : args[at];
  return typeof path === 'string' && path !== '' && !path.startsWith('/proc/self/fd/') ? path : undefined;
}
