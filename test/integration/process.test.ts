/** Identity, capabilities, limits, environment and descriptors of the container's process. */

import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fcntl } from '../../native/calls/files.ts';
import { F } from '../../native/constants/files.ts';
import { CAPABILITIES } from '../../native/constants/process.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { RLIMITS } from '../../spec/rules/process.ts';
import type { Config } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { containers, descriptorsOf, proc, type ShellConfig, statusField } from './containers.ts';

const skip = noContainers;
const host = containers('process');
after(() => host.close());

function withProcess(script: string, process: Partial<NonNullable<Config['process']>>): ShellConfig {
  const config = shellConfig(script);
  return { ...config, process: { ...config.process, ...process } };
}

/** A program that ends when its standard input does. Until then the test looks at what the kernel shows of it. */
async function running(
  name: string,
  process: Partial<NonNullable<Config['process']>>,
  prepare?: (rootfs: string) => void,
) {
  const config = withProcess('', { args: ['sleep', '1000'], ...process });
  const created = await host.create(name, config, prepare === undefined ? {} : { prepare });
  await created.container.start();
  return created;
}

/** Device and inode: whether two paths are one file. */
function identity(path: string): string {
  const { dev, ino } = statSync(path);
  return `${dev}:${ino}`;
}

const bits = (...names: readonly string[]): string =>
  names
    .reduce((set, name) => set | (1n << BigInt((CAPABILITIES as readonly string[]).indexOf(name))), 0n)
    .toString(16)
    .padStart(16, '0');

test('the five capability sets are those of the config, each its own', { skip }, async () => {
  const sets = {
    bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID', 'CAP_SYSLOG'],
    permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'],
    inheritable: ['CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID'],
    effective: ['CAP_CHOWN'],
    ambient: ['CAP_NET_BIND_SERVICE'],
  };
  // A user other than root, without no_new_privs: execve(2) gives root its permitted set anew.
  await using created = await running('capabilities', {
    user: { uid: 1000, gid: 1000 },
    capabilities: sets,
    noNewPrivileges: false,
  });
  const { pid } = created;
  assert.equal(statusField(pid, 'CapBnd'), bits(...sets.bounding));
  assert.equal(statusField(pid, 'CapInh'), bits('CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID'));
  assert.equal(statusField(pid, 'CapAmb'), bits('CAP_NET_BIND_SERVICE'));
  // capabilities(7), execve: P' = (P inheritable & F) | (F & bounding) | ambient, and effective is ambient.
  assert.equal(statusField(pid, 'CapPrm'), bits('CAP_NET_BIND_SERVICE'));
  assert.equal(statusField(pid, 'CapEff'), bits('CAP_NET_BIND_SERVICE'));
});

test('root has its bounding set, and nothing is inheritable or ambient by default', { skip }, async () => {
  const { process } = shellConfig('');
  await using created = await running('root', {});
  const expected = bits(...(process.capabilities?.bounding ?? []));
  for (const field of ['CapBnd', 'CapPrm', 'CapEff']) assert.equal(statusField(created.pid, field), expected, field);
  for (const field of ['CapInh', 'CapAmb']) assert.equal(statusField(created.pid, field), bits(), field);
});

test('no capability at all is left by empty sets, not even in the bounding set', { skip }, async () => {
  await using created = await running('none', { capabilities: {} });
  for (const field of ['CapBnd', 'CapPrm', 'CapEff', 'CapInh', 'CapAmb'])
    assert.equal(statusField(created.pid, field), bits(), field);
});

test('a config without capabilities gives none', { skip }, async () => {
  const { capabilities: _, ...process } = shellConfig('exec sleep 1000').process;
  await using created = await host.create('absent', { ...shellConfig(''), process });
  await created.container.start();
  for (const field of ['CapBnd', 'CapPrm', 'CapEff', 'CapInh', 'CapAmb'])
    assert.equal(statusField(created.pid, field), bits(), field);
});

test('a capability that no kernel knows is left out', { skip }, async () => {
  await using created = await running('unknown', { capabilities: { bounding: ['CAP_KILL', 'CAP_OF_TOMORROW'] } });
  assert.equal(statusField(created.pid, 'CapBnd'), bits('CAP_KILL'));
  assert.deepEqual(host.takeWarnings(), ['ignoring unknown or unavailable capabilities: [CAP_OF_TOMORROW]']);
});

test('ambient capabilities that cannot be raised are told, and left out', { skip }, async () => {
  const all = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW'];
  const capabilities = {
    bounding: all,
    permitted: ['CAP_CHOWN', 'CAP_KILL'],
    inheritable: ['CAP_KILL', 'CAP_NET_RAW'],
    ambient: all,
  };
  await using created = await running('ambient', { user: { uid: 1000, gid: 1000 }, capabilities });
  assert.equal(statusField(created.pid, 'CapAmb'), bits('CAP_KILL'));
  assert.deepEqual(
    host.takeWarnings(),
    ['CAP_CHOWN', 'CAP_NET_RAW'].map((name) => `can't raise ambient capability ${name}: operation not permitted`),
  );
});

