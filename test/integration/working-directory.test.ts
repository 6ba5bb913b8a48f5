/**
 * Root of the container may not enter a working directory, but the user of the process may. That is no way around the
 * rules.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { noContainers, shellConfig } from './bundle.ts';
import { type Ended, messageOf, RUNCHART } from './command-line.ts';
import { lives } from './lives.ts';

const running = lives('cwd');
after(() => running.close());

const MAPPING = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const USER = { uid: 1000, gid: 1000 };

/** Root of this user namespace passes no directory of an owner that it does not know; the group of the user passes. */
function gated(script: string, cwd: string) {
  const config = shellConfig(script);
  const namespaces = [...(config.linux?.namespaces ?? []), { type: 'user' as const }];
  return {
    ...config,
    process: { ...config.process, user: USER, cwd },
    linux: { ...config.linux, namespaces, uidMappings: MAPPING, gidMappings: MAPPING },
  };
}

/** Its rootfs has the gate, with a directory and links to descriptors behind it. */
function gatedBundle(id: string, config: ReturnType<typeof gated>): string {
  const folder = running.bundle(id, config);
  const gate = join(folder, 'rootfs/gate');
  mkdirSync(join(gate, 'own'), { recursive: true });
  symlinkSync('/proc/self/fd/3', join(gate, 'descriptor'));
  symlinkSync('/proc/self/fd/3/..', join(gate, 'above'));
  symlinkSync('/proc/self/root/bin', join(gate, 'root'));
  symlinkSync('/bin', join(gate, 'plain'));
  chownSync(gate, 0, 101_000);
  chmodSync(gate, 0o710);
  return folder;
}

/** With a directory of the host as descriptor 3. */
function run(cwd: string): Ended {
  const id = running.idFor(running.runchart);
  const bundle = gatedBundle(id, gated('/bin/pwd', cwd));
  const outside = openSync('/usr', 'r');
  try {
    const argv = ['--root', running.runchart.root, 'run', '--preserve-fds', '1', '--bundle', bundle, id];
    return spawnSync(RUNCHART, argv, { stdio: ['ignore', 'pipe', 'pipe', outside], encoding: 'utf8' });
  } finally {
    closeSync(outside);
  }
}

test('one that only the user may enter is entered, through plain links too', { skip: noContainers }, () => {
  for (const [cwd, expected] of [
    ['/gate/own', '/gate/own\n'],
    ['/gate/plain', '/bin\n'],
  ] as const) {
    const { status, stdout, stderr } = run(cwd);
    assert.deepEqual([cwd, status, stdout, stderr], [cwd, 0, expected, '']);
  }
});

const REFUSED =
  /chdir to cwd \("\/gate\/\w+"\) set in config\.json failed: too many levels of symbolic links \(ELOOP\)$/;

test('CVE-2024-21626: nor is a magic link followed for the user, after it was denied to root', {
  skip: noContainers,
}, () => {
  for (const cwd of ['/gate/descriptor', '/gate/above', '/gate/root']) {
    const ended = run(cwd);
    assert.deepEqual([cwd, ended.status, ended.stdout], [cwd, 1, '']);
    assert.match(messageOf(ended), REFUSED);
  }
});

test('CVE-2024-21626: exec follows none either', { skip: noContainers }, () => {
  const id = running.idFor(running.runchart);
  const bundle = gatedBundle(id, gated('while :; do sleep 1; done', '/'));
  const { status, stderr } = running.runchart('run', '--detach', '--bundle', bundle, id);
  assert.equal(status, 0, stderr);
  assert.equal(running.runchart('exec', '--cwd', '/gate/own', id, 'pwd').stdout, '/gate/own\n');
  const ended = running.runchart('exec', '--cwd', '/gate/root', id, 'pwd');
  assert.deepEqual([ended.status, ended.stdout], [255, '']);
  assert.match(messageOf(ended), REFUSED);
});
