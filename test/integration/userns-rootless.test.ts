/** Containers of an ordinary user: with the user's own id alone, and with subordinate ids. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Config } from '../../spec/types.ts';
import { parseConfig } from '../../spec/validate.ts';
import { makeBundle, shellConfig, workFolder, writeConfig } from './bundle.ts';
import { messageOf } from './command-line.ts';
import { textOf } from './gone-meanwhile.ts';
import { until } from './lives.ts';
import { containersIn } from './nothing-left.ts';
import { noMappingTool, noOrdinaryUser, ordinaryUser, SUBORDINATE, USER } from './ordinary-user.ts';

const work = workFolder('rootless');
after(() => work.remove());
const skip = noOrdinaryUser();

/** A bundle that the user owns. Its config is what `spec --rootless` writes for him, with another process. */
async function bundleOf(name: string, subordinate: boolean, script: string, change = (config: Config) => config) {
  const user = ordinaryUser(work.path, { subordinate });
  const bundle = makeBundle(join(work.path, name), shellConfig(script));
  execFileSync('chown', ['-R', `${USER}:${USER}`, bundle]);
  user.own();
  execFileSync('rm', [join(bundle, 'config.json')]);
  assert.deepEqual(user.run(['spec', '--rootless', '--bundle', bundle]), { status: 0, stdout: '', stderr: '' });
  const config = await parseConfig(readFileSync(join(bundle, 'config.json'), 'utf8'));
  const process = { ...config.process, cwd: '/', terminal: false, args: ['sh', '-c', script] };
  writeConfig(bundle, change({ ...config, process }));
  return { user, bundle };
}

const stateOf = (user: ReturnType<typeof ordinaryUser>, id: string) => JSON.parse(user.run(['state', id]).stdout);