test('no_new_privs is set or not as the config says', { skip }, async () => {
  await using yes = await running('privileges', { noNewPrivileges: true });
  await using no = await running('privileges', { noNewPrivileges: false });
  assert.equal(statusField(yes.pid, 'NoNewPrivs'), '1');
  assert.equal(statusField(no.pid, 'NoNewPrivs'), '0');
});

test('the user has its ids, additional groups and umask', { skip }, async () => {
  await using created = await running('user', {
    user: { uid: 1234, gid: 2345, additionalGids: [10, 4_000_000_000, 10], umask: 0o027 },
  });
  const { pid } = created;
  assert.equal(statusField(pid, 'Uid'), '1234\t1234\t1234\t1234');
  assert.equal(statusField(pid, 'Gid'), '2345\t2345\t2345\t2345');
  assert.equal(statusField(pid, 'Groups'), '10 4000000000');
  assert.equal(statusField(pid, 'Umask'), '0027');
});

test('without groups or umask there are no groups, and 022', { skip }, async () => {
  await using created = await running('plain', {});
  assert.equal(statusField(created.pid, 'Groups'), '');
  assert.equal(statusField(created.pid, 'Umask'), '0022');
});

test('a user other than root can write to its standard output, and keeps no capability', { skip }, async () => {
  const config = withProcess('id -u; id -g; cat /proc/self/status | grep CapEff; chown 0 /tmp', {
    user: { uid: 1000, gid: 1000 },
  });
  const { output } = await host.run('unprivileged', config);
  assert.match(output, /^1000\n1000\nCapEff:\t0000000000000000\nchown: .*\n$/);
});

/** The names in /proc/PID/limits, with a value of its own for each. None is above what this test has itself. */
const LIMITS: Readonly<Record<string, readonly [name: string, soft: number, hard: number]>> = {
  RLIMIT_AS: ['Max address space', 3 * 2 ** 30, 2 ** 40 + 4096],
  RLIMIT_CORE: ['Max core file size', 0, 4096],
  RLIMIT_CPU: ['Max cpu time', 3600, 7200],
  RLIMIT_DATA: ['Max data size', 2 ** 32, 2 ** 33],
  RLIMIT_FSIZE: ['Max file size', 1 << 20, 2 << 20],
  RLIMIT_LOCKS: ['Max file locks', 21, 22],
  RLIMIT_MEMLOCK: ['Max locked memory', 4096, 65536],
  RLIMIT_MSGQUEUE: ['Max msgqueue size', 4096, 8192],
  RLIMIT_NICE: ['Max nice priority', 0, 0],
  RLIMIT_NOFILE: ['Max open files', 100, 200],
  RLIMIT_NPROC: ['Max processes', 500, 600],
  RLIMIT_RSS: ['Max resident set', 1 << 28, 1 << 29],
  RLIMIT_RTPRIO: ['Max realtime priority', 0, 0],
  RLIMIT_RTTIME: ['Max realtime timeout', 1000, 2000],
  RLIMIT_SIGPENDING: ['Max pending signals', 300, 400],
  RLIMIT_STACK: ['Max stack size', 4 << 20, 64 << 20],
};

test('limits of every kind are those of the config', { skip }, async () => {
  assert.deepEqual(Object.keys(LIMITS), [...RLIMITS]);
  const rlimits = Object.entries(LIMITS).map(([type, [, soft, hard]]) => ({ type, soft, hard }));
  await using created = await running('limits', { rlimits });
  const limits = proc(created.pid, 'limits');
  for (const [name, soft, hard] of Object.values(LIMITS))
    assert.match(limits, new RegExp(`^${name} +${soft} +${hard} `, 'm'));
});

test('a limit may be unlimited', { skip }, async () => {
  const unlimited = 18_446_744_073_709_551_615n;
  await using created = await running('infinite', {
    rlimits: [{ type: 'RLIMIT_FSIZE', soft: unlimited, hard: unlimited }],
  });
  assert.match(proc(created.pid, 'limits'), /^Max file size +unlimited +unlimited /m);
});

test('what the config does not limit is as it was for the creating process', { skip }, async () => {
  await using created = await running('unlimited', { rlimits: [] });
  const relevant = (text: string) => text.split('\n').filter((line) => !line.startsWith('Max open files'));
  assert.deepEqual(relevant(proc(created.pid, 'limits')), relevant(readFileSync('/proc/self/limits', 'utf8')));
});

