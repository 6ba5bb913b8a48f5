/** The examples of docs/examples/ as they are: what they print is what docs/library.md says of them. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { noCriu } from './criu.ts';
import { noOrdinaryUser, ordinaryUser, USER } from './ordinary-user.ts';

const skip = noContainers;
const repository = join(import.meta.dirname, '../..');
const work = workFolder('library-examples');
const rootfs = noContainers ? '' : join(makeBundle(join(work.path, 'bundle'), shellConfig('')), 'rootfs');
const EXAMPLE_ROOT = '/run/runchart-example';

before(async () => {
  if (skip === false) await promisify(execFile)(process.execPath, ['build/library.ts'], { cwd: repository });
});

after(() => {
  const left = existsSync(EXAMPLE_ROOT) ? readdirSync(EXAMPLE_ROOT).filter((name) => name !== '@seccomp') : [];
  work.remove();
  assert.deepEqual(left, [], 'no container is left');
  rmSync(EXAMPLE_ROOT, { recursive: true, force: true });
});

async function example(name: string, ...argv: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [`docs/examples/${name}.ts`, ...argv], {
    cwd: repository,
  });
  return stdout;
}

test('live events', { skip }, async () => {
  const output = await example('live-events', rootfs);
  assert.match(output, /: creating: mounts$/m);
  assert.equal(output.match(/^CPU time \d+ ns, [12] processes$/gm)?.length, 3);
  assert.match(output, /: stopped with status 137\n.*: deleting: init\n/);
  assert.match(output, /: deleted\n$/);
});

test('checkpoint', { skip: skip || noCriu() }, async () => {
  assert.equal(await example('checkpoint', rootfs), 'after the checkpoint: gone\nafter the restoration: running\n');
});

test('rootless', { skip: skip || noOrdinaryUser() }, () => {
  const folder = join(work.path, 'rootless');
  const user = ordinaryUser(folder, { subordinate: false, program: process.execPath });
  const own = join(makeBundle(folder, shellConfig('')), 'rootfs');
  user.own(own, ...readdirSync(own).map((name) => join(own, name)));
  for (let path = folder; path !== '/tmp' && path !== '/'; path = dirname(path)) chmodSync(path, 0o755);
  const { stdout, stderr } = user.run([join(repository, 'docs/examples/rootless.ts'), own]);
  assert.equal(stdout, `this program has uid ${USER}\n0\nit ended with status 0\n`, stderr);
});

test('your own inspector', { skip }, async () => {
  const output = await example('inspector');
  assert.match(output, /^c1: \{"creating":"mounts"\}$/m);
  assert.match(output, /^start is permitted$/m);
  assert.match(output, /^delete is refused$/m);
});

test('errors', { skip }, async () => {
  const output = await example('errors', rootfs);
  assert.match(output, /^start what is not there: there is no errors-\d+$/m);
  assert.match(output, /^a wrong option: look at memory$/m);
  assert.match(output, /^a program that is missing: FAILED in phase process: ENOENT, path no-such-program$/m);
  assert.match(output, /^resume before the start: not while it is created$/m);
  assert.match(output, /^start: done$/m);
});

test('clean-up after a crash', { skip }, async () => {
  const output = await example('clean-up', rootfs);
  assert.match(output, /^the first program ended by SIGKILL\nleft-behind-\d+ is running, its process \d+\nleft: 0\n$/);
});
