/** A container's own copy of its compiled filter: what `start` and `exec` load. */

import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { noContainers, shellConfig } from './bundle.ts';
import { lives } from './lives.ts';

describe("a container's copy of its filter", { skip: noContainers }, () => {
  const host = lives('seccomp-copy');
  const { runchart } = host;
  after(() => host.close());

  function create(refused: string): string {
    const { linux, ...config } = shellConfig('exec sleep 1000');
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, {
      ...config,
      linux: {
        ...linux,
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          // arm64 has the second of them alone.
          syscalls: [{ names: [refused, `${refused}at`], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
        },
      },
    });
    const { status, stderr } = runchart('create', '--bundle', bundle, id);
    assert.equal(status, 0, stderr);
    return id;
  }
  const copyOf = (id: string) => join(runchart.root, id, 'seccomp');
  /** Which of two calls is refused to a process of `exec`. */
  function refused(id: string): string {
    const tries = [
      ['mkdir', 'mkdir /x'],
      ['symlink', 'ln -s a /y'],
    ].map(([name, command]) => `${command} 2>&1 | grep -q 'not supported' && echo ${name}`);
    const { stdout } = runchart('exec', id, 'sh', '-c', tries.join(';'));
    return stdout;
  }

  it('is made by create, closed to others, and gone with the container', () => {
    const id = create('mkdir');
    assert.equal(statSync(copyOf(id)).mode & 0o777, 0o600);
    assert.equal(runchart('start', id).status, 0);
    assert.equal(refused(id), 'mkdir\n');
    assert.equal(runchart('delete', '--force', id).status, 0);
    assert.ok(!existsSync(join(runchart.root, id)));
  });

  it('is what processes get while it is ours alone; otherwise the profile is compiled anew', () => {
    const [id, other] = [create('mkdir'), create('symlink')];
    copyFileSync(copyOf(other), copyOf(id));
    chmodSync(copyOf(id), 0o600);
    assert.equal(refused(id), 'symlink\n');
    chmodSync(copyOf(id), 0o620);
    assert.equal(refused(id), 'mkdir\n');
    chmodSync(copyOf(id), 0o600);
    chownSync(copyOf(id), 1000, 0);
    assert.equal(refused(id), 'mkdir\n');
  });
});
