/**
 * Runs all tests: `npm test`. Each file gets a process of its own, since descriptors and children are the process's,
 * and one that crashes or hangs takes no other along. Files with real containers run one at a time.
 *
 *   test/run.ts [FILE…]    only these
 *
 * The last line is `N passed, N failed, N skipped`; the exit status is 1 when anything failed.
 */
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { lasting, leftovers, traces } from './integration/leftovers.ts';
import { buildIfStale } from './runner/build.ts';
import { runGroup } from './runner/group.ts';
import { emptyTally, skip, summary } from './runner/tally.ts';
import { runBed } from './vm/bed.ts';
import { filesInside } from './vm/files.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

const wanted = process.argv.slice(2).map((file) => resolve(file));
process.exitCode = (await runAll(wanted)) ? 0 : 1;

async function runAll(only: readonly string[]): Promise<boolean> {
  const tally = emptyTally();
  buildIfStale(root, tally);
  const files = only.length > 0 ? only : globSync(join(root, 'test/**/*.test.ts')).toSorted();
  // Named files run here, as `npm run test:vm FILE…` runs them there.
  const inMachine = only.length > 0 ? undefined : runBed(root, tally, filesInside(root));
  const isIntegration = (file: string) =>
    ['test/integration/', 'test/engines/'].some((folder) => file.startsWith(join(root, folder)));

  // One folder holds whatever tests put aside, so that what they forget is seen.
  const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
  chmodSync(folder, 0o755);
  const pids = join(folder, '.pids');
  writeFileSync(pids, '');
  const before = traces(dist, folder);
  await runGroup(root, folder, tally, {
    name: 'unit and property tests',
    files: files.filter((file) => !isIntegration(file)),
    concurrency: availableParallelism(),
    limits: { testMs: 240_000, silenceMs: 270_000 },
  });
  const integration = files.filter(isIntegration);
  if (process.getuid?.() === 0) {
    await runGroup(root, folder, tally, {
      name: 'integration tests',
      files: integration,
      concurrency: 1,
      limits: { testMs: 300_000, silenceMs: 330_000 },
    });
  } else {
    for (const file of integration) skip(tally, relative(root, file), 'real containers need root here');
  }
  const left = await lasting(() => leftovers(before, traces(dist, folder), signedIn(pids)));
  if (left.length > 0) tally.failures.push({ title: 'what the tests left behind', text: left.join('\n') });
  // Through a mount that is left, removal would reach the host's files.
  if (!left.some((trace) => trace.startsWith('mount '))) rmSync(folder, { recursive: true, force: true });

  if (inMachine !== undefined) console.log(await inMachine);
  console.log(summary(tally).join('\n'));
  return tally.failures.length === 0;
}

/** See test/runner/sign-in.mjs. */
function signedIn(file: string): ReadonlySet<string> {
  return new Set(readFileSync(file, 'utf8').split('\n'));
}
