/** Runs test files by one `node --test`, counts what it reports, and ends what is silent for too long. */
import { spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { namesIn, textOf } from '../integration/gone-meanwhile.ts';
import { PATIENCE } from '../integration/patience.ts';
import { Progress, type Silent, watch } from './progress.ts';
import { isEndOfFile, type Report } from './reporter.ts';
import { counter, type Tally } from './tally.ts';

interface Group {
  readonly name: string;
  readonly files: readonly string[];
  /** How many files run at a time. */
  readonly concurrency: number;
}

export interface Surroundings {
  /** Of the repository. */
  readonly root: string;
  /** Where the tests put temporary files. */
  readonly folder: string;
  readonly tally: Tally;
  /** Ends the tests. */
  readonly stop: AbortSignal;
  /** Variables for the tests. */
  readonly env?: NodeJS.ProcessEnv;
  /** Is called with each report, in order. */
  readonly heard?: (report: Report) => void;
}

/**
 * A file's process is ended when no test in it has begun or ended for so many seconds. That is the only limit: a slow
 * machine needs longer, but is not silent.
 */
const SILENCE_SECONDS = 600 * PATIENCE;

/** The list of the pids of a run's processes (sign-in.mjs), in the run's folder, and the variable that leads to it. */
export const PIDS_FILE = '.pids';
export const PIDS_VARIABLE = 'RUNCHART_TEST_PIDS';

export async function runGroup(surroundings: Surroundings, group: Group): Promise<void> {
  const { root, folder, tally, stop, env = {} } = surroundings;
  const { name, files, concurrency } = group;
  if (files.length === 0 || stop.aborted) return;
  const started = performance.now();
  const failedBefore = tally.failures.length;
  const reporter = [`--test-reporter=${join(root, 'test/runner/reporter.ts')}`, '--test-reporter-destination=stdout'];
  const child = spawn(process.execPath, ['--test', `--test-concurrency=${concurrency}`, ...reporter, ...files], {
    cwd: root,
    env: { ...testEnvironment(root, folder), ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  const ended = new Promise<string | undefined>((done) => {
    child.once('close', (status, signal) => done(signal ?? (status === 0 ? undefined : `exit status ${status}`)));
  });
  const end = () => child.kill('SIGKILL');
  stop.addEventListener('abort', end);
  const shorten = (file: string) => relative(root, file);
  const progress = new Progress(files.length);
  const silent = new Map<string, string>();
  const stopWatching = watch(
    progress,
    (line) => console.log(`${name}: ${line}`),
    shorten,
    () => {
      for (const one of progress.silent(SILENCE_SECONDS)) endSilent(one, child.pid ?? 0, silent, progress);
    },
  );
  const count = counter(tally, root);
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
    const report = JSON.parse(line) as Report;
    follow(progress, report);
    surroundings.heard?.(report);
    count(withReason(report, silent));
  }
  const abnormal = await ended;
  stopWatching();
  stop.removeEventListener('abort', end);
  if (abnormal !== undefined && tally.failures.length === failedBefore && !stop.aborted)
    tally.failures.push({ title: name, text: `the process that runs them ended by ${abnormal}` });
  console.log(`${name}: ${files.length} files in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

function follow(progress: Progress, report: Report): void {
  if (isEndOfFile(report)) progress.done(report.file);
  else if (report.kind === 'sign') progress.hear(report.file, report.name);
}

/** A test that waits inside a system call cannot be ended from inside its process, so the process is. */
function endSilent({ file, last }: Silent, runner: number, silent: Map<string, string>, progress: Progress): void {
  silent.set(file, `nothing was heard of it for ${SILENCE_SECONDS} s after ${last}`);
  for (const pid of namesIn('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = Number(/^PPid:\t(\d+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1]);
    if (parent === runner && textOf(`/proc/${pid}/cmdline`).split('\0').includes(file)) process.kill(+pid, 'SIGKILL');
  }
  // It gets as much time again, to be reported.
  progress.hear(file, '');
}

function withReason(report: Report, silent: ReadonlyMap<string, string>): Report {
  const reason = silent.get(report.file);
  if (reason === undefined || report.kind !== 'end' || report.failure === undefined) return report;
  return { ...report, failure: `${reason}: ${report.failure}` };
}

/** The preload goes by NODE_OPTIONS, since `node --test` does not hand `--import` on. */
function testEnvironment(root: string, folder: string): NodeJS.ProcessEnv {
  const preload = `--import=${join(root, 'test/runner/sign-in.mjs')}`;
  const own = { TMPDIR: folder, [PIDS_VARIABLE]: join(folder, PIDS_FILE) };
  return { ...process.env, ...own, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${preload}` };
}