test('the environment is the config’s and no more; a later entry wins', { skip }, async () => {
  await using created = await running('environment', {
    env: ['PATH=/bin', 'A=1', 'B=2', 'A=3', 'EMPTY=', 'HOME=/tmp'],
  });
  assert.deepEqual(proc(created.pid, 'environ').split('\0').filter(Boolean).toSorted(), [
    'A=3',
    'B=2',
    'EMPTY=',
    'HOME=/tmp',
    'PATH=/bin',
  ]);
});

test('the arguments are the program’s, byte for byte', { skip }, async () => {
  const args = ['/bin/sh', '-c', 'exec sleep 1000', '', ' a  b ', 'ünï\ncode', '-'];
  await using created = await running('arguments', {
    args: ['/bin/busybox', 'sh', '-c', 'sleep 1000; :', ...args],
  });
  assert.deepEqual(proc(created.pid, 'cmdline').split('\0').slice(4), [...args, '']);
});

test('what is for other systems has no effect', { skip }, async () => {
  const config = withProcess('id -un; id -u', {
    user: { uid: 0, gid: 0, username: 'ContainerUser' },
    commandLine: 'cmd /c dir',
  });
  const freebsd = {
    jail: { host: 'new' as const, allow: { mount: ['tmpfs'] } },
    devices: [{ path: 'x', mode: 0o600 }],
  };
  const prepare = (rootfs: string) => writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n');
  assert.equal((await host.run('others', { ...config, freebsd }, { prepare })).output, 'root\n0\n');
});

test('HOME comes from the container’s passwd, and is / where it does not say', { skip }, async () => {
  const passwd = (rootfs: string) =>
    writeFileSync(
      join(rootfs, 'etc/passwd'),
      'root:x:0:0::/root:/bin/sh\n#x\nu:x:1000:1000::/home/u:/bin/sh\nbad line\n',
    );
  const homes = { 0: '/root', 1000: '/home/u', 2000: '/' };
  for (const [uid, home] of Object.entries(homes)) {
    const user = { uid: Number(uid), gid: 0 };
    const config = withProcess('echo $HOME', { env: ['PATH=/bin'], user });
    assert.equal((await host.run('home', config, { prepare: passwd })).output, `${home}\n`, `of ${uid}`);
  }
  await using created = await running('home', { env: ['PATH=/bin', 'HOME='] }, passwd);
  assert.match(proc(created.pid, 'environ'), /HOME=\/root/, 'an empty one is none');
});

test('HOME is found however many users there are before', { skip }, async () => {
  const users = Array.from({ length: 40_000 }, (_, i) => `user${i}:x:${i + 10}:100:Ünicode ${i}:/home/${i}:/bin/sh\n`);
  const passwd = (rootfs: string) => writeFileSync(join(rootfs, 'etc/passwd'), users.join(''));
  assert.ok(users.join('').length > 1 << 20);
  for (const [uid, home] of [
    [10, '/home/0'],
    [2500, '/home/2490'],
    [40_009, '/home/39999'],
    [50_000, '/'],
  ] as const) {
    const config = withProcess('echo $HOME', { env: ['PATH=/bin'], user: { uid, gid: 0 } });
    assert.equal((await host.run('many', config, { prepare: passwd })).output, `${home}\n`);
  }
});

test('the working directory is entered, and made where it is missing', { skip }, async () => {
  const config = withProcess('pwd; stat -c "%F %a %u" .', { cwd: '/made/by/us' });
  for (const readonly of [false, true]) {
    const { output } = await host.run(`cwd-${readonly}`, { ...config, root: { path: 'rootfs', readonly } });
    assert.equal(output, '/made/by/us\ndirectory 755 0\n');
  }
  await using created = await running('cwd', { cwd: '/tmp' });
  assert.equal(identity(`/proc/${created.pid}/cwd`), identity(join(created.bundle, 'rootfs/tmp')));
});

test('a working directory that only its user may enter is entered as that user', { skip }, async () => {
  const config = withProcess('pwd', { cwd: '/tmp/own', user: { uid: 1000, gid: 1000 } });
  const { output } = await host.run('own', config, {
    prepare(rootfs) {
      mkdirSync(join(rootfs, 'tmp/own'), { mode: 0o700 });
      chownSync(join(rootfs, 'tmp/own'), 1000, 1000);
    },
  });
  assert.equal(output, '/tmp/own\n');
});

