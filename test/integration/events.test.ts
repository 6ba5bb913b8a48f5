/** `events`: statistics in runc's shape, and the end of memory. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { noContainers } from './bundle.ts';
import { messageOf, noRunc, ZERO_BY_CHANCE } from './command-line.ts';
import { textOf } from './gone-meanwhile.ts';
import { lives, until, waiting } from './lives.ts';

describe('events', { skip: noContainers }, () => {
  const host = lives('events');
  const { runchart, runc } = host;
  after(() => host.close());

  /** The paths of all members, as far as both have them at all times. */
  function shape(value: unknown, at = ''): string[] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [at];
    return Object.entries(value).flatMap(([name, member]) => shape(member, `${at}.${name}`));
  }

  it('--stats: one line, in runc’s shape', { skip: noRunc }, () => {
    const [ours, theirs] = [host.start().id, host.startRunc().id];
    const { status, stdout } = runchart('events', '--stats', ours);
    assert.equal(status, 0);
    assert.match(stdout, /^\{"type":"stats","id":"[^"]+","data":\{"cpu":.*\}\}\n$/);
    const shapeOf = (text: string) =>
      shape(JSON.parse(text))
        .filter((path) => !ZERO_BY_CHANCE.test(path))
        .toSorted();
    assert.deepEqual(shapeOf(stdout), shapeOf(runc('events', '--stats', theirs).stdout));
  });

  it('at each interval, until the container has ended', async () => {
    const { id } = host.start();
    const talking = host.spawn(runchart, 'events', '--interval', '100ms', id);
    await until('two have come', () => talking.output().split('\n').length > 2);
    assert.equal(runchart('kill', id, 'KILL').status, 0);
    assert.equal(await talking.ended, 0, talking.errors());
    for (const line of talking.output().trimEnd().split('\n')) assert.equal(JSON.parse(line).type, 'stats');
  });

  const noMemory =
    existsSync('/sys/fs/cgroup/memory') || textOf('/sys/fs/cgroup/cgroup.controllers').includes('memory')
      ? false
      : 'there is no memory controller here';
  it('tells when memory runs out', { skip: noMemory }, async () => {
    const base = waiting();
    const memory = { limit: 16 << 20, swap: 16 << 20 };
    const { id } = host.start({ ...base, linux: { ...base.linux, resources: { ...base.linux?.resources, memory } } });
    const talking = host.spawn(runchart, 'events', '--interval', '1h', id);
    // The watch begins in its own time.
    await until('it is told', () => {
      if (talking.output() === '') runchart('exec', id, 'sh', '-c', 'head -c 40000000 /dev/zero | tail');
      return talking.output() !== '';
    });
    assert.equal(talking.output().split('\n')[0], `{"type":"oom","id":"${id}"}`);
    // The kernel may have ended the first process as well: where one that it chose is slow to go, it chooses another.
    const killed = runchart('kill', id, 'KILL');
    if (killed.status !== 0) assert.equal(messageOf(killed), 'container not running');
    assert.equal(await talking.ended, 0, talking.errors());
  });

  it('refuses what is no interval', () => {
    const { id } = host.start();
    assert.equal(messageOf(runchart('events', '--interval', '0', id)), 'duration interval must be greater than 0');
    assert.equal(
      messageOf(runchart('events', '--interval', 'x', id)),
      'invalid value "x" for flag -interval: parse error',
    );
    assert.match(messageOf(runchart('events', 'nosuch')), /^container does not exist: \S+ is not in \//);
  });
});
