import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { openProcess } from '../../../effects/running/observe.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';

const { local } = hostPlatform();

test('a process is gone once it was reaped, though other processes are in its session', async () => {
  const child = spawn('/bin/sh', ['-c', 'sleep 60 & echo $!'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const pid = child.pid ?? 0;
  const said = new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
  await new Promise((resolve) => child.once('exit', resolve));
  const other = Number(await said);
  try {
    process.kill(other, 0);
    assert.equal(openProcess(local, pid), undefined);
    const own = openProcess(local, process.pid);
    assert.ok(own !== undefined);
    closeSync(own);
  } finally {
    process.kill(-pid, 'SIGKILL');
    child.stdout.destroy();
  }
});

test('a process is gone when its number belongs to a thread by now', () => {
  const threads = readdirSync('/proc/self/task').map(Number);
  const other = threads.find((id) => id !== process.pid);
  assert.ok(other !== undefined, 'this engine has threads');
  assert.equal(openProcess(local, other), undefined);
});

test('any other errno of pidfd_open is an error', () => {
  const kernel: Kernel = {
    performer: 'test',
    submit: () => ({ results: [-ERRNO.EMFILE], stoppedAt: undefined }),
  };
  assert.throws(() => openProcess(kernel, 1), /look at process 1, the container's init: EMFILE: too many open files/);
});
