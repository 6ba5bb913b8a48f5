/** Time namespaces: the container has clocks of its own. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, suite, test } from 'node:test';
import type { Config, Namespace, TimeOffsets } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { containers, namespaceOf } from './containers.ts';

const skip = noContainers;
const host = containers('timens');
after(() => host.close());

const DAY = 86_400;
const MAPPINGS = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

function withTime(script: string, timeOffsets?: TimeOffsets, ...more: Namespace[]): Config {
  const config = shellConfig(script);
  const namespaces: Namespace[] = [...(config.linux?.namespaces ?? []), ...more];
  return { ...config, linux: { ...config.linux, namespaces, ...(timeOffsets === undefined ? {} : { timeOffsets }) } };
}

/** Seconds since boot. */
const uptime = (text: string): number => Number(text.split(' ')[0]);
const ours = (): number => uptime(readFileSync('/proc/uptime', 'utf8'));

/** Equal but for the time that a slow machine takes. */
function near(actual: number, expected: number): void {
  assert.ok(actual >= expected && actual < expected + 60, `${actual} is near ${expected}`);
}

const OFFSETS: TimeOffsets = {
  boottime: { secs: 7 * DAY, nanosecs: 5 },
  monotonic: { secs: 3 * DAY, nanosecs: 999_999_999 },
};
const script = 'cat /proc/uptime /proc/self/timens_offsets; readlink /proc/self/ns/time';

suite('a time namespace', { skip }, () => {
  test('has its offsets', async () => {
    const before = ours();
    const { output, status } = await host.run('offsets', withTime(script, OFFSETS, { type: 'time' }));
    assert.equal(status, 0);
    const [up = '', monotonic = '', boottime = '', inside] = output.split('\n');
    near(uptime(up), before + 7 * DAY);
    assert.match(monotonic, new RegExp(`^monotonic +${3 * DAY} +999999999$`));
    assert.match(boottime, new RegExp(`^boottime +${7 * DAY} +5$`));
    assert.notEqual(inside, namespaceOf('self', 'time'));
  });

  test('is made without offsets, and left alone where it is not listed', async () => {
    const made = await host.run('plain', withTime(script, undefined, { type: 'time' }));
    const left = await host.run('host', withTime(script));
    assert.notEqual(made.output.split('\n')[3], namespaceOf('self', 'time'));
    assert.equal(left.output.split('\n')[3], namespaceOf('self', 'time'));
  });

  test('goes with a user namespace', async () => {
    const before = ours();
    const config = withTime(script, OFFSETS, { type: 'time' }, { type: 'user' });
    const linux = { ...config.linux, uidMappings: MAPPINGS, gidMappings: MAPPINGS };
    const { output } = await host.run('user', { ...config, linux });
    near(uptime(output), before + 7 * DAY);
  });

  test('is joined by path', async () => {
    await using first = await host.create('first', withTime('sleep 100', OFFSETS, { type: 'time' }));
    const before = ours();
    const path = `/proc/${first.pid}/ns/time`;
    const { output } = await host.run('second', withTime(script, undefined, { type: 'time', path }));
    near(uptime(output), before + 7 * DAY);
    assert.equal(output.split('\n')[3], namespaceOf(first.pid, 'time'));
  });

  test('is refused clocks that the kernel refuses, with its reason', async () => {
    const offsets: TimeOffsets = { boottime: { secs: -400 * 365 * DAY } };
    await assert.rejects(
      host.run('range', withTime('true', offsets, { type: 'time' })),
      /set the clocks of the time namespace to "7 -\d+ 0": ERANGE/,
    );
  });
});
