/** The runner of the tests (test/run.ts) when a run is interrupted, and when a test hangs. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { textOf } from './gone-meanwhile.ts';

const runner = join(import.meta.dirname, '../run.ts');
/** A runner is not the test that started it; node:test would take it for one by this variable. */
const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
const work = mkdtempSync(join(tmpdir(), 'runchart-test-'));
after(() => rmSync(work, { recursive: true }));

function testFile(name: string, code: string): string {
  const file = join(work, `${name}.test.ts`);
  writeFileSync(file, `import { test } from 'node:test';\n${code}`);
  return file;
}

/** A process that has ended may wait for its new parent to reap it. */
const isAlive = (pid: number): boolean => /^State:\t[^Z]/m.test(textOf(`/proc/${pid}/status`));

/** Makes a cgroup with a process in it, and a mount below the folder for temporary files. Then it waits. */
const MAKER = `
import { execFileSync, spawn } from 'node:child_process';
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
test('makes things, and waits', async () => {
  const [hierarchy] = globSync('/sys/fs/cgroup/{cgroup.controllers,pids}');
  const cgroup = join(hierarchy.replace('cgroup.controllers', ''), \`runchart-test-\${process.pid}-waits\`);
  mkdirSync(cgroup);
  const child = spawn('sleep', ['10037'], { detached: true, stdio: 'ignore', env: {} });
  writeFileSync(join(cgroup, 'cgroup.procs'), String(child.pid));
  const mounted = join(process.env.TMPDIR, 'mounted');
  mkdirSync(mounted);
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mounted]);
  writeFileSync(process.env.TOLD, JSON.stringify({ cgroup, pids: [process.pid, child.pid], mounted }));
  await new Promise(() => setInterval(() => {}, 1000));
});`;

describe('a run of the tests', () => {
  it('that is interrupted leaves no process, cgroup, mount or file', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('mounts need root here');
    const temporary = mkdtempSync(join(work, 'temporary-'));
    const told = join(work, 'told');
    const child = spawn(process.execPath, [runner, testFile('maker', MAKER)], {
      env: { ...environment, TMPDIR: temporary, TOLD: told },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    while (textOf(told) === '' && child.exitCode === null) await setTimeout(20);
    const { cgroup, pids, mounted } = JSON.parse(readFileSync(told, 'utf8'));
    child.kill('SIGINT');
    assert.equal(await ended, 130, printed);
    assert.match(printed, /^SIGINT: ending the tests, and removing what they have made$/m);
    assert.doesNotMatch(printed, /could not be removed/);
    for (const pid of pids) assert.ok(!isAlive(pid), `process ${pid} is left`);
    assert.ok(!existsSync(cgroup), `${cgroup} is left`);
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(mounted), `${mounted} is left`);
    assert.deepEqual(readdirSync(temporary), []);
  });

  it('ends a file that is silent, and counts those beside it', () => {
    const hung = testFile(
      'hung',
      "test('hangs', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));",
    );
    const well = testFile('well', "test('is well', () => {});");
    const { stdout, status } = spawnSync(process.execPath, [runner, hung, well], {
      env: { ...environment, RUNCHART_TEST_PATIENCE: '0.01' },
      encoding: 'utf8',
    });
    assert.match(stdout, /^ {2}nothing was heard of it for 6 s after its start: the process was ended by SIGKILL$/m);
    assert.match(stdout, /^1 passed, 1 failed, 0 skipped\n$/m);
    assert.equal(status, 1);
  });
});
