/** `ps`: the container's processes and no others. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noContainers, shellConfig } from './bundle.ts';
import { messageOf, noRunc } from './command-line.ts';
import { lives, until } from './lives.ts';

describe('ps', { skip: noContainers }, () => {
  const host = lives('ps');
  const { runchart, runc } = host;
  after(() => host.close());
  const config = shellConfig('sleep 1000 & sleep 1001 & wait');

  it('lists them as JSON and by the host’s ps', async () => {
    const { id, pid } = host.start(config);
    const list = (): number[] => JSON.parse(runchart('ps', '--format', 'json', id).stdout);
    await until('all are there', () => list().length === 3);
    assert.ok(list().includes(pid));
    const rows = runchart('ps', id, '-o', 'pid,args').stdout.trimEnd().split('\n');
    assert.match(rows[0] ?? '', /^\s*PID COMMAND$/);
    assert.deepEqual(
      rows
        .slice(1)
        .map((row) => Number(row.trim().split(/\s+/)[0]))
        .toSorted(),
      list().toSorted(),
    );
    assert.match(runchart('ps', id).stdout, /^UID .* PID .*\n(.*\n){3}$/);
  });

  it('answers as runc does', { skip: noRunc }, async () => {
    const [ours, theirs] = [host.start(config), host.startRunc(config)];
    for (const argv of [['-o', 'comm'], ['--no-such-option']])
      assert.equal(
        messageOf(runchart('ps', ours.id, ...argv)).split(/[\n:]/)[0],
        messageOf(runc('ps', theirs.id, ...argv)).split(/[\n:]/)[0],
      );
    assert.equal(messageOf(runchart('ps', '-f', 'x', ours.id)), messageOf(runc('ps', '-f', 'x', theirs.id)));
    for (const [by, { id }] of [
      [runchart, ours],
      [runc, theirs],
    ] as const) {
      by('kill', id, 'KILL');
      await until('it has stopped', () => JSON.parse(by('state', id).stdout).status === 'stopped');
      await until('nothing is left', () => by('ps', '-f', 'json', id).stdout === 'null\n');
    }
    assert.deepEqual(runchart('ps', ours.id), runc('ps', theirs.id));
  });
});
