/** The pure parts of the process's set-up. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyCapabilities, capabilitySet, dropBounding } from '../../../effects/process/capabilities.ts';
import { homeOf, variable, withHome, withoutDuplicates } from '../../../effects/process/environment.ts';
import { candidates } from '../../../effects/process/program.ts';
import { deviceNumber } from '../../../native/calls/stat.ts';
import { CAPABILITIES, PR } from '../../../native/constants/process.ts';

test('capabilities become bits, and unknown names do not', () => {
  assert.equal(
    capabilitySet(['CAP_CHOWN', 'CAP_KILL', 'CAP_CHECKPOINT_RESTORE', 'CAP_OF_TOMORROW']),
    1n | (1n << 5n) | (1n << 40n),
  );
});

test('the bounding set loses exactly what is not listed', () => {
  fc.assert(
    fc.property(fc.subarray([...CAPABILITIES]), (bounding) => {
      const dropped = dropBounding({ bounding }).map(({ args }) => Number(args[1]));
      const kept = bounding.map((name) => CAPABILITIES.indexOf(name));
      assert.deepEqual(
        [...dropped, ...kept].sort((a, b) => a - b),
        Array.from({ length: 64 }, (_, i) => i),
      );
    }),
  );
});

test('ambient capabilities are raised one by one after they were cleared', () => {
  const calls = applyCapabilities({ ambient: ['CAP_KILL'], permitted: ['CAP_KILL'], inheritable: ['CAP_KILL'] });
  assert.deepEqual(
    calls.slice(1).map(({ args }) => args.slice(0, 3)),
    [
      [PR.CAP_AMBIENT, PR.CAP_AMBIENT_CLEAR_ALL, 0],
      [PR.CAP_AMBIENT, PR.CAP_AMBIENT_RAISE, 5],
    ],
  );
});

test('the last value of a name in the environment counts', () => {
  assert.deepEqual(withoutDuplicates(['A=1', 'B=2', 'A=3', 'odd']), ['B=2', 'A=3', 'odd']);
  assert.equal(variable(['A=1', 'A=2=3'], 'A'), '2=3');
  assert.equal(variable(['AB=1'], 'A'), undefined);
});

test('HOME is the user’s home directory in the container, unless it is set', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\nx\nuser:x:1000:1000::/home/user:/bin/sh\n';
  assert.equal(homeOf(passwd, 1000), '/home/user');
  assert.equal(homeOf(passwd, 5), undefined);
  assert.deepEqual(withHome(['A=1'], homeOf(passwd, 0)), ['A=1', 'HOME=/root']);
  assert.deepEqual(withHome(['HOME=/x'], '/root'), ['HOME=/x']);
  assert.deepEqual(withHome(['HOME='], undefined), ['HOME=/']);
});

test('a name is looked for in PATH, and a path is not', () => {
  assert.deepEqual(candidates('sh', ['PATH=/bin::/usr/bin']), ['/bin/sh', './sh', '/usr/bin/sh']);
  assert.deepEqual(candidates('./sh', ['PATH=/bin']), ['./sh']);
  assert.deepEqual(candidates('sh', []), []);
});

test('device numbers are those of the C library', () => {
  assert.equal(deviceNumber(1, 3), 0x103);
  assert.equal(deviceNumber(0xabc, 0x12345), 0x123abc45);
});