suite("an ordinary user's container", { skip }, () => {
  test('runs with his own id as root, and leaves nothing', async () => {
    const script = 'id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; echo x > /dev/null';
    const { user, bundle } = await bundleOf('own', false, script);
    const { status, stdout, stderr } = user.run(['run', '--bundle', bundle, 'own']);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    const map = ['0', `${USER}`, '1'];
    assert.deepEqual(stdout.trim().split(/\s+/), ['0', '0', ...map, ...map, 'deny']);
    assert.deepEqual(containersIn(user.stateRoot), []);
  });

  test('reaches no cgroup of the host’s to write to (CVE-2023-25809)', async (t) => {
    const root = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) => existsSync(join(path, 'cgroup.procs')));
    if (root === undefined) return t.skip('no cgroup v2 hierarchy');
    // A cgroup that the user owns, as in a session of systemd's.
    const delegated = join(root, `runchart-test-delegated-${process.pid}`);
    mkdirSync(delegated);
    chownSync(delegated, USER, USER);
    try {
      const made = join(delegated, 'made');
      execFileSync('setpriv', ['--reuid', `${USER}`, '--clear-groups', 'mkdir', made]);
      execFileSync('rmdir', [made]);
      const script = [
        `mkdir ${made} 2>/dev/null && echo made`,
        `(echo $$ > ${delegated}/cgroup.procs) 2>/dev/null && echo entered`,
        'echo end',
      ].join('; ');
      const { user, bundle } = await bundleOf('cgroups', false, script);
      const { status, stdout, stderr } = user.run(['run', '--bundle', bundle, 'cgroups']);
      assert.equal(status, 0, stderr);
      assert.equal(stdout, 'end\n');
    } finally {
      rmdirSync(delegated);
    }
  });

  test('shows him the cgroups that he could not leave, read-only', async (t) => {
    if (!existsSync('/sys/fs/cgroup/pids')) return t.skip('no cgroup v1 hierarchies here');
    const tasks = '/sys/fs/cgroup/pids/tasks';
    const script = `cat ${tasks} >/dev/null && touch ${tasks}; grep " /sys/fs/cgroup/pids " /proc/self/mountinfo`;
    const { user, bundle } = await bundleOf('inherited', false, script);
    const { stdout, stderr } = user.run(['run', '--bundle', bundle, 'inherited']);
    assert.match(stderr, /Read-only file system/);
    const own = textOf('/proc/self/cgroup').match(/:pids:(.*)/)?.[1];
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => [line.split(' ')[3], line.split(' ')[5]?.split(',')[0], line.split(' - ')[1]]),
      // The first one came with /sys.
      [
        ['/', 'rw', 'cgroup cgroup rw,pids'],
        [own, 'ro', 'cgroup cgroup rw,pids'],
      ],
    );
  });

  test('lives by create, start, kill and delete', async () => {
    const { user, bundle } = await bundleOf('life', false, 'while :; do sleep 1; done');
    try {
      assert.deepEqual(user.run(['create', '--bundle', bundle, 'life']), { status: 0, stdout: '', stderr: '' });
      const { pid, status } = stateOf(user, 'life');
      assert.equal(status, 'created');
      // It is dumpable again while it waits, since otherwise its owner could not join it.
      assert.equal(statSync(`/proc/${pid}/fd`).uid, USER);
      const namespace = user.run(['exec', 'life', 'readlink', '/proc/self/ns/mnt']);
      assert.deepEqual(namespace, { status: 0, stdout: `${readlinkSync(`/proc/${pid}/ns/mnt`)}\n`, stderr: '' });
      assert.equal(stateOf(user, 'life').status, 'created');
      assert.equal(user.run(['start', 'life']).stderr, '');
      assert.equal(stateOf(user, 'life').status, 'running');
      assert.equal(statSync(`/proc/${pid}`).uid, USER);
      assert.equal(user.run(['exec', 'life', 'cat', '/proc/self/uid_map']).stdout.trim().split(/\s+/)[1], `${USER}`);
      assert.equal(user.run(['kill', 'life', 'KILL']).stderr, '');
      while (stateOf(user, 'life').status === 'running') await setTimeout(20);
      assert.equal(user.run(['delete', 'life']).stderr, '');
      assert.deepEqual(containersIn(user.stateRoot), []);
    } finally {
      user.run(['delete', '--force', 'life']);
    }
  });

  test('gets his subordinate ids by newuidmap and newgidmap', { skip: noMappingTool }, async () => {
    const script = 'cat /proc/self/uid_map; id -G; chown 7:8 /tmp && stat -c %u:%g /tmp';
    const mappings = (own: number) => [
      { containerID: 0, hostID: own, size: 1 },
      { containerID: 1, hostID: SUBORDINATE, size: 1000 },
    ];
    const capabilities = ['CAP_CHOWN'];
    const { user, bundle } = await bundleOf('subordinate', true, script, (config) => ({
      ...config,
      root: { path: 'rootfs', readonly: false },
      process: {
        ...config.process,
        cwd: '/',
        user: { additionalGids: [5] },
        capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      },
      linux: { ...config.linux, uidMappings: mappings(USER), gidMappings: mappings(USER) },
    }));
    const { status, stdout, stderr } = user.run(['run', '--bundle', bundle, 'subordinate']);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    const expected = ['0', `${USER}`, '1', '1', `${SUBORDINATE}`, '1000', '0', '5', '7:8'];
    assert.deepEqual(stdout.trim().split(/\s+/), expected);
    const { uid, gid } = statSync(join(bundle, 'rootfs/tmp'));
    assert.deepEqual([uid, gid], [SUBORDINATE + 6, SUBORDINATE + 7]);
  });

  test('has the oom_score_adj of its config', async () => {
    const { user, bundle } = await bundleOf('oom', false, 'cat /proc/self/oom_score_adj', (config) => ({
      ...config,
      process: { ...config.process, cwd: '/', oomScoreAdj: 432 },
    }));
    assert.deepEqual(user.run(['run', '--bundle', bundle, 'oom']), { status: 0, stdout: '432\n', stderr: '' });
  });

  test('has clocks of its own', async () => {
    const day = 86_400;
    const { user, bundle } = await bundleOf('clocks', false, 'cat /proc/uptime', (config) => ({
      ...config,
      linux: {
        ...config.linux,
        namespaces: [...(config.linux?.namespaces ?? []), { type: 'time' }],
        timeOffsets: { boottime: { secs: 7 * day } },
      },
    }));
    const before = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    const { stdout, stderr } = user.run(['run', '--bundle', bundle, 'clocks']);
    assert.equal(stderr, '');
    const inside = Number(stdout.split(' ')[0]);
    assert.ok(inside >= before + 7 * day && inside < before + 7 * day + 60, stdout);
  });

  test('is refused ids that are not his', { skip: noMappingTool }, async () => {
    const { user, bundle } = await bundleOf('foreign', true, 'true', (config) => ({
      ...config,
      linux: { ...config.linux, uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] },
    }));
    const { status, stderr } = user.run(['run', '--bundle', bundle, 'foreign']);
    assert.notEqual(status, 0);
    assert.match(stderr, /map ids: newuidmap \d+ 0 0 1: .*newuidmap: .*not allowed/);
    assert.deepEqual(containersIn(user.stateRoot), []);
  });

  test('cannot have groups where setgroups is denied', async () => {
    const { user, bundle } = await bundleOf('groups', false, 'true', (config) => ({
      ...config,
      process: { ...config.process, cwd: '/', user: { additionalGids: [0] } },
    }));
    const { stderr } = user.run(['run', '--bundle', bundle, 'groups']);
    assert.match(stderr, /cannot set any additional groups in a rootless container/);
  });

  test('without a cgroup, is recognized by its namespaces, and refuses what needs one', async () => {
    const script = 'exec 2> /dev/null; sleep 1000 & trap "" USR1; while :; do sleep 1000; done';
    const { user, bundle } = await bundleOf('without', false, script);
    const done = { status: 0, stdout: '', stderr: '' };
    const pids = (id: string): number[] => JSON.parse(user.run(['ps', '-f', 'json', id]).stdout) ?? [];
    const messageOfCommand = (...argv: string[]): string => messageOf(user.run(argv));
    try {
      assert.deepEqual(user.run(['run', '-d', '--bundle', bundle, 'without']), done);
      const { pid } = stateOf(user, 'without');
      await until('all are there', () => pids('without').length === 3);
      assert.equal(user.run(['exec', 'without', 'sh', '-c', 'exit 7']).status, 7);
      // Its parent is outside, and so is its child's.
      assert.deepEqual(
        user.run(['exec', '-d', 'without', 'sh', '-c', 'exec 2> /dev/null; sleep 1001 & sleep 1002; :']),
        done,
      );
      await until('so are those of exec', () => pids('without').length === 6);
      const all = pids('without');
      assert.ok(all.includes(pid));
      for (const one of all) assert.equal(readlinkSync(`/proc/${one}/ns/pid`), readlinkSync(`/proc/${pid}/ns/pid`));
      const { stdout } = user.run(['ps', 'without', '-o', 'pid,args']);
      assert.deepEqual(stdout.match(/sleep \d+$/gm)?.toSorted(), [
        'sleep 1000',
        'sleep 1000',
        'sleep 1001',
        'sleep 1002',
      ]);
      assert.match(user.run(['list']).stdout, /^without +\d+ +running .* tester$/m);
      assert.equal(JSON.parse(user.run(['events', '--stats', 'without']).stdout).type, 'stats');
      assert.equal(messageOfCommand('pause', 'without'), 'cannot toggle freezer: cgroups not configured for container');
      assert.equal(messageOfCommand('resume', 'without'), 'container not paused');
      assert.equal(
        messageOfCommand('update', '--pids-limit', '9', 'without'),
        'cannot set pids limit: container could not join or create cgroup',
      );
      assert.deepEqual(user.run(['kill', '--all', 'without', 'USR1']), done);
      // The first process ignores the signal, the others do not.
      await until('the others are gone', () => pids('without').length === 2);
      assert.deepEqual(user.run(['kill', '--all', 'without', 'KILL']), done);
      await until('it has stopped', () => stateOf(user, 'without').status === 'stopped');
      assert.deepEqual(pids('without'), []);
      assert.deepEqual(user.run(['delete', 'without']), done);
    } finally {
      user.run(['delete', '--force', 'without']);
    }
  });

  test('without a cgroup and a pid namespace, ends with all its processes', async () => {
    const { user, bundle } = await bundleOf('hostpids', false, 'sleep 1000 & sleep 1001 & wait', (config) => ({
      ...config,
      mounts: (config.mounts ?? []).map((mount) =>
        mount.destination === '/proc' ? { ...mount, type: 'bind', source: '/proc', options: ['rbind'] } : mount,
      ),
      linux: {
        ...config.linux,
        maskedPaths: [],
        readonlyPaths: [],
        namespaces: (config.linux?.namespaces ?? []).filter(({ type }) => type !== 'pid'),
      },
    }));
    const pids = (): number[] => JSON.parse(user.run(['ps', '-f', 'json', 'hostpids']).stdout) ?? [];
    try {
      for (const end of [
        ['kill', 'hostpids', 'KILL'],
        ['delete', '--force', 'hostpids'],
      ]) {
        const { status, stderr } = user.run(['run', '-d', '--bundle', bundle, 'hostpids']);
        assert.equal(status, 0, stderr);
        assert.match(
          stderr,
          /^\S+ level=warning msg="Creating a rootless container with no cgroup and no private pid.*"\n$/,
        );
        await until('all are there', () => pids().length === 3);
        const all = pids();
        assert.deepEqual(user.run(end), { status: 0, stdout: '', stderr: '' });
        await until('all are gone', () => all.every((pid) => !/^State:\t[^Z]/m.test(textOf(`/proc/${pid}/status`))));
        user.run(['delete', '--force', 'hostpids']);
      }
    } finally {
      user.run(['delete', '--force', 'hostpids']);
    }
  });

  test('needs a cgroup where its config names one', async () => {
    const { user, bundle } = await bundleOf('cgroup', false, 'true', (config) => ({
      ...config,
      linux: { ...config.linux, cgroupsPath: '/runchart-test-rootless' },
    }));
    const { status, stderr } = user.run(['run', '--bundle', bundle, 'cgroup']);
    assert.notEqual(status, 0);
    assert.match(stderr, /mkdir .*runchart-test-rootless: EACCES/);
  });
});
