/** `exec` into containers with user and time namespaces, and a foreground container with a terminal's pipes. */

import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import type { Config, Namespace } from '../../spec/types.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { namespaceOf } from './containers.ts';
import { runchart } from './runchart.ts';

const skip = noContainers;
const work = workFolder('userns-exec');
const { command } = runchart(work.path);
after(() => work.remove());

const MAPPINGS = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

function mapped(script: string, ...more: Namespace[]): Config {
  const config = shellConfig(script);
  const namespaces: Namespace[] = [...(config.linux?.namespaces ?? []), { type: 'user' }, ...more];
  return { ...config, linux: { ...config.linux, namespaces, uidMappings: MAPPINGS, gidMappings: MAPPINGS } };
}

suite('exec', { skip }, () => {
  test("is root, or a mapped user, in the container's namespaces", () => {
    const id = `runchart-test-${process.pid}-exec`;
    const bundle = makeBundle(`${work.path}/exec`, mapped('sleep 100', { type: 'time' }));
    try {
      assert.deepEqual(command('run', '--detach', '--bundle', bundle, id), { status: 0, output: '' });
      const { pid } = JSON.parse(command('state', id).output);
      const script =
        'id -u; id -G; cat /proc/self/uid_map; for n in user time mnt pid net; do readlink /proc/self/ns/$n; done';
      const { output } = command('exec', id, 'sh', '-c', script);
      const [uid, groups, map = '', ...namespaces] = output.trim().split('\n');
      assert.deepEqual([uid, groups], ['0', '0']);
      assert.deepEqual(map.trim().split(/\s+/), ['0', '100000', '65536']);
      assert.deepEqual(
        namespaces,
        ['user', 'time', 'mnt', 'pid', 'net'].map((type) => namespaceOf(pid, type)),
      );
      assert.equal(
        command('exec', '--user', '1000:7', '--additional-gids', '9', id, 'id').output.trim(),
        'uid=1000 gid=7 groups=9',
      );
      assert.match(command('exec', '--user', '70000', id, 'id').output, /unmapped uid 70000/);
    } finally {
      assert.equal(command('delete', '--force', id).status, 0);
    }
  });
});

suite('a foreground container in a user namespace', { skip }, () => {
  test('may open its standard output again', () => {
    const id = `runchart-test-${process.pid}-foreground`;
    const config = mapped('echo text > /dev/stdout; echo error > /dev/stderr');
    const bundle = makeBundle(`${work.path}/foreground`, {
      ...config,
      process: { ...config.process, cwd: '/', user: { uid: 5, gid: 5 } },
    });
    const { status, output } = command('run', '--bundle', bundle, id);
    assert.equal(status, 0);
    assert.equal(output, 'text\nerror\n', String(status));
  });
});

suite('a user namespace without mappings', { skip }, () => {
  test('maps root, and what root is granted', () => {
    const id = `runchart-test-${process.pid}-unmapped`;
    const { linux, mounts = [], ...config } = mapped('cat /proc/self/uid_map /proc/self/gid_map; id -u');
    const { uidMappings: _, gidMappings: __, ...unmapped } = linux ?? {};
    // The group of terminals is not mapped where root is granted nothing.
    const without = mounts.map((mount) => ({
      ...mount,
      options: mount.options?.filter((one) => one !== 'gid=5') ?? [],
    }));
    const bundle = makeBundle(`${work.path}/unmapped`, { ...config, linux: unmapped, mounts: without });
    const { status, output } = command('run', '--bundle', bundle, id);
    assert.equal(status, 0, output);
    const rows = output.trim().split('\n');
    assert.equal(rows.at(-1), '0');
    const maps = rows.slice(0, -1).map((row) => row.trim().split(/\s+/).map(Number));
    assert.equal(
      maps.filter(([inside, outside, size]) => inside === 0 && outside === 0 && size === 1).length,
      2,
      output,
    );
  });
});
