/** `exec`, by what the kernel shows, and compared with runc. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Process } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { type CommandLine, messageOf, noRunc, RUNCHART, withoutCause } from './command-line.ts';
import { descriptorsOf, proc, statusField } from './containers.ts';
import { textOf } from './gone-meanwhile.ts';
import { lives, until, waiting } from './lives.ts';

describe('exec', { skip: noContainers }, () => {
  const host = lives('exec');
  const { runchart, runc } = host;
  const shared = noContainers ? undefined : host.start();
  const { id = '', pid: init = 0 } = shared ?? {};
  after(() => host.close());

  const exec = (...argv: string[]) => runchart('exec', ...argv);
  const script = (text: string, ...flags: string[]) => exec(...flags, id, 'sh', '-c', text);
  /** A process that runs on its own until the test ends. */
  async function detached(...flags: string[]): Promise<number> {
    const file = join(host.path, 'pid');
    writeFileSync(file, '');
    const { status, stderr } = exec('--detach', '--pid-file', file, ...flags, id, 'sleep', '1000');
    assert.equal(status, 0, stderr);
    const pid = Number(readFileSync(file, 'utf8'));
    await until('the program is executed', () => proc(pid, 'cmdline').startsWith('sleep'));
    return pid;
  }
  /** The pids that exec has started in the container. The container's own shell starts one process after the other. */
  const executed = (): readonly number[] =>
    (JSON.parse(runchart('ps', '-f', 'json', id).stdout) as number[]).filter((pid) => {
      const parent = Number(/^PPid:\t(\d+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? init);
      return pid !== init && parent !== init;
    });
  const nothingIsLeft = () => until('what tests before this one ended is gone', () => executed().length === 0);

  it('ends with the status of its program', () => {
    assert.deepEqual(exec(id, 'echo', 'hello'), { status: 0, stdout: 'hello\n', stderr: '' });
    assert.equal(script('exit 42').status, 42);
    assert.equal(script('kill -9 $$').status, 137);
    assert.deepEqual(script('echo out; echo err >&2; exit 7'), { status: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  it('leaves all behind the name to the program', () => {
    assert.equal(exec(id, 'echo', '-n', '--user', '-d', '--').stdout, '--user -d --');
    assert.equal(exec(id, '--', 'echo', '--').stdout, '--\n');
    assert.equal(exec('--', id, 'echo', '-e').stdout, '\n');
    assert.equal(exec('-e', 'A=1', '--env=A=2', id, 'sh', '-c', 'echo $A $1 $2', 'sh', 'sh', '-c').stdout, '2 sh -c\n');
  });

  it('joins all that the container is confined by', async () => {
    const pid = await detached();
    for (const type of ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup', 'time'])
      assert.equal(readlinkSync(`/proc/${pid}/ns/${type}`), readlinkSync(`/proc/${init}/ns/${type}`), type);
    assert.equal(proc(pid, 'cgroup'), proc(init, 'cgroup'));
    assert.equal(readlinkSync(`/proc/${pid}/root`), '/');
    assert.equal(script('cat /proc/1/cmdline').stdout.startsWith('sh\0-c\0trap'), true);
    assert.match(exec(id, 'mount').stdout, /^\S+ on \/ type/);
    assert.equal(statusField(pid, 'NSpid').split('\t').length, 2);
    for (const field of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp'])
      assert.equal(statusField(pid, field), statusField(init, field), field);
    for (const field of ['SigBlk', 'SigIgn']) assert.equal(statusField(pid, field), '0'.repeat(16), field);
    assert.equal(proc(pid, 'limits'), proc(init, 'limits'));
    process.kill(pid, 'SIGKILL');
  });

  it('has nothing of the host', async () => {
    const secret = openSync('/root', 'r');
    try {
      // They stay open in the runtime: the engine closes none of them.
      const stdio: ('ignore' | number)[] = ['ignore', 'ignore', 'ignore', secret, secret];
      const file = join(host.path, 'pid');
      const argv = ['--root', runchart.root, 'exec', '-d', '--pid-file', file, id, 'sleep', '1000'];
      assert.equal(spawnSync(RUNCHART, argv, { stdio, env: { ...process.env, SECRET: 'yes' } }).status, 0);
      const pid = Number(readFileSync(file, 'utf8'));
      await until('the program is executed', () => proc(pid, 'cmdline').startsWith('sleep'));
      assert.deepEqual([...descriptorsOf(pid).keys()], [0, 1, 2]);
      assert.doesNotMatch(proc(pid, 'environ'), /SECRET|RUNCHART|BUN/);
      assert.equal(readlinkSync(`/proc/${pid}/cwd`), '/');
      process.kill(pid, 'SIGKILL');
      const passed = spawnSync(
        RUNCHART,
        ['--root', runchart.root, 'exec', '--preserve-fds', '1', id, 'ls', '/proc/self/fd'],
        {
          stdio: ['ignore', 'pipe', 'ignore', openSync('/dev/null', 'r'), secret],
          encoding: 'utf8',
        },
      );
      // ls has opened the fourth.
      assert.equal(passed.stdout, '0\n1\n2\n3\n4\n');
    } finally {
      closeSync(secret);
    }
    assert.match(
      messageOf(exec('--preserve-fds', '90', id, 'true')),
      /^exec failed: unable to stat preserved-fd \d+ \(of 90\): descriptor \d+ is not open$/,
    );
  });

  it('takes no working directory by a magic link, and executes no file of the host (CVE-2024-21626, CVE-2019-5736)', () => {
    for (let fd = 0; fd < 20; fd++) {
      const { status, stdout } = exec('--cwd', `/proc/self/fd/${fd}`, id, 'ls');
      assert.deepEqual([status, stdout], [255, ''], String(fd));
    }
    // The runtime's own program, in memory: there is nothing of the host behind it.
    assert.equal(exec(id, '/proc/self/exe').status, 125);
  });

  it('says in words that engines know why it does not come to run, with 255', async () => {
    await nothingIsLeft();
    for (const [argv, message] of [
      [
        ['no-such-program'],
        'unable to start container process: exec: "no-such-program": executable file not found in $PATH',
      ],
      [['/no/such'], 'unable to start container process: exec: "/no/such": stat /no/such: no such file or directory'],
      [['/etc/plain'], 'unable to start container process: exec: "/etc/plain": permission denied'],
      [['/bin/broken'], 'unable to start container process: exec /bin/broken: exec format error'],
      [[], 'exec args cannot be empty'],
    ] as const) {
      mkdirSync(join(shared?.bundle ?? '', 'rootfs/etc'), { recursive: true });
      writeFileSync(join(shared?.bundle ?? '', 'rootfs/etc/plain'), 'x', { mode: 0o644 });
      writeFileSync(join(shared?.bundle ?? '', 'rootfs/bin/broken'), 'x', { mode: 0o755 });
      const failed = exec(id, ...argv);
      assert.equal(withoutCause(messageOf(failed)), `exec failed: ${message}`);
      assert.deepEqual([failed.status, failed.stdout], [255, '']);
    }
    assert.match(messageOf(exec('nosuch', 'true')), /^exec failed: container does not exist: nosuch is not in \//);
    assert.equal(
      messageOf(exec()),

      'runchart: "exec" requires a minimum of 1 argument: CONTAINER-ID (usage: runchart exec [FLAGS] ' +
        'CONTAINER-ID [COMMAND])',
    );
    assert.equal(exec().status, 1);
    assert.equal(messageOf(exec('--cwd', 'x', id, 'true')), 'exec failed: exec: cwd: Cwd must be an absolute path');
    const file = join(host.path, 'no', 'pid');
    assert.match(
      messageOf(exec('--pid-file', file, id, 'touch', '/dev/shm/ran')),
      /^exec failed: write the pid file .*ENOENT/,
    );
    assert.equal(script('test -e /dev/shm/ran').status, 1, 'it has not run');
    assert.equal(exec('-t', '-d', id, 'true').status, 255);
    assert.equal(exec('--console-socket', '/x', id, 'true').status, 255);
    assert.deepEqual(executed(), [], 'nothing is left of them');
  });

  const ABOUT =
    'id; umask; pwd; env | sort; grep -E "^(Cap|Seccomp|NoNewPrivs|Groups|Sig[PBIC])" /proc/self/status; ' +
    'cat /proc/self/limits /proc/self/oom_score_adj; hostname; test -t 0; echo $?';

  describe('beside runc', { skip: noRunc }, () => {
    const config = () => {
      const { process: own, ...rest } = waiting();
      const user = { uid: 0, gid: 0, additionalGids: [7] };
      return { ...rest, process: { ...own, user, env: [...(own.env ?? []), 'FOO=config', 'HOME=/tmp'], cwd: '/bin' } };
    };
    const pair = noRunc || noContainers ? undefined : { ours: host.start(config()), theirs: host.startRunc(config()) };
    const both = (flags: readonly string[], ...argv: string[]) => {
      const one = (by: CommandLine, name = '') => by('exec', ...flags, name, ...argv);
      return [one(runchart, pair?.ours.id), one(runc, pair?.theirs.id)] as const;
    };

    for (const flags of [
      [],
      ['--env', 'A=1', '--env', 'FOO=flag', '--env', 'B=x=y', '--env', 'C='],
      ['--cwd', '/tmp'],
      ['--user', '1000'],
      ['-u', '1000:2000', '-g', '5', '-g=6'],
      ['-c', 'CAP_NET_ADMIN', '-c', 'CAP_SYS_PTRACE'],
      ['--cap', 'CAP_NET_ADMIN', '--user', '1'],
      ['--no-new-privs'],
      ['--no-new-privs=false', '-tty=false'],
      ['-e', 'HOME='],
    ])
      it(`makes the same process of ${flags.join(' ') || 'no flags'}`, () => {
        const [ours, theirs] = both(flags, 'sh', '-c', ABOUT);
        assert.equal(theirs.status, 0, theirs.stderr);
        assert.deepEqual(ours, theirs);
      });

    it('and of a process.json', () => {
      const file = join(host.path, 'process.json');
      const base = { cwd: '/', args: ['sh', '-c', ABOUT], env: ['PATH=/bin', 'X=1'], user: { uid: 3, gid: 4 } };
      for (const more of [
        {},
        { capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] } },
        { noNewPrivileges: true, rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }] },
        { user: { uid: 0, gid: 0, additionalGids: [8, 9] } },
      ] satisfies readonly Partial<Process>[]) {
        writeFileSync(file, JSON.stringify({ ...base, ...more }));
        const [ours, theirs] = both(['--process', file]);
        assert.equal(theirs.status, 0, theirs.stderr);
        assert.deepEqual(ours, theirs, JSON.stringify(more));
      }
    });

    it('has the same errors', () => {
      const bare = (text: string) => withoutCause(text).replace(/ \(E[A-Z]+\)$/, '');
      for (const [flags, ...argv] of [
        [[], 'no-such'],
        [[], '/no/such'],
        [['--cwd', '/nope'], 'true'],
        [['--additional-gids', '-5'], 'true'],
        [['--cgroup', 'a:x', '--cgroup', 'y'], 'true'],
      ] as const) {
        const [ours, theirs] = both(flags, ...argv);
        assert.equal(ours.status, theirs.status);
        // What stands in brackets is runc's own in one case, and our cause in others.
        const [own, its] = [messageOf(ours), messageOf(theirs)];
        assert.equal(own === its ? own : bare(own), its);
      }
    });
  });

  it('runs on its own with --detach', async () => {
    const pid = await detached();
    assert.equal(statusField(pid, 'PPid'), '1');
    process.kill(pid, 'SIGKILL');
    await until('it is gone', () => !existsSync(`/proc/${pid}`));
  });

  it('gets the signals that the command gets', async () => {
    const talking = host.spawn(
      runchart,
      'exec',
      id,
      'sh',
      '-c',
      'trap "echo got; exit 9" TERM; echo on; while :; do sleep 0.05; done',
    );
    await until('it runs', () => talking.output() === 'on\n');
    talking.child.kill('SIGTERM');
    assert.equal(await talking.ended, 9);
    assert.equal(talking.output(), 'on\ngot\n');
  });

  it('reads what the command is given', async () => {
    const talking = host.spawn(runchart, 'exec', id, 'cat');
    talking.child.stdin?.end('a line\n');
    assert.equal(await talking.ended, 0);
    assert.equal(talking.output(), 'a line\n');
  });

  it('waits in a paused container with --ignore-paused, and is refused without', async () => {
    const { id: own } = host.start();
    assert.equal(runchart('pause', own).status, 0);
    assert.equal(
      messageOf(exec(own, 'true')),
      'exec failed: cannot exec in a paused container (use --ignore-paused to override)',
    );
    const talking = host.spawn(runchart, 'exec', '--ignore-paused', own, 'echo', 'at last');
    await setTimeout(500);
    assert.equal(talking.output(), '');
    assert.equal(runchart('resume', own).status, 0);
    assert.equal(await talking.ended, 0);
    assert.equal(talking.output(), 'at last\n');
  });

  it('works before the container is started, and not after it has ended', async () => {
    const own = host.idFor(runchart);
    assert.equal(runchart('create', '--bundle', shared?.bundle ?? '', own).status, 0);
    assert.equal(exec(own, 'echo', 'in').stdout, 'in\n');
    assert.equal(runchart('start', own).status, 0);
    assert.equal(runchart('kill', own, 'KILL').status, 0);
    await until('it has ended', () => JSON.parse(runchart('state', own).stdout).status === 'stopped');
    assert.equal(messageOf(exec(own, 'true')), 'exec failed: cannot exec in a stopped container');
  });

  it('joins the cgroup namespace of an init that has more rights, or is not dumpable', () => {
    const config = waiting();
    const namespaces = [
      ...(config.linux?.namespaces ?? []).filter(({ type }) => type !== 'cgroup'),
      { type: 'cgroup' as const },
    ];
    const withCgroup = { ...config, linux: { ...config.linux, namespaces } };
    const file = join(host.path, 'without-rights.json');
    writeFileSync(file, JSON.stringify({ cwd: '/', args: ['readlink', '/proc/self/ns/cgroup'], env: ['PATH=/bin'] }));
    const { id: running, pid } = host.start(withCgroup);
    assert.deepEqual(exec('--process', file, running), {
      status: 0,
      stdout: `${readlinkSync(`/proc/${pid}/ns/cgroup`)}\n`,
      stderr: '',
    });
    const created = host.idFor(runchart);
    assert.equal(runchart('create', '--bundle', host.bundle(created, withCgroup), created).status, 0);
    const { pid: init } = JSON.parse(runchart('state', created).stdout);
    assert.equal(exec('--process', file, created).stdout, `${readlinkSync(`/proc/${init}/ns/cgroup`)}\n`);
  });

  it('enters the root of a container that was moved over the host’s', () => {
    const own = host.start(waiting(), '--no-pivot');
    assert.equal(exec(own.id, 'ls', '/bin/busybox', '/usr').stdout, '/bin/busybox\n');
  });

  it('joins a cgroup below the container’s', () => {
    assert.match(messageOf(exec('--cgroup', '..', id, 'true')), /bad sub cgroup path: \.\.$/);
    assert.match(messageOf(exec('--cgroup', 'a/../../b', id, 'true')), /bad sub cgroup path/);
    assert.match(messageOf(exec('--cgroup', 'nope', id, 'true')), / adding pid .*no such file or directory$/);
    assert.equal(
      exec('--cgroup', '/', id, 'cat', '/proc/self/cgroup').stdout,
      exec(id, 'cat', '/proc/self/cgroup').stdout,
    );
    const { layout, paths } = JSON.parse(textOf(join(runchart.root, id, 'state.json'))).snapshot.context.cgroup;
    const directory: string | undefined = layout === 'v2' ? paths.unified : paths.pids;
    if (directory === undefined) return;
    mkdirSync(join(directory, 'below'));
    try {
      const given = layout === 'v2' ? 'below' : 'pids:below';
      assert.match(exec('--cgroup', given, id, 'cat', '/proc/self/cgroup').stdout, /:(pids)?:\S*\/below$/m);
      if (layout !== 'v2')
        assert.match(messageOf(exec('--cgroup', 'what:/', id, 'true')), /unknown controller what in SubCgroupPaths$/);
    } finally {
      rmdirSync(join(directory, 'below'));
    }
  });

  it('is under the container’s seccomp filter', () => {
    const base = waiting();
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW' as const,
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' as const, errnoRet: 95 }],
    };
    for (const noNewPrivileges of [true, false]) {
      const own = host.start({
        ...base,
        process: { ...base.process, noNewPrivileges },
        linux: { ...base.linux, seccomp },
      });
      const { status, stdout, stderr } = exec(
        '-u',
        '5',
        own.id,
        'sh',
        '-c',
        'grep ^Seccomp: /proc/self/status; mkdir /dev/shm/x',
      );
      assert.deepEqual([status, stdout], [1, 'Seccomp:\t2\n']);
      assert.match(stderr, /Operation not supported/);
    }
  });

  it('takes many at once', async () => {
    await nothingIsLeft();
    const all = Array.from({ length: 12 }, (_, i) =>
      host.spawn(runchart, 'exec', id, 'sh', '-c', `echo ${i}; exit ${i}`),
    );
    assert.deepEqual(
      await Promise.all(all.map((one) => one.ended)),
      all.map((_, i) => i),
      all.map((one) => one.errors()).join(''),
    );
    assert.deepEqual(
      all.map((one) => one.output()),
      all.map((_, i) => `${i}\n`),
    );
    assert.deepEqual(executed(), []);
  });

  it('leaves no trace in the record', () => {
    const file = join(runchart.root, id, 'state.json');
    const before = textOf(file);
    exec(id, 'true');
    exec(id, 'nope');
    assert.equal(textOf(file), before);
  });

  it('keeps what systemd passed to the container’s first process to that', () => {
    const config = shellConfig('while :; do sleep 0.05; done');
    const own = host.start({
      ...config,
      process: { ...config.process, env: ['PATH=/bin', 'LISTEN_FDS=1', 'LISTEN_PID=1'] },
    });
    assert.doesNotMatch(exec(own.id, 'env').stdout, /LISTEN/);
  });
});
