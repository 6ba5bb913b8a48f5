/** Runtimes as commands, for tests: ours, and Debian's runc beside it. */

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIST } from './dist.ts';
import { PATIENCE } from './patience.ts';

export const RUNCHART = join(DIST, 'runchart');

/** Why there is no runc to compare with; false if there is one. */
export const noRunc: string | false =
  spawnSync('runc', ['--version']).error === undefined ? false : 'runc is not installed';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandLine {
  readonly program: string;
  readonly root: string;
  /** Options before each command. */
  readonly globals: readonly string[];
  (...argv: string[]): Ended;
  /** Runs it in another environment or directory. */
  with(options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv }, ...argv: string[]): Ended;
}

const PATIENCE_MS = 30_000 * PATIENCE;

/**
 * @param program `runc`, or RUNCHART
 * @param folder where its state and output go
 * @param globals options before each command
 */
export function commandLine(
  program: string,
  folder: string,
  name = 'state',
  globals: readonly string[] = [],
): CommandLine {
  const root = join(folder, name);
  let count = 0;

  function run(options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv }, argv: readonly string[]): Ended {
    // The output goes to files, since a pipe would end only with the container that inherits it.
    const files = ['out', 'err'].map((end) => join(folder, `${name}-${++count}.${end}`));
    const [stdout = 1, stderr = 2] = files.map((file) => openSync(file, 'w'));
    try {
      const { status, error } = spawnSync(program, ['--root', root, ...globals, ...argv], {
        ...options,
        stdio: ['ignore', stdout, stderr],
        timeout: PATIENCE_MS,
      });
      if (error !== undefined) throw error;
      const [out = '', err = ''] = files.map((file) => readFileSync(file, 'utf8'));
      return { status, stdout: out, stderr: err };
    } finally {
      closeSync(stdout);
      closeSync(stderr);
    }
  }

  return Object.assign((...argv: string[]) => run({}, argv), {
    program,
    root,
    globals,
    with: (options: Parameters<typeof run>[0], ...argv: string[]) => run(options, argv),
  });
}

/**
 * Members of statistics that may be left out: those that are zero by chance, and those that runc leaves out or tells
 * only since 1.2.
 */
export const ZERO_BY_CHANCE =
  /^\.data\.(memory\.(cache|raw|psi|kernel|.*\.usage|usage\.max)|blkio|cpu\.(throttling|psi))/;

/** Removes what runc prints on each try while a process takes its time to leave the cgroup. */
export const withoutRetries = (stderr: string): string =>
  stderr.replace(/^.*level=warning msg="Failed to remove cgroup \(will retry\)".*\n/gm, '');

/** The message in the only line of a log on standard error. */
export function messageOf({ stderr }: Ended): string {
  const quoted = /^time="[^"]+" level=error msg=("(?:[^"\\]|\\.)*"|\S+)\n$/.exec(stderr)?.[1];
  if (quoted === undefined) throw new Error(`this is not one line of a log: ${JSON.stringify(stderr)}`);
  return quoted.startsWith('"') ? JSON.parse(quoted) : quoted;
}

/** An error without the cause that stands in brackets behind its words, which are runc's. */
export const withoutCause = (message: string): string =>
  message.replace(/ \((?!E[A-Z]+\))[^()]*(\([^()]*\)[^()]*)*\)$/, '');
