/** Rootless on cgroup v2 with systemd: an ordinary user's own manager, and a cgroup that was delegated to him. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { rootlessConfig } from '../../spec/default.ts';
import type { Config, LinuxResources } from '../../spec/types.ts';
import { makeBundle, workFolder } from './bundle.ts';
import { type Ended, RUNCHART } from './command-line.ts';
import { remainsAtLast } from './nothing-left.ts';
import { PATIENCE } from './patience.ts';
import { filesOf, noSystemd } from './v2.ts';

/** The first one of this machine. */
const [name, , uid = 0] =
  readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([first = '', second = '', third = '']) => [first, second, Number(third)] as const)
    .find(([, , id]) => id >= 1000 && id < 60_000) ?? [];
const noUser = noSystemd || (name === undefined ? 'no ordinary user has an account here' : false);
const noManager = noUser || (existsSync('/usr/bin/dbus-daemon') ? false : 'an ordinary user’s systemd needs dbus here');

describe('rootless, with systemd', { skip: noManager }, () => {
  const work = workFolder('user');
  const prefix = `runchart-test-${process.pid}-user-`;
  const root = join(work.path, 'state');
  const runtimeDirectory = `/run/user/${uid}`;
  const manager = `/sys/fs/cgroup/user.slice/user-${uid}.slice/user@${uid}.service`;
  const wasThere = existsSync(manager);
  const ids: string[] = [];
  let count = 0;

  before(() => {
    execFileSync('systemctl', ['start', `user@${uid}.service`]);
    chownSync(work.path, uid, uid);
  });
  after(async () => {
    for (const id of ids) runchart([], 'delete', '--force', id);
    if (!wasThere) execFileSync('systemctl', ['stop', `user@${uid}.service`]);
    assert.deepEqual(await remainsAtLast(prefix, work.path), []);
    work.remove();
  });

  function asUser(argv: readonly string[]): Ended {
    const files = ['out', 'err'].map((end) => join(work.path, `${++count}.${end}`));
    const [stdout = 1, stderr = 2] = files.map((file) => openSync(file, 'w'));
    try {
      const { status, error } = spawnSync(
        'setpriv',
        ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups', ...argv],
        {
          stdio: ['ignore', stdout, stderr],
          cwd: '/',
          env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: runtimeDirectory },
          timeout: 60_000 * PATIENCE,
        },
      );
      if (error !== undefined) throw error;
      const [out = '', err = ''] = files.map((file) => readFileSync(file, 'utf8'));
      return { status, stdout: out, stderr: err };
    } finally {
      closeSync(stdout);
      closeSync(stderr);
    }
  }
  const runchart = (globals: readonly string[], ...argv: string[]): Ended =>
    asUser([RUNCHART, '--root', root, ...globals, ...argv]);
  const withSystemd = (...argv: string[]) => runchart(['--systemd-cgroup'], ...argv);
  const succeed = ({ status, stdout, stderr }: Ended): string => {
    assert.deepEqual([status, stderr], [0, '']);
    return stdout;
  };

  function bundleFor(
    resources: LinuxResources,
    cgroupsPath?: string,
  ): { readonly id: string; readonly bundle: string } {
    const id = `${prefix}${ids.length}`;
    ids.push(id);
    const config: Config = rootlessConfig({ unifiedCgroups: true, uid, gid: uid });
    const folder = join(work.path, id);
    makeBundle(folder, {
      ...config,
      process: { ...config.process, cwd: '/', terminal: false, args: ['sh', '-c', 'while :; do sleep 0.2; done'] },
      linux: { ...config.linux, resources, ...(cgroupsPath === undefined ? {} : { cgroupsPath }) },
    });
    for (const path of [folder, join(folder, 'rootfs')]) chownSync(path, uid, uid);
    return { id, bundle: folder };
  }
  const show = (unit: string, names: readonly string[]): string =>
    succeed(asUser(['systemctl', '--user', 'show', `--property=${names.join(',')}`, unit]));

  it('a scope of the user’s own manager, with limits', () => {
    const { id, bundle } = bundleFor({ pids: { limit: 55 }, memory: { limit: 64 << 20 } });
    succeed(withSystemd('run', '--detach', '--bundle', bundle, id));
    const scope = `runc-${id}.scope`;
    const directory = `${manager}/user.slice/${scope}`;
    const { pid, status } = JSON.parse(succeed(withSystemd('state', id)));
    assert.equal(status, 'running');
    assert.equal(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `0::${directory.slice('/sys/fs/cgroup'.length)}\n`);
    const limits = ['pids.max', 'memory.max'];
    assert.deepEqual(filesOf(directory, limits), { 'pids.max': '55', 'memory.max': String(64 << 20) });
    assert.deepEqual(show(scope, ['TasksMax', 'Slice']).trim().split('\n').toSorted(), [
      'Slice=user.slice',
      'TasksMax=55',
    ]);

    succeed(withSystemd('update', '--pids-limit', '66', id));
    assert.equal(filesOf(directory, limits)['pids.max'], '66');
    succeed(withSystemd('pause', id));
    assert.match(readFileSync(`${directory}/cgroup.events`, 'utf8'), /^frozen 1$/m);
    succeed(withSystemd('resume', id));
    // Its manager moves it there: he may not, since he comes from elsewhere.
    assert.equal(succeed(withSystemd('exec', id, 'cat', '/proc/self/cgroup')), '0::/\n');
    succeed(withSystemd('delete', '--force', id));
    assert.ok(!existsSync(directory));
    assert.match(show(scope, ['LoadState']), /^LoadState=not-found$/m);
  });

  it('without a way to that manager it says what is needed', () => {
    const { id, bundle } = bundleFor({});
    const { status, stderr } = asUser([
      ...['env', '--unset=XDG_RUNTIME_DIR', RUNCHART, '--root', root, '--systemd-cgroup'],
      ...['run', '--detach', '--bundle', bundle, id],
    ]);
    assert.equal(status, 1);
    assert.match(stderr, /neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set/);
  });

  it('a cgroup that was delegated is used and limited, without systemd', () => {
    const scope = `charts-${process.pid}.scope`;
    const above = `${manager}/app.slice/${scope}`;
    const path = `${above.slice('/sys/fs/cgroup'.length)}/${prefix}c`;
    const { id, bundle } = bundleFor({ pids: { limit: 44 }, memory: { limit: 32 << 20 } }, path);
    mkdirSync(work.path, { recursive: true });
    // Only a cgroup without processes of its own can hand controllers on.
    const script = `mkdir ${above}/self && echo $$ >${above}/self/cgroup.procs && exec "$@"`;
    const command = [RUNCHART, '--root', root, 'run', '--detach', '--bundle', bundle, id];
    succeed(
      asUser([
        ...['systemd-run', '--user', '--quiet', '--scope', `--unit=${scope}`, '--property=Delegate=yes'],
        ...['--', 'sh', '-c', script, 'sh', ...command],
      ]),
    );
    assert.deepEqual(filesOf(`${above}/${prefix}c`, ['pids.max', 'memory.max']), {
      'pids.max': '44',
      'memory.max': String(32 << 20),
    });
    const { pid } = JSON.parse(succeed(runchart([], 'state', id)));
    assert.equal(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `0::${path}\n`);
    succeed(runchart([], 'update', '--pids-limit', '33', id));
    assert.equal(filesOf(`${above}/${prefix}c`, ['pids.max'])['pids.max'], '33');
    succeed(runchart([], 'pause', id));
    succeed(runchart([], 'resume', id));
    succeed(runchart([], 'delete', '--force', id));
    assert.ok(!existsSync(`${above}/${prefix}c`));
  });
});
