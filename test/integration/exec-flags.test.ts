/** Each flag of `exec`, as the kernel shows the process that it makes. What runc makes of them is compared in exec.test.ts. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { CAPABILITIES } from '../../native/constants/process.ts';
import type { Process } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { messageOf, RUNCHART } from './command-line.ts';
import { descriptorsOf, proc, statusField } from './containers.ts';
import { textOf } from './gone-meanwhile.ts';
import { listenAt } from './listening-socket.ts';
import { lives, until } from './lives.ts';

describe('flags of exec', { skip: noContainers }, () => {
  const host = lives('exec-flags');
  const { runchart } = host;
  const config = shellConfig('');
  const bounding = ['CAP_KILL', 'CAP_AUDIT_WRITE', 'CAP_NET_BIND_SERVICE'];
  const shared = noContainers
    ? undefined
    : host.start({
        ...config,
        process: {
          ...config.process,
          args: ['sleep', '1000'],
          user: { uid: 1, gid: 2, additionalGids: [3], umask: 0o027 },
          env: ['PATH=/bin', 'A=config'],
          noNewPrivileges: false,
          capabilities: { bounding, permitted: bounding, effective: bounding, inheritable: [] },
        },
      });
  const { id = '', pid: init = 0 } = shared ?? {};
  after(() => host.close());

  /** A process that sleeps, made with these flags, while something looks at it. */
  async function looking(
    flags: readonly string[],
    look: (pid: number) => void | Promise<void>,
    program = ['sleep', '1001'],
  ) {
    const file = join(host.path, 'looked-at');
    const { status, stderr } = runchart('exec', '--detach', '--pid-file', file, ...flags, id, ...program);
    assert.equal(status, 0, stderr);
    const pid = Number(readFileSync(file, 'utf8'));
    try {
      await until('the program is executed', () => proc(pid, 'comm') === 'sleep\n');
      await look(pid);
    } finally {
      process.kill(pid, 'SIGKILL');
    }
    await until('it is gone', () => !/^State:\t[^Z]/m.test(textOf(`/proc/${pid}/status`)));
  }

  const set = (...names: readonly string[]): string =>
    names
      .reduce((bits, name) => bits | (1n << BigInt((CAPABILITIES as readonly string[]).indexOf(name))), 0n)
      .toString(16)
      .padStart(16, '0');
  const four = (one: number) => Array(4).fill(one).join('\t');
  const variables = (pid: number) => proc(pid, 'environ').split('\0').filter(Boolean).toSorted();

  it('none: what config.json gives the first process', () =>
    looking([], (pid) => {
      for (const field of [
        'Uid',
        'Gid',
        'Groups',
        'Umask',
        'CapPrm',
        'CapEff',
        'CapBnd',
        'CapInh',
        'CapAmb',
        'NoNewPrivs',
      ])
        assert.equal(statusField(pid, field), statusField(init, field), field);
      assert.equal(statusField(pid, 'Umask'), '0027');
      assert.deepEqual(variables(pid), variables(init));
      assert.equal(readlinkSync(`/proc/${pid}/cwd`), readlinkSync(`/proc/${init}/cwd`));
    }));

  it('--user UID: the group stays', () =>
    looking(['--user', '1000'], (pid) => {
      assert.deepEqual([statusField(pid, 'Uid'), statusField(pid, 'Gid')], [four(1000), four(2)]);
      assert.equal(statusField(pid, 'Groups'), '3');
    }));

  it('--user UID:GID, --additional-gids', () =>
    looking(['-u', '1000:1001', '-g', '7', '--additional-gids', '5'], (pid) => {
      assert.deepEqual([statusField(pid, 'Uid'), statusField(pid, 'Gid')], [four(1000), four(1001)]);
      assert.equal(statusField(pid, 'Groups'), '3 5 7');
    }));

  it('a flag that is no number is an error of the command line', () => {
    for (const flag of ['additional-gids', 'preserve-fds']) {
      const ended = runchart('exec', `--${flag}`, 'x', id, 'true');
      assert.equal(ended.status, 1);
      assert.equal(messageOf(ended), `invalid value "x" for flag -${flag}: parse error`);
    }
  });

  it('--env: the last of a name counts, HOME is the user’s', () =>
    looking(['-e', 'A=1', '--env', 'B=x=y', '-e', 'A=2', '-e', 'C='], (pid) =>
      assert.deepEqual(variables(pid), ['A=2', 'B=x=y', 'C=', 'HOME=/', 'PATH=/bin']),
    ));

  it('--cwd', () =>
    looking(['--cwd', '/proc/self'], (pid) => assert.match(readlinkSync(`/proc/${pid}/cwd`), /^\/proc\/\d+$|^\/\d+$/)));

  it('--cap: in the bounding, permitted and effective set, and ambient where some are inheritable', () =>
    looking(['--cap', 'CAP_SYS_PTRACE', '-c', 'CAP_CHOWN', '--user', '0'], (pid) => {
      const all = set(...bounding, 'CAP_SYS_PTRACE', 'CAP_CHOWN');
      for (const field of ['CapBnd', 'CapPrm', 'CapEff']) assert.equal(statusField(pid, field), all, field);
    }));

  it('--cap of an unprivileged user: kept beyond execve only where ambient', async () => {
    const file = join(host.path, 'process.json');
    const own = ['CAP_KILL'];
    const capabilities = { bounding: own, permitted: own, effective: own, inheritable: own, ambient: own };
    writeFileSync(
      file,
      JSON.stringify({ cwd: '/', args: ['sleep', '1001'], env: ['PATH=/bin'], user: { uid: 9, gid: 9 }, capabilities }),
    );
    await looking(
      ['--process', file],
      (pid) => {
        for (const field of ['CapBnd', 'CapPrm', 'CapEff', 'CapInh', 'CapAmb'])
          assert.equal(statusField(pid, field), set('CAP_KILL'), field);
      },
      [],
    );
    await looking(['-c', 'CAP_CHOWN'], (pid) => {
      assert.equal(statusField(pid, 'CapEff'), set());
      assert.equal(statusField(pid, 'CapBnd'), set(...bounding, 'CAP_CHOWN'));
    });
  });

  it('--no-new-privs, and its opposite', async () => {
    await looking(['--no-new-privs'], (pid) => assert.equal(statusField(pid, 'NoNewPrivs'), '1'));
    await looking(['--no-new-privs=false'], (pid) => assert.equal(statusField(pid, 'NoNewPrivs'), '0'));
  });

  it('--process: all that a process.json says, and nothing of the flags', async () => {
    const file = join(host.path, 'process.json');
    const described: Process = {
      cwd: '/bin',
      args: ['sleep', '1001'],
      env: ['PATH=/bin', 'X=1'],
      user: { uid: 11, gid: 12, additionalGids: [13], umask: 0o077 },
      noNewPrivileges: true,
      oomScoreAdj: 321,
      rlimits: [{ type: 'RLIMIT_NPROC', soft: 100, hard: 200 }],
      capabilities: { bounding: ['CAP_KILL'] },
    };
    writeFileSync(file, JSON.stringify(described));
    await looking(
      ['-p', file, '--user', '99', '-e', 'Y=1'],
      (pid) => {
        assert.deepEqual([statusField(pid, 'Uid'), statusField(pid, 'Gid')], [four(11), four(12)]);
        assert.deepEqual([statusField(pid, 'Groups'), statusField(pid, 'Umask')], ['13', '0077']);
        assert.equal(statusField(pid, 'CapBnd'), set('CAP_KILL'));
        assert.equal(statusField(pid, 'NoNewPrivs'), '1');
        assert.match(proc(pid, 'limits'), /^Max processes +100 +200 /m);
        assert.equal(proc(pid, 'oom_score_adj'), '321\n');
        assert.match(readlinkSync(`/proc/${pid}/cwd`), /\/bin$/);
        assert.deepEqual(variables(pid), ['HOME=/', 'PATH=/bin', 'X=1']);
      },
      [],
    );
    writeFileSync(file, '{"cwd": "/", "args": 3}');
    assert.match(messageOf(runchart('exec', '-p', file, id)), /^exec failed: .*process\.json: args: /);
    assert.match(
      messageOf(runchart('exec', '-p', `${file}.no`, id)),
      /^exec failed: open .*process\.json\.no: .*no such file/,
    );
  });

  it('--process with a limit that cannot be set: the words are those of the limit, and no process is left', () => {
    const file = join(host.path, 'process.json');
    const before = proc(init, 'cgroup');
    const described: Process = {
      cwd: '/nope',
      args: ['sleep', '1001'],
      env: ['PATH=/bin'],
      user: { uid: 0, gid: 0 },
      // More than fs.nr_open can be.
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 2 ** 40, hard: 2 ** 40 }],
    };
    writeFileSync(file, JSON.stringify(described));
    assert.match(
      messageOf(runchart('exec', '-p', file, id)),
      /^exec failed: unable to start container process: error setting rlimit type 7: .*EPERM/,
    );
    const members = readdirSync('/proc').filter((name) => {
      try {
        return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cgroup`, 'utf8') === before;
      } catch {
        return false; // it ended while we looked
      }
    });
    assert.deepEqual(members, [String(init)]);
  });

  it('--process with a terminal of its own size, sent to --console-socket', async () => {
    const file = join(host.path, 'process.json');
    const console = listenAt(join(host.path, 'console'));
    const described = {
      cwd: '/',
      args: ['sleep', '1001'],
      env: ['PATH=/bin'],
      terminal: true,
      consoleSize: { height: 33, width: 77 },
    };
    writeFileSync(file, JSON.stringify(described));
    await looking(
      ['--process', file, '--console-socket', console.path],
      (pid) => {
        const { fd, data } = console.receive();
        assert.equal(data, '/dev/ptmx');
        for (const one of [0, 1, 2]) assert.match(readlinkSync(`/proc/${pid}/fd/${one}`), /^\/dev\/pts\/\d+$/);
        assert.equal(
          spawnSync('stty', ['size'], { stdio: [fd, 'pipe', 'inherit'], encoding: 'utf8' }).stdout,
          '33 77\n',
        );
        closeSync(fd);
      },
      [],
    );
    console.close();
  });

  it('--preserve-fds: these and no others, as they are', () => {
    const file = join(host.path, 'preserved');
    writeFileSync(file, 'content');
    const fd = openSync(file, 'r');
    const argv = [
      '--root',
      runchart.root,
      'exec',
      '--preserve-fds',
      '2',
      id,
      'sh',
      '-c',
      'cat <&4; echo; ls /proc/self/fd',
    ];
    const { stdout, status } = spawnSync(RUNCHART, argv, {
      stdio: ['ignore', 'pipe', 'inherit', fd, fd, fd],
      encoding: 'utf8',
    });
    closeSync(fd);
    // The sixth is of ls itself.
    assert.deepEqual([status, stdout], [0, 'content\n0\n1\n2\n3\n4\n5\n']);
  });

  it('--detach leaves it without a parent here, --pid-file names it as the host sees it', () =>
    looking([], (pid) => {
      assert.equal(statusField(pid, 'NSpid').split('\t')[0], String(pid));
      assert.deepEqual([...descriptorsOf(pid).keys()], [0, 1, 2]);
      assert.equal(statusField(pid, 'PPid'), '1');
    }));

  it('--pid-file and the sockets are found from where the command is called', () => {
    const pidfds = listenAt(join(host.path, 'pidfds'));
    const { status, stderr } = runchart.with(
      { cwd: host.path },
      'exec',
      '-d',
      '--pid-file',
      'relative',
      '--pidfd-socket',
      'pidfds',
      id,
      'sleep',
      '1001',
    );
    assert.equal(status, 0, stderr);
    const pid = readFileSync(join(host.path, 'relative'), 'utf8');
    const { fd, data } = pidfds.receive();
    assert.equal(data, 'setns');
    assert.match(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), new RegExp(`^Pid:\\t${pid}$`, 'm'));
    process.kill(Number(pid), 'SIGKILL');
    closeSync(fd);
    pidfds.close();
  });

  it('--cgroup: of some v1 controllers, each its own, and the rest stay', async (t) => {
    const record = JSON.parse(readFileSync(join(runchart.root, id, 'state.json'), 'utf8')).snapshot.context;
    const { layout, paths } = record.cgroup;
    if (layout === 'v2') return t.skip('this host is v2: the other forms are tested there');
    const made = [join(paths.cpu, 'a'), join(paths.pids, 'a'), join(paths.memory, 'b'), join(paths.memory, 'b/c')];
    for (const directory of made) mkdirSync(directory);
    try {
      await looking(['--cgroup', 'cpu,pids:a', '--cgroup', 'memory:/b/c'], (pid) => {
        const mine = new Map(
          proc(pid, 'cgroup')
            .trim()
            .split('\n')
            .map((line) => line.split(':').slice(1) as [string, string]),
        );
        const of = new Map(
          proc(init, 'cgroup')
            .trim()
            .split('\n')
            .map((line) => line.split(':').slice(1) as [string, string]),
        );
        for (const [controller, path] of of) {
          const below = { cpu: '/a', pids: '/a', memory: '/b/c' }[controller] ?? '';
          assert.equal(mine.get(controller), `${path}${below}`, controller);
        }
      });
    } finally {
      for (const directory of made.toReversed()) await until('it is empty', () => tryRemove(directory));
    }
    for (const [given, reason] of [
      [['cpu:a', 'cpu:b'], 'invalid --cgroup argument(s): controller cpu specified multiple times'],
      [['a', 'cpu:b'], 'invalid --cgroup argument: a (missing <controller>: prefix)'],
      [[':a'], 'invalid --cgroup argument: :a (empty <controller> prefix)'],
      [['cpu,:a'], 'invalid --cgroup argument: cpu,:a (empty <controller> prefix)'],
    ] as const)
      assert.match(
        messageOf(runchart('exec', ...given.flatMap((one) => ['--cgroup', one]), id, 'true')),
        new RegExp(`${reason.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`),
      );
  });

  function tryRemove(directory: string): boolean {
    try {
      rmdirSync(directory);
      return true;
    } catch {
      return false;
    }
  }
});
