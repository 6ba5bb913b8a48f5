import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findProgram } from '../../build/compiler.ts';

const root = join(import.meta.dirname, '../..');
const quickstart = join(root, 'build/quickstart.ts');
const runchart = join(root, 'dist/runchart');

function run(env: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [quickstart], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function assertWholeLife({ status, stdout, stderr }: ReturnType<typeof run>): void {
  assert.equal(stderr, '');
  assert.equal(status, 0);
  const entered = [...stdout.matchAll(/^ {2}→ (\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(
    entered.filter((name) => name !== 'creating'),
    ['created', 'running', 'stopped', 'gone'],
  );
  assert.match(stdout, /^ {2}\| hello from \w+: I am process 1, and user 0$/m);
  assert.match(stdout, /^ {2}\| goodbye$/m);
  assert.match(stdout, /"status": ?"created"/);
  const order = ['→ created', '→ running', '| hello', '| goodbye', '→ stopped', '→ gone'].map((text) =>
    stdout.indexOf(text),
  );
  assert.deepEqual(
    order,
    order.toSorted((one, other) => one - other),
    stdout,
  );
}

/**
 * A runtime whose second `state` after `start` waits for the end of the container. The last words are in the pipe then,
 * and not read yet.
 */
const waitingForTheEnd = (folder: string): string => `#!/bin/sh
case $1 in
  start) touch ${folder}/started ;;
  state)
    if [ -e ${folder}/running ]; then
      while ${runchart} "$@" | grep -q running; do sleep 0.1; done
    fi
    [ ! -e ${folder}/started ] || touch ${folder}/running ;;
esac
exec ${runchart} "$@"
`;

describe('quickstart', () => {
  it('leads a container of dist/runchart through its life, and leaves three commands that work', (t) => {
    if (spawnSync(runchart, ['--help']).status !== 0) return t.skip('the commands are not there yet');
    const shown = run({ RUNCHART: '' });
    const folder = /still at (\S+)\./.exec(shown.stdout)?.[1] ?? '';
    try {
      assertWholeLife(shown);
      assert.match(shown.stdout, /hello from runchart:/);
      assert.doesNotMatch(shown.stdout, /\brunc\b/);
      const commands = [...shown.stdout.matchAll(/^ {2}(\S*dist\/runchart .*)$/gm)].map(([, command = '']) => command);
      assert.equal(commands.length, 3);
      for (const command of commands) {
        const { status, stderr } = spawnSync('sh', ['-ec', command], { cwd: root, encoding: 'utf8' });
        assert.equal(status, 0, `${command}: ${stderr}`);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('does the same with runc', (t) => {
    const runc = findProgram('runc');
    if (runc === undefined) return t.skip('runc is not installed');
    const shown = run({ RUNCHART: runc });
    rmSync(/still at (\S+)\./.exec(shown.stdout)?.[1] ?? '', { recursive: true, force: true });
    assertWholeLife(shown);
  });

  it('shows what the program prints before it shows that it stopped', (t) => {
    if (spawnSync(runchart, ['--help']).status !== 0) return t.skip('the commands are not there yet');
    const folder = mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-`));
    try {
      const slow = join(folder, 'runchart');
      writeFileSync(slow, waitingForTheEnd(folder), { mode: 0o755 });
      const shown = run({ RUNCHART: slow });
      rmSync(/still at (\S+)\./.exec(shown.stdout)?.[1] ?? '', { recursive: true, force: true });
      assertWholeLife(shown);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says what failed, and leaves nothing', () => {
    const { status, stdout, stderr } = run({ RUNCHART: '/bin/false' });
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^quickstart: .*\/bin\/false/);
  });
});
