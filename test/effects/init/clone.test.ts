/** How a process is made by a stage, also by one that a container has taken over. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startServedProcess } from '../../../effects/init/clone.ts';
import { close } from '../../../native/calls/files.ts';
import { waitid } from '../../../native/calls/process.ts';
import { P, W } from '../../../native/constants/process.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { call, perform } from '../../../native/kernel/perform.ts';
import { out } from '../../../native/kernel/struct.ts';

const platform = hostPlatform();
const { local } = platform;
const inheritance = { stdio: [0, 1, 2] as const, preserveFds: 0 };
const plan = { inheritance, extra: [], cgroup: {}, namespaces: { made: 0 } };

/** A kernel that clones a process, and answers with the pid of another one. */
function liar(kernel: Kernel, pid: number, told: (child: number) => void): Kernel {
  return {
    performer: kernel.performer,
    submit(calls) {
      const { results, stoppedAt } = kernel.submit(calls);
      const cloned = calls.findIndex(({ name }) => name === 'clone3');
      if (cloned >= 0) told(results[cloned] ?? 0);
      return { results: results.map((one, i) => (i === cloned ? pid : one)), stoppedAt };
    },
  };
}

test('a stage cannot name a process of the host’s as the one that it has made', async () => {
  for (const named of [process.ppid, 1, process.pid]) {
    let child = 0;
    const hostile = {
      ...platform,
      spawnStage(descriptors: readonly number[], performer: string) {
        const stage = platform.spawnStage(descriptors, performer);
        return { ...stage, kernel: liar(stage.kernel, named, (pid) => (child = pid)) };
      },
    };
    await assert.rejects(startServedProcess(hostile, 'init', plan), {
      name: 'EffectError',
      message: `clone3 into the namespaces: the stage names process ${named}, which is no child of this process`,
    });
    // The process that it has really cloned has lost its connection, and ends.
    perform(local, [waitid(P.PID, child, out(128), W.EXITED)]);
  }
});

test('a stage that does not end with its connection is ended', async () => {
  let stagePid = 0;
  const hanging = {
    ...platform,
    spawnStage(descriptors: readonly number[], performer: string) {
      const stage = platform.spawnStage(descriptors, performer);
      stagePid = stage.pid;
      const stopping: Kernel = {
        performer,
        submit(calls) {
          const outcome = stage.kernel.submit(calls);
          if (calls.some(({ name }) => name === 'clone3')) process.kill(stage.pid, 'SIGSTOP');
          return outcome;
        },
      };
      return { ...stage, kernel: stopping };
    },
  };
  const { pid, socket } = await startServedProcess(hanging, 'init', plan);
  assert.throws(() => readFileSync(`/proc/${stagePid}/stat`), /ENOENT/);
  perform(local, [close(socket), waitid(P.PID, pid, out(128), W.EXITED)]);
});

test('the process that a stage has made serves', async () => {
  const { pid, socket, kernel } = await startServedProcess(platform, 'init', plan);
  assert.equal(call(kernel, { name: 'getpid', args: [] }), pid);
  perform(local, [close(socket), waitid(P.PID, pid, out(128), W.EXITED)]);
});
