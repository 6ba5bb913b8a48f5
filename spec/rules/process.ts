import type { Process } from '../config/process.ts';
import type { JsonPath, Problem } from '../problem.ts';
import { schedulingProblems } from './scheduling.ts';

const RLIMITS: ReadonlySet<string> = new Set([
  ...['RLIMIT_AS', 'RLIMIT_CORE', 'RLIMIT_CPU', 'RLIMIT_DATA', 'RLIMIT_FSIZE', 'RLIMIT_LOCKS', 'RLIMIT_MEMLOCK'],
  ...['RLIMIT_MSGQUEUE', 'RLIMIT_NICE', 'RLIMIT_NOFILE', 'RLIMIT_NPROC', 'RLIMIT_RSS', 'RLIMIT_RTPRIO'],
  ...['RLIMIT_RTTIME', 'RLIMIT_SIGPENDING', 'RLIMIT_STACK'],
]);

/**
 * config.md, "Process": of config.json's process, or of a process.json (an empty `at`).
 * In runc's order and words where it has any.
 */
export function* processProblems(process: Process, at: JsonPath): Generator<Problem> {
  const { cwd, args = [], env = [], rlimits = [] } = process;
  if (cwd === '') yield { path: [...at, 'cwd'], reason: 'Cwd property must not be empty' };
  if (!cwd.startsWith('/')) yield { path: [...at, 'cwd'], reason: 'Cwd must be an absolute path' };
  if (cwd.includes('\0')) yield { path: [...at, 'cwd'], reason: 'contains a nul byte' };
  if (args.length === 0) yield { path: [...at, 'args'], reason: 'args must not be empty' };
  for (const [index, arg] of args.entries()) {
    if (arg.includes('\0')) yield { path: [...at, 'args', index], reason: 'contains a nul byte' };
  }
  yield* envProblems(env, [...at, 'env']);
  yield* rlimitProblems(rlimits, [...at, 'rlimits']);
  yield* schedulingProblems(process, at);
}

function* envProblems(env: readonly string[], at: JsonPath): Generator<Problem> {
  for (const [index, variable] of env.entries()) {
    const path = [...at, index];
    const end = variable.indexOf('=');
    if (end === -1) yield { path, reason: "invalid environment variable: missing '='" };
    if (end === 0) yield { path, reason: 'invalid environment variable: name cannot be empty' };
    if (variable.includes('\0')) yield { path, reason: 'invalid environment variable: contains nul byte' };
  }
}

function* rlimitProblems(rlimits: NonNullable<Process['rlimits']>, at: JsonPath): Generator<Problem> {
  const seen = new Set<string>();
  for (const [index, { type, soft, hard }] of rlimits.entries()) {
    if (!RLIMITS.has(type)) yield { path: [...at, index, 'type'], reason: `wrong rlimit value: ${type}` };
    // The specification demands it; runc lets the last one win.
    if (seen.has(type)) yield { path: [...at, index, 'type'], reason: `${type} is given twice` };
    if (soft > hard) yield { path: [...at, index, 'soft'], reason: `${soft} is more than the hard limit, ${hard}` };
    seen.add(type);
  }
}