test('a user who may pass over permissions executes what only root may', { skip }, async () => {
  const prepare = (rootfs: string) => {
    chmodSync(join(rootfs, 'bin/busybox'), 0o700);
    chmodSync(join(rootfs, 'bin'), 0o700);
  };
  const process = { args: ['/bin/sh', '-c', 'id -u'], user: { uid: 1000, gid: 1000 } };
  await assert.rejects(host.run('denied', withProcess('', { ...process, capabilities: {} }), { prepare }), {
    message: 'unable to start container process: exec: "/bin/sh": stat /bin/sh: permission denied',
  });
  const own = ['CAP_DAC_OVERRIDE'];
  const capabilities = { bounding: own, effective: own, permitted: own, inheritable: own, ambient: own };
  const { output } = await host.run('passing', withProcess('', { ...process, capabilities }), { prepare });
  assert.equal(output, '1000\n');
});

test('a program that the kernel does not execute is told by start, in the words of runc', { skip }, async () => {
  const config = withProcess('', { args: ['/run.sh'] });
  const prepare = (rootfs: string) => writeFileSync(join(rootfs, 'run.sh'), '#!/not/there foo\n', { mode: 0o755 });
  await assert.rejects(host.run('interpreter', config, { prepare }), {
    message: 'exec /run.sh: no such file or directory',
  });
});

test('the process has the personality and the oom score of the config', { skip }, async () => {
  for (const [domain, shown] of [
    ['LINUX32', '00000008'],
    ['LINUX', '00000000'],
  ] as const)
    for (const oomScoreAdj of [321, 1000]) {
      const config = withProcess('cat /proc/self/personality /proc/self/oom_score_adj', { oomScoreAdj });
      const linux = { ...config.linux, personality: { domain } };
      assert.equal((await host.run('domain', { ...config, linux })).output, `${shown}\n${oomScoreAdj}\n`);
    }
});

test('signals begin with their defaults, none blocked', { skip }, async () => {
  await using created = await running('signals', {});
  for (const field of ['SigBlk', 'SigIgn', 'SigCgt', 'SigPnd', 'ShdPnd'])
    assert.equal(statusField(created.pid, field), '0000000000000000', field);
});

test('no descriptor of the creating process leaks, however it was opened', { skip }, async () => {
  // Node opens with close-on-exec; a dup2 by a C program, or an inherited descriptor, has it not.
  const leaky = openSync('/etc', 'r');
  hostPlatform().local.submit([fcntl(leaky, F.SETFD, 0)]);
  try {
    assert.doesNotMatch(readFileSync(`/proc/self/fdinfo/${leaky}`, 'utf8'), /flags:\t0?2\d{6}/, 'it is inheritable');
    await using created = await host.create('leak', shellConfig('ls /proc/self/fd | wc -l'));
    const before = descriptorsOf(created.pid);
    assert.deepEqual(
      [...before.values()].filter((target) => !/^(socket:|\/dev\/null$)/.test(target) && !target.endsWith('.output')),
      [],
      'the waiting init has standard descriptors and sockets only',
    );
    assert.deepEqual(
      [...before.keys()].filter((fd) => fd > 4),
      [],
    );
    assert.equal(await created.finish(), 0);
    // 0, 1, 2, and the one by which ls reads the directory.
    assert.equal(created.output(), '4\n');
  } finally {
    closeSync(leaky);
  }
});

test('the waiting init leads nowhere: no host directory, root or program is reached through it', { skip }, async () => {
  await using created = await host.create('nowhere', shellConfig(''));
  const { pid } = created;
  for (const link of ['root', 'cwd'])
    assert.equal(identity(`/proc/${pid}/${link}`), identity(join(created.bundle, 'rootfs')), link);
  assert.equal(readlinkSync(`/proc/${pid}/exe`), '/memfd:runchart-init (deleted)');
  assert.equal(statSync(`/proc/${pid}/mem`).uid, 0);
  assert.equal(proc(pid, 'environ'), '');
});

test('a created container has less than 100 kB of memory of its own', { skip }, async (t) => {
  await using created = await host.create('memory', shellConfig(''));
  const pss = /^Pss: +(\d+) kB/m.exec(proc(created.pid, 'smaps_rollup'))?.[1];
  t.diagnostic(`Pss ${pss} kB`);
  assert.ok(Number(pss) < 100, `Pss is ${pss} kB`);
  assert.equal(statusField(created.pid, 'Threads'), '1');
});

test('a process that is asked for a keyring has one, of its container', { skip }, async (t) => {
  if (!readFileSync('/proc/keys', 'utf8').includes('keyring')) return t.skip('this kernel has no keyrings');
  const config = shellConfig('cat /proc/keys');
  const unmasked = { ...config, linux: { ...config.linux, maskedPaths: [] } };
  await using created = await host.create('keyring', unmasked);
  assert.equal(await created.finish(), 0);
  assert.match(created.output(), new RegExp(` 3f1b0000 +0 +0 keyring +_ses\\.${created.id}: empty`));
  await using without = await host.create('keyring', unmasked, { noNewKeyring: true });
  assert.equal(await without.finish(), 0);
  assert.doesNotMatch(without.output(), new RegExp(without.id));
});
