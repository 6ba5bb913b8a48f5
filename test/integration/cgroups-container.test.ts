/** A container's processes are in the right cgroups, and its limits hold there. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import type { Config } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { containers, proc } from './containers.ts';

const skip = noContainers;
const host = containers('cgroups-container');
const layout = skip ? undefined : detectLayout(localKernel(loadLibc()));
const parent = `runchart-test-path-${process.pid}`;
const roots = [
  ...(layout?.hierarchies.map(({ mountpoint }) => mountpoint) ?? []),
  ...(layout?.unified === undefined ? [] : [layout.unified.mountpoint]),
];

after(() => {
  // The cgroups above the container's own one stay, as with runc.
  for (const root of roots)
    for (const path of [`${root}/${parent}/deep`, `${root}/${parent}`]) if (existsSync(path)) rmdirSync(path);
  host.close();
});

/** The paths of a process's cgroups, one for each hierarchy. */
const cgroupsOf = (pid: number): readonly string[] =>
  proc(pid, 'cgroup')
    .trim()
    .split('\n')
    .map((line) => line.split(':').slice(2).join(':'));

function withPath(cgroupsPath: string | undefined): Config {
  const config = shellConfig('sleep 1000');
  return { ...config, linux: { ...config.linux, ...(cgroupsPath === undefined ? {} : { cgroupsPath }) } };
}

test('the container is in the cgroup that cgroupsPath names', { skip }, async () => {
  for (const [cgroupsPath, expected] of [
    [`/${parent}/one`, `/${parent}/one`],
    [`/${parent}/deep/../deep/two/`, `/${parent}/deep/two`],
    [`/../../${parent}/three`, `/${parent}/three`],
  ] as const) {
    await using created = await host.create('path', withPath(cgroupsPath));
    await created.container.start();
    const own = cgroupsOf(process.pid);
    const moved = cgroupsOf(created.pid).filter((path, i) => path !== own[i]);
    assert.ok(moved.length > 0);
    for (const path of moved) assert.equal(path, expected);
  }
});

test('a relative cgroupsPath, and none, are below the cgroup of the runtime, as with runc', { skip }, async () => {
  const below = async (cgroupsPath: string | undefined, name: (id: string) => string) => {
    await using created = await host.create('relative', withPath(cgroupsPath));
    const own = cgroupsOf(process.pid);
    const moved = cgroupsOf(created.pid).filter((path, i) => path !== own[i]);
    assert.ok(moved.length > 0);
    for (const path of moved) assert.ok(path.endsWith(`/${name(created.id)}`), path);
  };
  await below(`${parent}-relative`, () => `${parent}-relative`);
  await below(undefined, (id) => id);
});

test('limits are set before the program runs', { skip }, async (t) => {
  if (layout?.mode === 'v2' && !readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').includes('pids'))
    return t.skip('this host has no pids controller on v2');
  const config = shellConfig('cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null');
  const resources = { ...config.linux?.resources, pids: { limit: 23 } };
  const { output } = await host.run('limits', { ...config, linux: { ...config.linux, resources } });
  assert.equal(output, '23\n');
});

test('where it has the host’s cgroup namespace, it finds its own cgroup by the path in /proc on v2', {
  skip,
}, async (t) => {
  if (layout?.mode !== 'v2') return t.skip('cgroup v1 here: every hierarchy shows the own cgroup at its root');
  const config = shellConfig('cat "/sys/fs/cgroup$(grep ^0:: /proc/self/cgroup | cut -c4-)/cgroup.procs"');
  const namespaces = (config.linux?.namespaces ?? []).filter(({ type }) => type !== 'cgroup');
  const flags = () => textOfMount('/sys/fs/cgroup');
  const before = flags();
  const { output } = await host.run('whole', { ...config, linux: { ...config.linux, namespaces } });
  assert.match(output, /^1$/m);
  assert.equal(flags(), before, 'mount options of the whole host');
});

/** The options of the file system at a mount point, from the kernel's list. */
const textOfMount = (mountpoint: string): string | undefined =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .findLast((line) => line.split(' ')[4] === mountpoint)
    ?.split(' - ')[1];
