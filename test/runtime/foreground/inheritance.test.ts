import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { hostPlatform } from '../../../native/host-platform.ts';
import { type InheritanceOptions, inherit, withEnvironment } from '../../../runtime/foreground/inheritance.ts';
import { defaultConfig } from '../../../spec/default.ts';

const folder = mkdtempSync(join(tmpdir(), 'runchart-test-inheritance-'));
after(() => rmSync(folder, { recursive: true }));

const platform = hostPlatform();
const host = { cwd: '/', env: {}, uid: 0, gid: 0, pid: process.pid };
const descriptors = () => readdirSync('/proc/self/fd').length;

describe('what is refused, with nothing left open', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const cases: readonly [string, InheritanceOptions, RegExp][] = [
    [
      'a terminal for nobody',
      { terminal: true, detach: true },
      /^cannot allocate tty if runchart will detach without setting console socket$/,
    ],
    [
      'a console socket with somebody who stays',
      { terminal: true, detach: false, consoleSocket: '/x' },
      /^cannot use console socket if runchart will not detach or allocate tty$/,
    ],
    [
      'a console socket without a terminal',
      { terminal: false, detach: true, consoleSocket: '/x' },
      /^cannot use console socket if runchart will not detach or allocate tty$/,
    ],
    [
      'a console socket that is not there',
      { terminal: true, detach: true, consoleSocket: `${folder}/none` },
      /^connect to the console socket \/.*\/none: ENOENT: no such file or directory$/,
    ],
    [
      'a console socket that is none',
      { terminal: true, detach: true, consoleSocket: file },
      /^connect to the console socket \/.*\/file: it is not a socket$/,
    ],
    [
      'a pidfd socket that is none',
      { terminal: false, detach: false, pidfdSocket: file },
      /^connect to the pidfd socket \/.*\/file: it is not a socket$/,
    ],
    [
      'a descriptor that is not open',
      { terminal: false, detach: true, preserveFds: 100_000 },
      /^unable to stat preserved-fd \d+ \(of 100000\): descriptor \d+ is not open$/,
    ],
  ];
  for (const [name, options, message] of cases)
    test(name, () => {
      const before = descriptors();
      assert.throws(() => inherit({ platform, host }, options), { message });
      assert.equal(descriptors(), before);
    });
});

test('LISTEN_FDS counts only where LISTEN_PID is this process', () => {
  const with_ = (env: Record<string, string>) =>
    inherit({ platform, host: { ...host, env } }, { terminal: false, detach: true });
  const pid = String(process.pid);
  for (const env of [
    { LISTEN_FDS: '1' },
    { LISTEN_FDS: '1', LISTEN_PID: '1' },
    { LISTEN_FDS: 'x', LISTEN_PID: pid },
    { LISTEN_FDS: '-1', LISTEN_PID: pid },
    { LISTEN_FDS: '1', LISTEN_PID: `${pid}x` },
  ] as Record<string, string>[]) {
    const { inheritance, environment } = with_(env);
    assert.deepEqual([inheritance.preserveFds, environment], [0, []], JSON.stringify(env));
  }
  assert.throws(() => with_({ LISTEN_FDS: '99999', LISTEN_PID: pid }), /^EffectError: LISTEN_FDS is 99999: descriptor/);
});

test('the environment comes after the config’s own, which stays as it was', () => {
  const config = defaultConfig({ unifiedCgroups: true });
  const env = config.process?.env ?? [];
  assert.deepEqual(withEnvironment(config, { environment: ['LISTEN_FDS=1'] }).process?.env, [...env, 'LISTEN_FDS=1']);
  assert.equal(config.process?.env?.length, env.length);
  assert.equal(withEnvironment(config, { environment: [] }), config);
});
