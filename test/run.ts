/**
 * Runs all tests: `npm test`. Each file gets a process of its own, since descriptors and children belong to a process,
 * and a file that crashes or hangs does not take others along. Files with real containers run one at a time.
 *
 *   test/run.ts [FILE…]               only these
 *   test/run.ts --resident [FILE…]    only these, or all with real containers, by a resident server
 *
 * The last line is `N passed, N failed, N skipped`; the exit status is 1 if anything failed. SIGINT and SIGTERM end the
 * run early; what its tests have made is removed then, too.
 */
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { lasting, leftovers, traces } from './integration/leftovers.ts';
import { buildIfStale } from './runner/build.ts';
import { endProcesses, removeFolder, removeLeft } from './runner/clean-up.ts';
import { PIDS_FILE, runGroup, type Surroundings } from './runner/group.ts';
import { Progress, watch } from './runner/progress.ts';
import { openResident } from './runner/resident.ts';
import { SHORT } from './runner/resident-files.ts';
import { emptyTally, skip, summary, type Tally } from './runner/tally.ts';
import { follow, runBed } from './vm/bed.ts';
import { filesInside } from './vm/files.ts';

const INTERRUPTED = 130;
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (!stop.signal.aborted) console.log(`${signal}: ending the tests, and removing what they have made`);
    stop.abort(signal);
  });

const byServer = process.argv.includes('--resident');
const wanted = process.argv
  .slice(2)
  .filter((word) => word !== '--resident')
  .map((file) => resolve(file));
const passed = await runAll(wanted);
process.exitCode = stop.signal.aborted ? INTERRUPTED : passed ? 0 : 1;

async function runAll(only: readonly string[]): Promise<boolean> {
  const tally = emptyTally();
  buildIfStale(root, tally);
  const files = only.length > 0 ? only : globSync(join(root, 'test/**/*.test.ts')).toSorted();
  // Files that are named run here; `npm run test:vm FILE…` runs them in the machine.
  const waitForMachine = only.length > 0 || byServer ? undefined : startMachine(tally);
  await runHere(files, tally);
  await waitForMachine?.();
  console.log(summary(tally).join('\n'));
  return tally.failures.length === 0;
}

/** The test machine runs beside the tests here. @returns what waits for it, and says so */
function startMachine(tally: Tally): () => Promise<void> {
  const files = filesInside(root);
  const progress = new Progress(files.length);
  const ended = runBed({ repository: root, tally, files, stop: stop.signal, heard: (what) => follow(progress, what) });
  let print = (_line: string): void => {};
  const stopWatching = watch(
    progress,
    (line) => print(line),
    (file) => file,
  );
  return async () => {
    print = (line) => console.log(`waiting for the test machine: ${line}`);
    console.log(await ended.finally(stopWatching));
  };
}

async function runHere(files: readonly string[], tally: Tally): Promise<void> {
  const isIntegration = (file: string) =>
    ['test/integration/', 'test/engines/'].some((folder) => file.startsWith(join(root, folder)));
  // One folder holds all temporary files of the tests, so that what they forget is seen.
  const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
  chmodSync(folder, 0o755);
  const pids = join(folder, PIDS_FILE);
  writeFileSync(pids, '');
  const served = join(folder, '.served');
  mkdirSync(served);
  const dists = [dist, join(served, 'dist')];
  const before = traces(dists, folder);
  const surroundings = { root, folder, tally, stop: stop.signal };
  const units = files.filter((file) => !isIntegration(file) && !byServer);
  await runGroup(surroundings, { name: 'unit and property tests', files: units, concurrency: availableParallelism() });
  const integration = files.filter(isIntegration);
  if (process.getuid?.() === 0) {
    const cold = byServer ? [] : integration;
    await runGroup(surroundings, { name: 'integration tests', files: cold, concurrency: 1 });
    const short = wanted.length > 0 ? [] : integration.filter((file) => SHORT.includes(relative(root, file)));
    await runServed(surroundings, byServer ? integration : short, served);
  } else for (const file of integration) skip(tally, relative(root, file), 'real containers need root here');

  const look = () => leftovers(before, traces(dists, folder), signedIn(pids));
  if (!stop.signal.aborted) {
    if (look().length > 0) console.log('waiting for what the tests have left behind to end');
    const left = await lasting(look);
    if (left.length > 0) tally.failures.push({ title: 'what the tests left behind', text: left.join('\n') });
  }
  await endProcesses(pids);
  await removeLeft(look());
  const remaining = await lasting(() => look().filter((trace) => !trace.startsWith('file ')));
  if (remaining.length > 0) console.log(`this could not be removed:\n${remaining.join('\n')}`);
  removeFolder(folder);
}

/** @param folder for the server's files */
async function runServed(surroundings: Surroundings, files: readonly string[], folder: string): Promise<void> {
  const { tally } = surroundings;
  if (files.length === 0 || stop.signal.aborted) return;
  try {
    await using server = await openResident(root, folder, tally);
    const group = { name: 'integration tests by a resident server', files, concurrency: 1 };
    await runGroup({ ...surroundings, env: server.env, heard: server.heard }, group);
    if (!stop.signal.aborted) await server.judge();
  } catch (error) {
    tally.failures.push({ title: 'the resident server', text: String(error) });
  }
}

/** The pids of the run's test processes (test/runner/sign-in.mjs). */
function signedIn(file: string): ReadonlySet<string> {
  return new Set(readFileSync(file, 'utf8').split('\n'));
}
