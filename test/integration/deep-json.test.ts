/** Files that are nested deeper than any: dist/runchart says so, in one line and at once, whichever file it is. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { commandLine, RUNCHART } from './command-line.ts';

const work = workFolder('deep');
const runchart = commandLine(RUNCHART, work.path);
const bundle = join(work.path, 'bundle');
const id = `runchart-test-${process.pid}-deep`;
const skip = noContainers || (existsSync(RUNCHART) ? false : 'dist/runchart is not built: npm run build');

before(() => void (skip || makeBundle(bundle, shellConfig(''))));
after(() => work.remove());

const closed = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const DEEP = [closed(10_011), closed(200_000), '['.repeat(15_000_000), '{"a":'.repeat(3_000_000)];

/** An object with one more member. */
const withMember = (object: unknown, deep: string) => `${JSON.stringify(object).slice(0, -1)},"x":${deep}}`;

function refused(name: string, argv: readonly string[]): void {
  const { status, stderr } = runchart(...argv);
  assert.notEqual(status, 0);
  assert.equal(stderr.trim().split('\n').length, 1, stderr.slice(0, 1000));
  assert.match(stderr, new RegExp(`\\b${name}: nested too deep: exceeded max depth 100\\d0\\b`));
}

test('config.json', { skip }, () => {
  const config = shellConfig('echo ran');
  for (const deep of DEEP) {
    writeFileSync(join(bundle, 'config.json'), withMember(config, deep));
    refused('config.json', ['run', '--bundle', bundle, id]);
  }
  writeFileSync(join(bundle, 'config.json'), withMember(config, closed(9_999)));
  const { status, stdout, stderr } = runchart('run', '--bundle', bundle, id);
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'ran\n', stderr: '' });
});

test('process.json of a container whose own config is as deep as may be, and its resources', { skip }, () => {
  const config = shellConfig('sleep 1000');
  writeFileSync(join(bundle, 'config.json'), withMember(config, closed(9_999)));
  assert.deepEqual(runchart('run', '--detach', '--bundle', bundle, id), { status: 0, stdout: '', stderr: '' });
  try {
    const file = join(work.path, 'file.json');
    for (const deep of DEEP) {
      writeFileSync(file, withMember({ ...config.process, args: ['true'] }, deep));
      refused('file.json', ['exec', '--process', file, id]);
      writeFileSync(file, withMember({ cpu: {} }, deep));
      refused('file.json', ['update', '--resources', file, id]);
    }
    writeFileSync(file, withMember({ ...config.process, args: ['true'] }, closed(9_999)));
    assert.deepEqual(runchart('exec', '--process', file, id), { status: 0, stdout: '', stderr: '' });
  } finally {
    assert.deepEqual(runchart('delete', '--force', id), { status: 0, stdout: '', stderr: '' });
  }
});

test('state.json, whose container is deleted by force', { skip }, () => {
  for (const deep of DEEP) {
    mkdirSync(join(runchart.root, id), { recursive: true, mode: 0o700 });
    writeFileSync(join(runchart.root, id, 'state.json'), withMember({ runchart: 1 }, deep));
    refused('state.json', ['state', id]);
    const { status } = runchart('delete', '--force', id);
    assert.equal(status, 0);
    assert.ok(!existsSync(join(runchart.root, id)));
  }
});
