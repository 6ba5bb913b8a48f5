/** One command of runchart's, as a process that can be watched, ended and judged. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { PATIENCE } from '../../integration/patience.ts';
import { underUmask } from '../../integration/under-umask.ts';

const HANGING_MS = 60_000 * PATIENCE;

export interface CommandEnd {
  readonly what: string;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** It was ended, since it took longer than anything can. */
  readonly hung: boolean;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<CommandEnd>;
}

export interface Invocation {
  readonly program: string;
  readonly argv: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly umask: number;
  /** For people: what this is. */
  readonly what: string;
  /** How the names of the files begin that take its output. A pipe would end only with the container that has it. */
  readonly output: string;
}

export function startCommand({ program, argv, env, cwd, umask, what, output }: Invocation): Running {
  const files = [`${output}.out`, `${output}.err`];
  const [stdout = 1, stderr = 2] = files.map((file) => openSync(file, 'w', 0o666));
  const child = underUmask(umask, () => spawn(program, argv, { env, cwd, stdio: ['ignore', stdout, stderr] }));
  for (const fd of [stdout, stderr]) closeSync(fd);
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, HANGING_MS);
  const ended = new Promise<CommandEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      clearTimeout(timer);
      const [out = '', err = ''] = files.map((file) => readFileSync(file, 'utf8'));
      for (const file of files) rmSync(file);
      resolve({ what, status, signal, stdout: out, stderr: err, hung });
    });
  });
  return { child, ended };
}

/** A line of the log, as text; or what `list` says of a container that it can't show, as runc does. */
const LINE = /^(time="[^"]+" level=(error|warning) msg=("(?:[^"\\]|\\.)*"|\S+)|load container \S+: .+)$/;

/** What no message for people has in it: the marks of a mistake in the program. */
const MISTAKE =
  /\bundefined\b|\[object|\bat .*:\d+:\d+|(Type|Reference|Range|Syntax|Assertion)Error|panic|segfault|bun\.sh/i;

/** Whether a command ended by itself, and said in a line for people why it failed. @returns what is wrong, in lines */
export function oddities({ what, status, signal, stderr, hung }: CommandEnd): readonly string[] {
  if (hung) return [`${what}: hung`];
  if (signal !== null) return [`${what}: ended by ${signal}`];
  const lines = stderr.split('\n').filter((line) => line !== '');
  const odd = lines.filter((line) => !LINE.test(line) || MISTAKE.test(line));
  if (odd.length > 0) return [`${what}: said ${JSON.stringify(stderr.slice(0, 1000))}`];
  if (lines.filter((line) => line.includes(' level=error ')).length > 1)
    return [`${what}: more than one error: ${JSON.stringify(stderr.slice(0, 1000))}`];
  if (status !== 0 && lines.length === 0) return [`${what}: failed with ${status} and said nothing`];
  return [];
}

/** The same of what must succeed without a word. */
export function failures(end: CommandEnd): readonly string[] {
  const odd = oddities(end);
  if (odd.length > 0) return odd;
  return end.status === 0 && end.stderr === '' ? [] : [`${end.what}: ${end.status} ${end.stderr.trim()}`];
}
