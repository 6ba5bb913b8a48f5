import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { READ_BY_US, variablesIn } from '../../../runtime/resident/variables.ts';

const found = (...variables: string[]) => variablesIn(Buffer.from(variables.map((one) => `${one}\0`).join('')));

it('finds the variables that our code reads, and no others', () => {
  assert.deepEqual(found('A=1', 'USER=ä', 'XUSER=no', 'LISTEN_FDS=2', 'PATH=/bin'), { USER: 'ä', LISTEN_FDS: '2' });
  assert.deepEqual(found(), {});
  assert.deepEqual(found('NOTIFY_SOCKET='), { NOTIFY_SOCKET: '' });
  // As for getenv, the first counts.
  assert.deepEqual(found('USER=a', 'USER=b'), { USER: 'a' });
});

it('finds what the launcher hands on', () => {
  const launcher = readFileSync(new URL('../../../native/launcher/environment.h', import.meta.url), 'utf8');
  const [, names = ''] = /READ_BY_US\[\] = \{([^}]*)\}/.exec(launcher) ?? [];
  assert.deepEqual(
    [...names.matchAll(/"(\w+)="/g)].map(([, name]) => name),
    [...READ_BY_US],
  );
});
