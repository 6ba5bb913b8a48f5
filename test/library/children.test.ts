/** The children of a program: how each ended is told, whoever reaps it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Children } from '../../library/children.ts';
import { reapChild } from '../../native/calls/reap.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { perform } from '../../native/kernel/perform.ts';

const platform = hostPlatform();
const { local } = platform;

/** A child of this process, which ends with its connection: native/init as a stage. */
function spawned() {
  const { pid, connection } = platform.spawnStage([0, 1, 2], 'child');
  return { pid, end: () => perform(local, [{ name: 'close', args: [connection] }]) };
}

const bySignal = (mayHaveEnded: () => void): (() => void) => {
  process.on('SIGCHLD', mayHaveEnded);
  return () => process.off('SIGCHLD', mayHaveEnded);
};
const silent = (): (() => void) => () => undefined;
const byNobody = (): undefined => undefined;

for (const [name, watch] of Object.entries({ bySignal, silent, byNobody })) {
  test(`how a child ended is known where it is told ${name}, and the wait can be given up`, async () => {
    const children = new Children(platform, watch);
    const { pid, end } = spawned();
    const child = children.adopt(pid);
    const given = new AbortController();
    const waiting = child.exited(given.signal);
    given.abort(new Error('enough'));
    await assert.rejects(waiting, /^Error: enough$/);
    assert.equal(child.unreaped, true);
    const all = [child.exited(), child.exited(new AbortController().signal), child.ended];
    end();
    for (const exited of await Promise.all(all)) assert.deepEqual(exited, { pid, status: 0 });
    assert.deepEqual(await child.exited(), { pid, status: 0 });
  });

  test(`a child that the program has reaped is lost where it is told ${name}`, async () => {
    const children = new Children(platform, watch);
    const { pid, end } = spawned();
    const child = children.adopt(pid);
    end();
    const waiting = child.exited();
    reapChild(local, pid);
    await assert.rejects(waiting, { name: 'EffectError', message: /^the exit status of process \d+ went to another/ });
    assert.equal(child.unreaped, false);
  });
}
