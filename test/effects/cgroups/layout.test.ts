import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutOf } from '../../../effects/cgroups/layout.ts';
import { cleanPath } from '../../../effects/cgroups/paths.ts';
import { planCgroup } from '../../../effects/cgroups/plan.ts';

const HYBRID = `22 27 0:21 / /proc rw,relatime - proc proc rw
23 27 0:22 / /sys rw,relatime - sysfs sysfs rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;
const MEMBER = `4:name=systemd:/user.slice
3:devices:/a/b
2:cpu,cpuacct:/
0::/user.slice/x
`;

test('the layout of a hybrid host', () => {
  assert.deepEqual(layoutOf(HYBRID, MEMBER), {
    mode: 'hybrid',
    hierarchies: [
      { controllers: ['cpu', 'cpuacct'], mountpoint: '/sys/fs/cgroup/cpu,cpuacct', own: '/sys/fs/cgroup/cpu,cpuacct' },
      { controllers: ['devices'], mountpoint: '/sys/fs/cgroup/devices', own: '/sys/fs/cgroup/devices/a/b' },
      { controllers: ['name=systemd'], mountpoint: '/sys/fs/cgroup/systemd', own: '/sys/fs/cgroup/systemd/user.slice' },
    ],
    unified: { mountpoint: '/sys/fs/cgroup/unified', own: '/sys/fs/cgroup/unified/user.slice/x' },
  });
});

test('the layout of a host with v1 alone', () => {
  const layout = layoutOf(HYBRID.replace(/^41.*\n/m, ''), MEMBER);
  assert.equal(layout.mode, 'v1');
  assert.equal(layout.unified, undefined);
});

test('a v2 hierarchy that is mounted over those of v1 hides them', () => {
  const over = `${HYBRID}60 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 none rw\n`;
  assert.deepEqual(layoutOf(over, MEMBER), {
    mode: 'v2',
    hierarchies: [],
    unified: { mountpoint: '/sys/fs/cgroup', own: '/sys/fs/cgroup/user.slice/x' },
  });
});

test('a v1 hierarchy under another mount is not found', () => {
  const over = `${HYBRID}60 31 0:39 / /sys/fs/cgroup rw,relatime - tmpfs none rw
