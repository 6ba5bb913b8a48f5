/** The modes of what commands make are right under any umask: the same as runc's, where runc makes the same. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { Config } from '../../spec/types.ts';
import { parseConfig } from '../../spec/validate.ts';
import { makeBundle, noContainers, shellConfig, workFolder, writeConfig } from './bundle.ts';
import { type CommandLine, commandLine, noRunc, RUNCHART } from './command-line.ts';
import { listenAt } from './listening-socket.ts';
import { until } from './lives.ts';
import { noOrdinaryUser, ordinaryUser, USER } from './ordinary-user.ts';
import { underUmask } from './under-umask.ts';

const work = workFolder('modes');
after(() => work.remove());
chmodSync(work.path, 0o755);

const UMASKS = [0o000, 0o022, 0o077];

type Modes = Readonly<Record<string, string>>;

/** For a directory `d 711`; for a link just `l`, since links have no mode that matters. */
function modeOf(path: string): string {
  const stat = lstatSync(path);
  const permissions = (stat.mode & 0o7777).toString(8);
  if (stat.isSymbolicLink()) return 'l';
  if (stat.isDirectory()) return `d ${permissions}`;
  if (stat.isSocket()) return `s ${permissions}`;
  return stat.isFile() ? `f ${permissions}` : `other ${permissions}`;
}

/** The modes of everything below a folder, by path. */
const modesBelow = (folder: string): Modes =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .toSorted()
      .map((path) => [path, modeOf(join(folder, path))]),
  );

/** Has a container report on itself, in lines of a mode, a type and a path. Then the container waits. */
const REPORT = `exec > /made/deep/directory/report 2>&1
umask
stat -c '%a %F %n' / /* /dev/* /dev/pts/* /proc /sys /copied/* /made/*/* /new/tmpfs/* /work /work/deep
touch /new/tmpfs/touched; mkdir /new/tmpfs/made; stat -c '%a %n' /new/tmpfs/touched /new/tmpfs/made
echo end; sleep 1000`;

/** A config for which a runtime makes all kinds of things in the rootfs: mount points, devices, a working directory. */
function configOf(source: string): Config {
  const config = shellConfig(REPORT);
  const hook = (folder: string) => ({ path: '/bin/sh', args: ['sh', '-c', `umask >> ${folder}/hooks`] });
  const [onHost, inside] = [hook(source), hook('/made/deep/directory')];
  const bind = { type: 'bind', options: ['rbind', 'rw'] };
  return {
    ...config,
    root: { path: 'rootfs', readonly: false },
    process: { ...config.process, cwd: '/work/deep/er', terminal: true },
    hooks: { createRuntime: [onHost], createContainer: [onHost], startContainer: [inside], poststop: [onHost] },
    mounts: [
      ...(config.mounts ?? []),
      { ...bind, destination: '/made/deep/directory', source },
      { ...bind, destination: '/made/deep/file', source: join(source, 'file') },
      { ...bind, destination: '/made/in-a-link/directory', source },
      { destination: '/new/tmpfs/plain', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/new/tmpfs/mode', type: 'tmpfs', source: 'tmpfs', options: ['mode=0710'] },
      { destination: '/copied', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] },
    ],
    linux: {
      ...config.linux,
      devices: [
        { path: '/dev/one', type: 'c', major: 1, minor: 3, fileMode: 0o640 },
        { path: '/dev/two', type: 'c', major: 1, minor: 3 },
        { path: '/dev/deep/er/three', type: 'c', major: 1, minor: 3, fileMode: 0o666 },
        { path: '/dev/pipe', type: 'p', fileMode: 0o622 },
      ],
      maskedPaths: ['/proc/kcore', '/sys/firmware'],
      readonlyPaths: ['/proc/sys'],
    },
  };
}

interface Made {
  /** What the container reports about itself. */
  readonly report: string;
  /** What each hook reports, in the order in which they run. */
  readonly hooks: string;
  /** What is in the rootfs once the container is gone. */
  readonly rootfs: Modes;
  /** Files that the caller has named, and the container's cgroups. */
  readonly outside: Modes;
  /** The state root, while the container waits to be started, and while it runs. */
  readonly created: Modes;
  readonly running: Modes;
}

