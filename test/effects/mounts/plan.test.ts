import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MountFacts } from '../../../effects/mounts/facts.ts';
import { planMounts } from '../../../effects/mounts/plan.ts';
import { MOUNT_ATTR } from '../../../native/constants/mount.ts';

const facts: MountFacts = { files: new Set(), cgroup: undefined, cgroupNamespace: false };
const cgroupMount = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'ro'] };

test('a file system gets its parameters and attributes', () => {
  const [step] = planMounts(
    [{ destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'size=1m'] }],
    facts,
  );
  assert.deepEqual(step, {
    step: 'filesystem',
    type: 'tmpfs',
    source: 'tmpfs',
    parameters: [['size', '1m']],
    attributes: MOUNT_ATTR.NOSUID,
    ordinary: false,
    keepsMode: true,
    at: '/dev',
    placeholder: 'directory',
    propagation: [],
  });
});

test('new file systems get the label, but not those with labels of their own', () => {
  const label = 'system_u:object_r:container_file_t:s0:c1,c2';
  const types = ['tmpfs', 'devpts', 'proc', 'sysfs', 'mqueue'];
  const plan = planMounts(
    [
      ...types.map((type) => ({ destination: `/${type}`, type })),
      { destination: '/bound', source: '/x', options: ['bind'] },
    ],
    { ...facts, label },
  );
  const labeled = plan.filter(
    (step) => step.step === 'filesystem' && step.parameters.some(([, value]) => value === label),
  );
  assert.deepEqual(
    labeled.map(({ at }) => at),
    ['/tmpfs', '/devpts'],
  );
  assert.equal(plan.length, 6, 'mountLabel changes nothing of a bind');
});

test('the root of message queues gets the label where the kernel lets the init set it', () => {
  const rootLabels = (namespaces: readonly 'user'[]) =>
    planMounts([{ destination: '/dev/mqueue', type: 'mqueue' }], {
      ...facts,
      label: 'label',
      hostNamespaces: new Set(namespaces),
    }).map((step) => (step.step === 'filesystem' ? step.rootLabel : undefined));
  assert.deepEqual(rootLabels(['user']), ['label']);
  assert.deepEqual(rootLabels([]), [undefined], 'in a user namespace');
});

test('a relative destination counts from the root, and none leads above it', () => {
  const at = (destination: string) => planMounts([{ destination, type: 'tmpfs' }], facts).map((step) => step.at);
  assert.deepEqual(at('data/'), ['/data']);
  assert.deepEqual(at('/../../etc/./x'), ['/etc/x']);
});

test('a bound file needs a file to be bound on', () => {
  const plan = planMounts([{ destination: '/f', source: '/host/f', options: ['bind'] }], {
    ...facts,
    files: new Set(['/host/f']),
  });
  assert.deepEqual(
    plan.map((step) => step.step === 'bind' && [step.placeholder, step.recursive]),
    [['file', false]],
  );
});

test('cgroup v2 is bound whole, or mounted where a cgroup namespace hides the rest', () => {
  const cgroup = { layout: 'v2', driver: 'fs', paths: { unified: '/sys/fs/cgroup/c1' } } as const;
  const [bound] = planMounts([cgroupMount], { ...facts, cgroup });
  assert.equal(bound?.step === 'bind' && bound.source, '/sys/fs/cgroup');
  assert.equal(bound?.step === 'bind' && bound.attributes.set & MOUNT_ATTR.RDONLY, MOUNT_ATTR.RDONLY);
  const [mounted] = planMounts([cgroupMount], { ...facts, cgroup, cgroupNamespace: true });
  assert.ok(mounted?.step === 'filesystem');
  assert.equal(mounted.type, 'cgroup2');
  assert.equal(mounted.otherwise?.source, '/sys/fs/cgroup/c1');
});

test('cgroup v1 is a tmpfs with a directory for each hierarchy, and links for the controllers that share one', () => {
  const paths = {
    cpu: '/sys/fs/cgroup/cpu,cpuacct/c1',
    cpuacct: '/sys/fs/cgroup/cpu,cpuacct/c1',
    'name=systemd': '/sys/fs/cgroup/systemd/c1',
    unified: '/sys/fs/cgroup/unified/c1',
  };
  const plan = planMounts([cgroupMount], { ...facts, cgroup: { layout: 'hybrid', driver: 'fs', paths } });
  assert.deepEqual(
    plan.map((step) => [step.step, step.at]),
    [
      ['filesystem', '/sys/fs/cgroup'],
      ['bind', '/sys/fs/cgroup/cpu,cpuacct'],
      ['bind', '/sys/fs/cgroup/systemd'],
      ['symlink', '/sys/fs/cgroup/cpu'],
      ['symlink', '/sys/fs/cgroup/cpuacct'],
      ['attributes', '/sys/fs/cgroup'],
    ],
  );
  const first = plan[0];
  assert.equal(first?.step === 'filesystem' && first.attributes & MOUNT_ATTR.RDONLY, 0, 'writable while it is filled');
});

test('in a cgroup namespace the v1 hierarchies are mounted themselves', () => {
  const paths = { 'name=systemd': '/sys/fs/cgroup/systemd/c1', pids: '/sys/fs/cgroup/pids/c1' };
  const plan = planMounts([cgroupMount], {
    ...facts,
    cgroup: { layout: 'v1', driver: 'fs', paths },
    cgroupNamespace: true,
  });
  assert.deepEqual(
    plan.flatMap((step) => (step.step === 'filesystem' && step.type === 'cgroup' ? [step.parameters] : [])),
    [[['name', 'systemd']], [['pids', undefined]]],
  );
});

test('a file system is read-only from the start, but a tmpfs only once it has been filled', () => {
  const plan = planMounts(
    [
      { destination: '/sys', type: 'sysfs', options: ['ro'] },
      { destination: '/dev', type: 'tmpfs', options: ['ro'] },
      { destination: '/t', type: 'tmpfs', options: ['rro'] },
      { destination: '/covered', type: 'tmpfs', options: ['ro'] },
      { destination: '/covered', type: 'tmpfs' },
    ],
    facts,
  );
  const told = plan.map((step) =>
    step.step === 'filesystem'
      ? [step.at, step.attributes & MOUNT_ATTR.RDONLY, step.parameters.length]
      : [step.at, step.step],
  );
  assert.deepEqual(told, [
    ['/sys', 1, 1],
    ['/dev', 0, 0],
    ['/t', 0, 0],
    ['/covered', 0, 0],
    ['/covered', 0, 0],
    ['/t', 'attributes'],
  ]);
});