61 60 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices\n`;
  assert.deepEqual(
    layoutOf(over, MEMBER).hierarchies.map(({ controllers }) => controllers),
    [['devices']],
  );
});

test('inside a container the mounts show a part of the hierarchies', () => {
  const inside = HYBRID.replace('0:33 / ', '0:33 /a ').replace('0:37 / ', '0:37 /elsewhere ');
  const layout = layoutOf(inside, MEMBER);
  assert.deepEqual(
    layout.hierarchies.map(({ own }) => own),
    ['/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/devices/b', '/sys/fs/cgroup/systemd'],
  );
});

test('a process outside of its cgroup namespace, and an escaped mount point', () => {
  const text = HYBRID.replace('/sys/fs/cgroup/devices', '/sys/fs/cgroup/dev\\040ices');
  const layout = layoutOf(text, MEMBER.replace('devices:/a/b', 'devices:/../b'));
  assert.equal(layout.hierarchies[1]?.own, '/sys/fs/cgroup/dev ices');
});

test('a host without cgroups is an error', () => {
  assert.throws(
    () => layoutOf('22 27 0:21 / /proc rw - proc proc rw\n', ''),
    /no cgroup hierarchy is mounted below \/sys\/fs\/cgroup/,
  );
});

const hybrid = layoutOf(HYBRID, MEMBER);
const v2 = layoutOf(
  '30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n',
  '0::/user.slice/session-1.scope\n',
);

test('the directories of a planned cgroup', () => {
  assert.deepEqual(planCgroup({ id: 'c1', layout: hybrid }), {
    layout: 'hybrid',
    driver: 'fs',
    paths: {
      cpu: '/sys/fs/cgroup/cpu,cpuacct/c1',
      cpuacct: '/sys/fs/cgroup/cpu,cpuacct/c1',
      devices: '/sys/fs/cgroup/devices/a/b/c1',
      'name=systemd': '/sys/fs/cgroup/systemd/user.slice/c1',
      unified: '/sys/fs/cgroup/unified/user.slice/x/c1',
    },
  });
  assert.equal(
    planCgroup({ id: 'c1', cgroupsPath: '/x/y', layout: hybrid }).paths.devices,
    '/sys/fs/cgroup/devices/x/y',
  );
  assert.equal(
    planCgroup({ id: 'c1', cgroupsPath: 'x/y', layout: hybrid }).paths.devices,
    '/sys/fs/cgroup/devices/a/b/x/y',
  );
  // It is beside this process's own cgroup, which has processes and so cannot hand controllers down.
  assert.deepEqual(planCgroup({ id: 'c1', layout: v2 }).paths, { unified: '/sys/fs/cgroup/user.slice/c1' });
  assert.deepEqual(planCgroup({ id: 'c1', cgroupsPath: '/m/c', layout: v2 }).paths, { unified: '/sys/fs/cgroup/m/c' });
});

test('a cgroupsPath cannot lead above the hierarchy, nor name its root', () => {
  assert.equal(cleanPath('../../etc'), 'etc');
  assert.equal(cleanPath('/../../a/./b//c/..'), '/a/b');
  for (const cgroupsPath of ['/', '//', '/..', '/a/..'])
    assert.throws(() => planCgroup({ id: 'c1', cgroupsPath, layout: v2 }), /is the root of the hierarchy/);
  assert.equal(planCgroup({ id: 'c1', cgroupsPath: '..', layout: v2 }).paths.unified, '/sys/fs/cgroup/user.slice/c1');
});

test('v1 without a devices hierarchy is refused', () => {
  const layout = {
    ...hybrid,
    hierarchies: hybrid.hierarchies.filter(({ controllers }) => !controllers.includes('devices')),
  };
  assert.throws(() => planCgroup({ id: 'c1', layout }), /mountpoint for devices not found/);
});

test('the cgroups of systemd units', () => {
  const plan = (cgroupsPath: string | undefined, layout = v2, rootless = false) =>
    planCgroup({ id: 'c1', cgroupsPath, layout, systemd: true, rootless });
  assert.deepEqual(plan(undefined), {
    layout: 'v2',
    driver: 'systemd',
    unit: 'runc-c1.scope',
    paths: { unified: '/sys/fs/cgroup/system.slice/runc-c1.scope' },
  });
  assert.equal(
    plan('machine-a-b.slice:libpod:1').paths.unified,
    '/sys/fs/cgroup/machine.slice/machine-a.slice/machine-a-b.slice/libpod-1.scope',
  );
  assert.equal(plan('-.slice:x:1').paths.unified, '/sys/fs/cgroup/x-1.scope');
  assert.equal(plan('a.slice:x:b.slice').unit, 'b.slice');
  assert.equal(plan('a.slice:x:1', hybrid).paths.devices, '/sys/fs/cgroup/devices/a.slice/x-1.scope');
  assert.throws(
    () => plan('/a/b'),
    /expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "\/a\/b" instead/,
  );
  for (const slice of ['a', 'a--b.slice', '-a.slice', '.slice', 'a/b.slice'])
    assert.throws(() => plan(`${slice}:x:1`), /invalid slice name/);
  const user = layoutOf(
    '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
    '0::/user.slice/user-1.slice/user@1.service/app.slice/x.scope\n',
  );
  assert.equal(
    plan(undefined, user, true).paths.unified,
    '/sys/fs/cgroup/user.slice/user-1.slice/user@1.service/user.slice/runc-c1.scope',
  );
  assert.throws(() => plan(undefined, hybrid, true), /rootless systemd/);
});