/** The modes of the directories of its cgroup, by hierarchy. */
function cgroupModes(pid: number): Modes {
  const found: [string, string][] = [];
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')) {
    const [, controllers = '', path = ''] = line.split(':');
    const places = [controllers.replace(/^name=/, ''), 'unified'].map((name) => join('/sys/fs/cgroup', name, path));
    const place = path === '/' ? undefined : places.find((one) => existsSync(one));
    if (place !== undefined) found.push([`cgroup ${controllers}`, modeOf(place)]);
  }
  assert.notDeepEqual(found, []);
  return Object.fromEntries(found);
}

/** Leads a container from `spec` to `delete`, with every file that a caller can name. */
async function live(run: CommandLine, folder: string, mask: number): Promise<Made> {
  const source = join(folder, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'file'), '');
  const bundle = makeBundle(join(folder, 'bundle'), configOf(source));
  const rootfs = join(bundle, 'rootfs');
  mkdirSync(join(rootfs, 'copied'));
  writeFileSync(join(rootfs, 'copied/secret'), '', { mode: 0o640 });
  const files = join(folder, 'files');
  mkdirSync(join(files, 'spec'), { recursive: true });
  const id = `runchart-test-${process.pid}-modes-${mask}`;
  const report = () => readFileSync(join(source, 'report'), 'utf8');
  const named = (name: string) => join(files, name);
  const env = { ...process.env, NOTIFY_SOCKET: named('supervisor') };
  const call = (...argv: string[]) => underUmask(mask, () => run(...argv));
  const terminals = listenAt(join(folder, 'c'));
  let terminal = -1;
  try {
    assert.equal(call('spec', '--bundle', named('spec')).stderr, '');
    const creating = ['create', '--pid-file', named('pid'), '--console-socket', terminals.path, '--bundle', bundle, id];
    const ended = underUmask(mask, () => run.with({ env }, '--log', named('log'), ...creating));
    assert.equal(ended.stderr, '');
    terminal = terminals.receive().fd;
    const created = { '.': modeOf(run.root), ...modesBelow(run.root) };
    const pid = Number(readFileSync(named('pid'), 'utf8'));
    const cgroups = cgroupModes(pid);
    assert.equal(call('start', id).stderr, '');
    await until('the container has said all', () => existsSync(join(source, 'report')) && report().endsWith('end\n'));
    const running = { '.': modeOf(run.root), ...modesBelow(run.root) };
    const exec = call('exec', '--pid-file', named('exec.pid'), id, 'sh', '-c', 'umask');
    assert.equal(exec.stderr, '');
    // With runc it has the caller's.
    if (run.program === RUNCHART) assert.equal(exec.stdout, '0022\n');
    return {
      report: report(),
      get hooks() {
        return readFileSync(join(source, 'hooks'), 'utf8');
      },
      rootfs: modesBelow(rootfs),
      outside: { ...modesBelow(files), ...cgroups },
      created,
      running,
    };
  } finally {
    if (terminal >= 0) closeSync(terminal);
    terminals.close();
    assert.equal(call('delete', '--force', id).stderr, '');
  }
}

const octal = (mode: number): string => mode.toString(8);

/** What a state root holds under a umask. */
const inRoot = (id: string, mask: number, more: Modes = {}): Modes => ({
  '.': 'd 1700',
  [id]: `d ${octal(0o711 & ~mask)}`,
  [`${id}/start.sock`]: 's 600',
  [`${id}/state.json`]: 'f 600',
  ...more,
});

const namedOf = (modes: Modes): Modes =>
  Object.fromEntries(
    Object.entries(modes).map(([path, mode]) => [path.replace(/^@seccomp\/.+/, '@seccomp/a filter'), mode]),
  );

