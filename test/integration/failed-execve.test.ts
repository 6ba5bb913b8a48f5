/** A program that is there and cannot be executed: the exit statuses are runc's. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { noContainers, shellConfig } from './bundle.ts';
import { messageOf } from './command-line.ts';
import { lives } from './lives.ts';

describe('a program that cannot be executed', { skip: noContainers }, () => {
  const host = lives('execve');
  const { runchart } = host;
  after(() => host.close());

  function bundleOf(id: string, program: string): string {
    const config = shellConfig('sleep 1000');
    const bundle = host.bundle(id, { ...config, process: { ...config.process, args: [program, '1000'] } });
    writeFileSync(join(bundle, 'rootfs/bin/junk'), '\x01junk', { mode: 0o755 });
    return bundle;
  }

  it('ends run with 255, and nothing is left', () => {
    const id = host.idFor(runchart);
    const ended = runchart('run', '-b', bundleOf(id, '/bin/junk'), id);
    assert.equal(ended.status, 255);
    assert.match(messageOf(ended), /exec \/bin\/junk: exec format error/);
    assert.equal(runchart('state', id).status, 1);
  });

  it('ends exec with 255, and start with 1', () => {
    const id = host.idFor(runchart);
    assert.equal(runchart('run', '-d', '-b', bundleOf(id, '/bin/sleep'), id).status, 0);
    assert.equal(runchart('exec', id, '/bin/junk').status, 255);
    assert.equal(runchart('delete', '--force', id).status, 0);

    const other = host.idFor(runchart);
    assert.equal(runchart('create', '-b', bundleOf(other, '/bin/junk'), other).status, 0);
    assert.equal(runchart('start', other).status, 1);
    assert.equal(runchart('delete', other).status, 0);
  });

  it('is another thing than a failed creation, which ends run with 1', () => {
    const id = host.idFor(runchart);
    assert.equal(runchart('run', '-b', bundleOf(id, '/bin/missing'), id).status, 1);
  });
});
