/**
 * The project's commands on a Debian that has nothing but what Debian brings: `npm run test:fresh`.
 *
 *   test:fresh -- [bookworm | trixie]… [--all]
 *
 * For each release, it makes a minimal root file system with Debian's own nodejs, npm and gcc, clones the last commit
 * into it, and runs there what a newcomer runs. `--all` adds the whole `npm test` and a short bench, which take an hour
 * or more. Everything takes place in namespaces of its own, and is removed at the end. It needs root, git and
 * mmdebstrap, and the network as npm and apt on this machine are set to use it.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Inside } from './inside.ts';
import { makeRoot, removeRoot } from './root.ts';

const repository = join(import.meta.dirname, '../..');
/** A few quick files of each kind: pure, with the kernel, with a container, with the linked engine. */
const FILES = [
  'test/machines/lifecycle.test.ts',
  'test/native/performers/remote.test.ts',
  'test/build/hostile-surroundings.test.ts',
  'test/integration/quickstart.test.ts',
  'test/integration/readme.test.ts',
  'test/integration/library.test.ts',
];
const STEPS = [
  'npm run quickstart',
  'npm run build',
  'npm run lint',
  'npm run typecheck',
  'npm run build:library',
  'npm run test:bun',
  `node_modules/.bin/node test/run.ts ${FILES.join(' ')}`,
];
const ALL = ['npm test', 'npm run bench -- 5'];
const LAST_LINES = 40;

if (process.getuid?.() !== 0) {
  console.error('fresh: to make and enter a root file system needs root: run "sudo npm run test:fresh"');
  process.exit(1);
}
const { values, positionals } = parseArgs({ options: { all: { type: 'boolean' } }, allowPositionals: true });
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));

let failed = 0;
for (const suite of positionals.length > 0 ? positionals : ['bookworm', 'trixie']) {
  if (!stop.signal.aborted) failed += await tryRelease(suite);
}
const verdict = failed > 0 ? `${failed} failed, as shown above` : 'all passed';
console.log(`fresh: ${stop.signal.aborted ? `ended by ${stop.signal.reason}` : verdict}`);
process.exitCode = failed > 0 || stop.signal.aborted ? 1 : 0;

/** @returns how many steps failed */
async function tryRelease(suite: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'runchart-fresh-'));
  let failures = 0;
  try {
    console.log(`${suite}: making a root file system with nodejs, npm and gcc of Debian's own`);
    const root = await makeRoot(folder, suite, repository, stop.signal);
    await using inside = new Inside(root, stop.signal);
    const versions = await inside.run('. /etc/os-release; echo "$PRETTY_NAME, node $(node -v), npm $(npm -v)"');
    if (versions.status !== 0) throw new Error(`the new root cannot be entered: ${versions.output.trim()}`);
    console.log(`${suite}: ${versions.output.trim()}`);
    for (const command of [...STEPS, ...(values.all ? ALL : [])]) {
      const { status, output, seconds } = await inside.run(`cd /root/runchart && ${command}`);
      console.log(`${suite}: ${status === 0 ? 'passed' : 'FAILED'} in ${seconds.toFixed(0)} s: ${command}`);
      if (status === 0) continue;
      failures++;
      console.log(output.trimEnd().split('\n').slice(-LAST_LINES).join('\n').replace(/^/gm, '    '));
      if (stop.signal.aborted) break;
    }
  } catch (error) {
    failures++;
    console.log(`${suite}: FAILED: ${error instanceof Error ? error.message : error}`);
  } finally {
    removeRoot(folder);
  }
  return failures;
}