suite('under umask', { skip: noContainers }, () => {
  for (const mask of UMASKS) {
    const title = `0${octal(mask)}`;
    const folderOf = (name: string): string => {
      const folder = join(work.path, `${mask}-${name}`);
      mkdirSync(folder);
      return folder;
    };

    test(`${title} the modes of what is made are those of runc`, { skip: noRunc }, async () => {
      const [runc, runchart] = [folderOf('runc'), folderOf('runchart')];
      const theirs = await live(commandLine('runc', runc), runc, mask);
      const ours = await live(commandLine(RUNCHART, runchart), runchart, mask);
      assert.deepEqual(ours.report.split('\n'), theirs.report.split('\n'));
      assert.deepEqual(ours.hooks, theirs.hooks);
      // The file that a mount goes on. runc makes it executable.
      assert.deepEqual(ours.rootfs, { ...theirs.rootfs, 'made/deep/file': `f ${octal(0o644 & ~mask)}` });
      assert.deepEqual(ours.outside, theirs.outside);
      const id = `runchart-test-${process.pid}-modes-${mask}`;
      const notify = { [`${id}/notify`]: `d ${octal(0o755 & ~mask)}` };
      assert.deepEqual(ours.created, inRoot(id, mask, notify));
      assert.deepEqual(ours.running, inRoot(id, mask, notify));
      for (const path of [id, `${id}/notify`, `${id}/state.json`])
        assert.equal(ours.created[path], theirs.created[path]);
    });

    test(`${title} nobody else may write to compiled filters and a trace`, () => {
      const folder = folderOf('filter');
      const config = shellConfig('sleep 1000');
      const syscalls = [{ names: ['umask'], action: 'SCMP_ACT_ERRNO' as const }];
      const seccomp = { defaultAction: 'SCMP_ACT_ALLOW' as const, syscalls };
      const bundle = makeBundle(join(folder, 'bundle'), { ...config, linux: { ...config.linux, seccomp } });
      const run = commandLine(RUNCHART, folder);
      const id = `runchart-test-${process.pid}-filter-${mask}`;
      const trace = join(folder, 'trace');
      const created = underUmask(mask, () => run('--trace', trace, 'create', '--bundle', bundle, id));
      try {
        assert.equal(created.stderr, '');
        assert.equal(modeOf(trace), `f ${octal(0o644 & ~mask)}`);
        const kept = { '@seccomp': 'd 700', '@seccomp/a filter': 'f 600', [`${id}/seccomp`]: 'f 600' };
        assert.deepEqual(namedOf({ '.': modeOf(run.root), ...modesBelow(run.root) }), inRoot(id, mask, kept));
      } finally {
        assert.equal(run('delete', '--force', id).stderr, '');
      }
    });

    test(`${title} device files in the image change nothing for what is made after them`, () => {
      const folder = folderOf('image');
      const config = shellConfig('stat -c "%a %n" /dev/null /dev/one /work; umask');
      const bundle = makeBundle(join(folder, 'bundle'), {
        ...config,
        root: { path: 'rootfs', readonly: false },
        process: { ...config.process, cwd: '/work' },
        mounts: (config.mounts ?? []).filter(({ destination }) => !destination.startsWith('/dev')),
        linux: { ...config.linux, devices: [{ path: '/dev/one', type: 'c', major: 1, minor: 3, fileMode: 0o666 }] },
      });
      for (const name of ['null', 'zero', 'one']) writeFileSync(join(bundle, 'rootfs/dev', name), 'not a device');
      const run = commandLine(RUNCHART, folder);
      const id = `runchart-test-${process.pid}-image-${mask}`;
      const { stdout, stderr } = underUmask(mask, () => run('run', '--bundle', bundle, id));
      const lines = ['666 /dev/null', '666 /dev/one', `${octal(0o755 & ~mask)} /work`, '0022', ''];
      assert.deepEqual([stdout.split('\n'), stderr], [lines, '']);
    });

    test(`${title} the modes are the same for an ordinary user`, { skip: noOrdinaryUser() }, async () => {
      const folder = folderOf('rootless');
      const user = ordinaryUser(folder, { subordinate: false });
      const bundle = makeBundle(join(folder, 'bundle'), shellConfig(''));
      rmSync(join(bundle, 'config.json'));
      execFileSync('chown', ['-R', `${USER}:${USER}`, folder]);
      const call = (...argv: string[]) => underUmask(mask, () => user.run(argv));
      assert.equal(call('spec', '--rootless', '--bundle', bundle).stderr, '');
      assert.equal(modeOf(join(bundle, 'config.json')), `f ${octal(0o666 & ~mask)}`);
      const config = await parseConfig(readFileSync(join(bundle, 'config.json'), 'utf8'));
      writeConfig(bundle, { ...config, process: { ...config.process, terminal: false, args: ['sh', '-c', 'umask'] } });
      assert.equal(call('create', '--bundle', bundle, 'c').stderr, '');
      try {
        assert.deepEqual({ '.': modeOf(user.stateRoot), ...modesBelow(user.stateRoot) }, inRoot('c', mask));
      } finally {
        assert.equal(call('delete', '--force', 'c').stderr, '');
      }
      assert.deepEqual(call('run', '--bundle', bundle, 'd'), { status: 0, stdout: '0022\n', stderr: '' });
    });
  }
});
