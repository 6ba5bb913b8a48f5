import type { Process } from '../config/process.ts';
import type { JsonPath, Report } from '../problem.ts';
import { checkScheduling } from './scheduling.ts';

/** The limits of setrlimit(2). */
export const RLIMITS: ReadonlySet<string> = new Set([
  ...['RLIMIT_AS', 'RLIMIT_CORE', 'RLIMIT_CPU', 'RLIMIT_DATA', 'RLIMIT_FSIZE', 'RLIMIT_LOCKS', 'RLIMIT_MEMLOCK'],
  ...['RLIMIT_MSGQUEUE', 'RLIMIT_NICE', 'RLIMIT_NOFILE', 'RLIMIT_NPROC', 'RLIMIT_RSS', 'RLIMIT_RTPRIO'],
  ...['RLIMIT_RTTIME', 'RLIMIT_SIGPENDING', 'RLIMIT_STACK'],
]);

/**
 * config.md, "Process", in runc's order, and in runc's words where it has any.
 * @param at where the process is in the document: empty for a process.json
 */
export function checkProcess(process: Process, at: JsonPath, report: Report): void {
  const { cwd, args = [], env = [], rlimits = [], user } = process;
  if (cwd === '') report([...at, 'cwd'], 'Cwd property must not be empty');
  if (!cwd.startsWith('/')) report([...at, 'cwd'], 'Cwd must be an absolute path');
  if (cwd.includes('\0')) report([...at, 'cwd'], 'contains a nul byte');
  if (args.length === 0) report([...at, 'args'], 'args must not be empty');
  for (const [index, arg] of args.entries()) {
    if (arg.includes('\0')) report([...at, 'args', index], 'contains a nul byte');
  }
  checkIds(user, [...at, 'user'], report);
  checkEnv(env, [...at, 'env'], report);
  checkRlimits(rlimits, [...at, 'rlimits'], report);
  checkScheduling(process, at, report);
}

/**
 * The largest number of 32 bits is nobody's id: setresuid(2) and setresgid(2) leave the id as it is then, which is
 * root.
 */
export const LARGEST_ID = 0xffff_fffe;

function checkIds(user: Process['user'], at: JsonPath, report: Report): void {
  const { uid, gid, additionalGids = [] } = user ?? {};
  const check = (id: number | undefined, path: JsonPath) => {
    if (id !== undefined && id > LARGEST_ID) report(path, `must be at most ${LARGEST_ID}, not ${id}`);
  };
  check(uid, [...at, 'uid']);
  check(gid, [...at, 'gid']);
  for (const [index, id] of additionalGids.entries()) check(id, [...at, 'additionalGids', index]);
}

function checkEnv(env: readonly string[], at: JsonPath, report: Report): void {
  for (const [index, variable] of env.entries()) {
    const path = [...at, index];
    const end = variable.indexOf('=');
    if (end === -1) report(path, "invalid environment variable: missing '='");
    if (end === 0) report(path, 'invalid environment variable: name cannot be empty');
    if (variable.includes('\0')) report(path, 'invalid environment variable: contains nul byte');
  }
}

function checkRlimits(rlimits: NonNullable<Process['rlimits']>, at: JsonPath, report: Report): void {
  const seen = new Set<string>();
  for (const [index, { type, soft, hard }] of rlimits.entries()) {
    if (!RLIMITS.has(type)) report([...at, index, 'type'], `wrong rlimit value: ${type}`);
    // The specification forbids it. In runc the last one counts.
    if (seen.has(type)) report([...at, index, 'type'], `${type} is given twice`);
    if (soft > hard) report([...at, index, 'soft'], `${soft} is more than the hard limit, ${hard}`);
    seen.add(type);
  }
}
