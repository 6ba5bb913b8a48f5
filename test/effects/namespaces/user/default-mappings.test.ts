import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withDefaultMappings } from '../../../../effects/namespaces/user/default-mappings.ts';
import { lacksMappings } from '../../../../effects/namespaces/user/mappings.ts';
import type { Config } from '../../../../spec/types.ts';

const CALLER = { uid: 1000, gid: 1001, name: 'ann' };
const GRANTS = { subuid: 'bob:1:1\nann:100000:65536\n', subgid: '1000:200000:10\n' };

const configFor = (uid: number, gid: number): Config =>
  ({
    ociVersion: '1.2.0',
    process: { cwd: '/', user: { uid, gid } },
    linux: { namespaces: [{ type: 'user' }] },
  }) as Config;

const mappings = (config: Config) =>
  [config.linux?.uidMappings, config.linux?.gidMappings].map((all) =>
    all?.map(({ containerID, hostID, size }) => [containerID, hostID, size]),
  );

test('the caller is the process’s user, and the grants are the other ids', () => {
  assert.deepEqual(mappings(withDefaultMappings(configFor(0, 0), CALLER, GRANTS)), [
    [
      [0, 1000, 1],
      [1, 100_000, 65_536],
    ],
    [
      [0, 1001, 1],
      [1, 200_000, 10],
    ],
  ]);
  assert.deepEqual(mappings(withDefaultMappings(configFor(5, 10), CALLER, GRANTS)), [
    [
      [0, 100_000, 5],
      [5, 1000, 1],
      [6, 100_005, 65_531],
    ],
    [
      [0, 200_000, 10],
      [10, 1001, 1],
    ],
  ]);
});

test('without a grant, or with one that is none, the caller is root alone', () => {
  for (const text of ['', 'bob:1:1', 'ann:x:1', 'ann:1:0'])
    assert.deepEqual(mappings(withDefaultMappings(configFor(5, 5), CALLER, { subuid: text, subgid: text })), [
      [[0, 1000, 1]],
      [[0, 1001, 1]],
    ]);
});

test('mappings are lacking where a new user namespace has none of either kind', () => {
  const config = configFor(0, 0);
  assert.equal(lacksMappings(config), true);
  const map = [{ containerID: 0, hostID: 1, size: 1 }];
  assert.equal(lacksMappings({ ...config, linux: { ...config.linux, uidMappings: map } }), false);
  assert.equal(lacksMappings({ ...config, linux: { namespaces: [{ type: 'user', path: '/x' }] } }), false);
  assert.equal(lacksMappings({ ...config, linux: { namespaces: [] } }), false);
});
