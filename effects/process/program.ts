/**
 * Finds the file that the process executes: args[0], searched for as a shell does. Engines match on the error messages.
 */

import { faccessat2, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { typeOf } from '../../native/calls/stat.ts';
import { ERRNO, errnoText } from '../../native/constants/errno.ts';
import { AT, S, X_OK } from '../../native/constants/files.ts';
import { type Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Call, Out } from '../../native/kernel/kernel.ts';
import { SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { EffectError } from '../error.ts';
import { variable } from './environment.ts';
import { type GroupedProcess, groupCalls } from './groups.ts';

/** The program cannot be executed. The words are runc's. */
export class ProgramError extends EffectError {
  /** Its path, or the name that was searched for. */
  readonly program: string;
  /** Positive, as in errno(3). */
  readonly errno: number;
  /** What found it out: the call itself, a look at the path before, or the search in $PATH. */
  readonly during: 'execve' | 'look' | 'PATH';

  constructor(message: string, found: Pick<ProgramError, 'program' | 'errno' | 'during'>, cause?: SyscallError) {
    super(message, { cause, about: { path: found.program, errno: found.errno } });
    this.program = found.program;
    this.errno = found.errno;
    this.during = found.during;
  }
}

/**
 * The paths to try for a name, in order. A name with a slash is a path. An empty PATH entry is the current directory.
 */
export function candidates(name: string, env: readonly string[]): readonly string[] {
  if (name.includes('/')) return [name];
  const path = variable(env, 'PATH') ?? '';
  return path === '' ? [] : path.split(':').map((dir) => `${dir === '' ? '.' : dir}/${name}`);
}

/**
 * Adds the look-ups of the program in the container, with the rights of the user that will execute it.
 * @returns a function of the batch's results, which returns the path for execve
 * @throws EffectError, by that function: `exec: "foo": executable file not found in $PATH`, `exec: "/foo": permission
 * denied`
 */
export function addFindProgram(batch: Batch, process: GroupedProcess): (results: readonly number[]) => string {
  const name = process.args?.[0] ?? '';
  const asUser = becomeEffectively(process);
  for (const call of asUser.begin) batch.add(call);
  const looks = candidates(name, process.env ?? []).map((path) => {
    const stat = out(STATX_BYTES);
    const found = batch.try(statx(AT.FDCWD, path, stat, 0));
    const accessible = batch.try(faccessat2(AT.FDCWD, path, X_OK, AT.EACCESS));
    return { path, stat, found, accessible };
  });
  for (const call of asUser.end) batch.add(call);

  return (results) => {
    for (const { path, stat, found, accessible } of looks) {
      const verdict = judge(resultOf(results, found), stat, resultOf(results, accessible));
      if (verdict === 0) return path;
      if (name.includes('/')) throw notExecutable(name, verdict, resultOf(results, found));
    }
    // runc says this, too, where PATH leads to a file that may not be executed. Engines make exit status 127 of it.
    throw new ProgramError(`exec: ${JSON.stringify(name)}: executable file not found in $PATH`, {
      program: name,
      errno: ERRNO.ENOENT,
      during: 'PATH',
    });
  };
}

/** 0 for a file that can be executed, or the errno that execve(2) would give. */
function judge(found: number, stat: Out, accessible: number): number {
  if (found < 0) return -found;
  const type = typeOf(stat);
  if (type === S.IFDIR) return ERRNO.EISDIR;
  return type === S.IFREG && accessible === 0 ? 0 : ERRNO.EACCES;
}

function notExecutable(name: string, errno: number, found: number): ProgramError {
  const what = found < 0 ? `stat ${name}: ` : '';
  // execve(2) says EACCES of a directory. podman 4 (exec) and docker 20.10 end with 126 only where they read its words.
  const why = errno === ERRNO.EISDIR ? `${errnoText(errno)}: ${errnoText(ERRNO.EACCES)}` : errnoText(errno);
  const look = found < 0 ? statx(AT.FDCWD, name, out(0), 0) : faccessat2(AT.FDCWD, name, X_OK, AT.EACCESS);
  return new ProgramError(
    `exec: ${JSON.stringify(name)}: ${what}${why}`,
    { program: name, errno: errno === ERRNO.EISDIR ? ERRNO.EACCES : errno, during: 'look' },
    new SyscallError(look, errno),
  );
}

/** With one of these a user gets wherever root does. execve tells if something is still denied to him. */
const PASSING: readonly string[] = ['CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH'];

/**
 * Changes the effective ids for a while, so that the kernel judges access as it will at execve. The real and saved ids
 * stay, and lead back.
 */
function becomeEffectively(process: GroupedProcess): { begin: readonly Call[]; end: readonly Call[] } {
  const { user, capabilities } = process;
  const uid = user?.uid ?? 0;
  const gid = user?.gid ?? 0;
  if (uid === 0 || capabilities?.effective?.some((name) => PASSING.includes(name))) return { begin: [], end: [] };
  const effective = (name: 'setresuid' | 'setresgid', id: number): Call => ({
    name,
    args: [-1, id, -1],
    mayFail: true,
  });
  return {
    begin: [
      ...groupCalls(process).map((call): Call => ({ ...call, mayFail: true })),
      effective('setresgid', gid),
      effective('setresuid', uid),
    ],
    end: [effective('setresuid', 0), effective('setresgid', 0)],
  };
}
