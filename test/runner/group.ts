/**
 * Runs test files by one `node --test`, and counts what it reports.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Report } from './reporter.ts';
import { counter, type Tally } from './tally.ts';

interface Group {
  readonly name: string;
  readonly files: readonly string[];
  /** How long a test may take, and all of them be silent. */
  readonly limits: { readonly testMs: number; readonly silenceMs: number };
  /** Files at a time. */
  readonly concurrency: number;
}

/** @param folder where temporary files of the tests go */
export async function runGroup(
  root: string,
  folder: string,
  tally: Tally,
  { name, files, concurrency, limits }: Group,
): Promise<void> {
  if (files.length === 0) return;
  const started = performance.now();
  const failedBefore = tally.failures.length;
  const reporter = [`--test-reporter=${join(root, 'test/runner/reporter.ts')}`, '--test-reporter-destination=stdout'];
  const child = spawn(
    process.execPath,
    ['--test', `--test-timeout=${limits.testMs}`, `--test-concurrency=${concurrency}`, ...reporter, ...files],
    {
      cwd: root,
      env: testEnvironment(root, folder),
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    },
  );
  const ended = new Promise<string | undefined>((done) => {
    child.once('close', (status, signal) => done(signal ?? (status === 0 ? undefined : `exit status ${status}`)));
  });
  const count = counter(tally, root);
  const watch = watchdog(child, root, limits.silenceMs);
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
    const report = JSON.parse(line) as Report;
    watch.heard(report);
    count(report);
  }
  const abnormal = await ended;
  watch.stop();
  if (watch.silentAfter !== undefined) {
    tally.failures.push({
      title: name,
      text: `nothing was heard for ${limits.silenceMs / 1000} s after ${watch.silentAfter}`,
    });
  } else if (abnormal !== undefined && tally.failures.length === failedBefore) {
    tally.failures.push({ title: name, text: `the process that runs them ended by ${abnormal}` });
  }
  console.log(`${name}: ${files.length} files in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** By NODE_OPTIONS, since `node --test` does not hand `--import` on. */
function testEnvironment(root: string, folder: string): NodeJS.ProcessEnv {
  const preload = `--import=${join(root, 'test/runner/sign-in.mjs')}`;
  const own = { TMPDIR: folder, RUNCHART_TEST_PIDS: join(folder, '.pids') };
  return { ...process.env, ...own, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${preload}` };
}

/** A test that waits inside a system call can't be stopped by the time limit in its own process. */
function watchdog(child: ChildProcess, root: string, silenceMs: number) {
  let last = 'the start';
  const watch = {
    silentAfter: undefined as string | undefined,
    heard(report: Report) {
      last = report.kind === 'output' ? last : `the ${report.kind} of ${relative(root, report.file)}: ${report.name}`;
      timer.refresh();
    },
    stop: () => clearTimeout(timer),
  };
  const timer = globalThis.setTimeout(() => {
    watch.silentAfter = last;
    child.kill('SIGKILL');
  }, silenceMs);
  return watch;
}
