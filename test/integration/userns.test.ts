/** Containers in user namespaces of their own. */

import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { noContainers, shellConfig } from './bundle.ts';
import { containers, proc, type ShellConfig, statusField } from './containers.ts';

const skip = noContainers;
const host = containers('userns');
after(() => host.close());

const MAPPINGS = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

function mapped(script: string): ShellConfig {
  const config = shellConfig(script);
  const namespaces = [...(config.linux?.namespaces ?? []), { type: 'user' as const }];
  return { ...config, linux: { ...config.linux, namespaces, uidMappings: MAPPINGS, gidMappings: MAPPINGS } };
}

suite('a user namespace with mappings', { skip }, () => {
  test('makes the process root in it and nobody outside', async () => {
    await using created = await host.create('root', mapped('id -u; id -g; cat /proc/self/uid_map; sleep 0'));
    assert.equal(statusField(created.pid, 'Uid').split('\t')[0], '100000');
    assert.equal(statusField(created.pid, 'Groups'), '');
    assert.match(proc(created.pid, 'gid_map'), /^\s*0\s+100000\s+65536\n$/);
    assert.equal(await created.finish(), 0);
    assert.deepEqual(created.output().split(/\s+/), ['0', '0', '0', '100000', '65536', '']);
  });
});
