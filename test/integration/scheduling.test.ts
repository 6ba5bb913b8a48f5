/** When and where processes run: scheduler, I/O priority, affinity and memory policy, as the kernel sees them. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Config, MemoryPolicy, Process } from '../../spec/types.ts';
import { noContainers } from './bundle.ts';
import { messageOf, RUNCHART } from './command-line.ts';
import { proc, statusField } from './containers.ts';
import { lives, resting, until } from './lives.ts';

const noNuma = existsSync('/proc/self/numa_maps') ? false : 'this kernel knows nothing of NUMA';
const oneCpu = availableParallelism() > 1 ? false : 'there is one CPU only';
/** What util-linux's chrt shows: the policy with its flags, the priority, and the values of a deadline. */
const chrt = (pid: number): string => execFileSync('chrt', ['-p', String(pid)], { encoding: 'utf8' });
const ionice = (pid: number): string => execFileSync('ionice', ['-p', String(pid)], { encoding: 'utf8' }).trim();
const niceOf = (pid: number): number => Number(proc(pid, 'stat').split(') ')[1]?.split(' ')[16]);
/** Where realtime is rationed among v1 cgroups, a new one has none. */
const realtime: NonNullable<Config['linux']>['resources'] = existsSync('/sys/fs/cgroup/cpu/cpu.rt_runtime_us')
  ? { cpu: { realtimePeriod: 1_000_000, realtimeRuntime: 10_000 } }
  : {};
const allCpus = statusField(process.pid, 'Cpus_allowed_list');

describe('scheduling', { skip: noContainers }, () => {
  const host = lives('scheduling');
  const { runchart } = host;
  after(() => host.close());

  function configWith(process: Partial<Process>, linux: Config['linux'] = {}): ReturnType<typeof resting> {
    const config = resting();
    return { ...config, process: { ...config.process, ...process }, linux: { ...config.linux, ...linux } };
  }

  /** A process of `exec`, by a process.json that says this, and what every process.json must say. */
  async function execute(id: string, asked: Partial<Process> = {}): Promise<number> {
    const [file, pidFile] = [join(host.path, 'process.json'), join(host.path, 'pid')];
    writeFileSync(file, JSON.stringify({ args: ['/bin/sleep', '1000'], cwd: '/', ...asked }));
    const { status, stderr } = runchart('exec', '--detach', '--pid-file', pidFile, '--process', file, id);
    assert.equal(status, 0, stderr);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await until('the program is executed', () => proc(pid, 'cmdline').startsWith('/bin/sleep'));
    return pid;
  }

  /** Nothing is left of a container that was refused. */
  function refused(config: Config, message: RegExp): void {
    const id = host.idFor(runchart);
    const ended = runchart('run', '--bundle', host.bundle(id, config), id);
    assert.notEqual(ended.status, 0);
    assert.match(messageOf(ended), message);
    assert.match(messageOf(runchart('state', id)), /does not exist/);
  }

  it('follows the policy of config.json, and that of a process.json before it', async () => {
    const { id, pid } = host.start(configWith({ scheduler: { policy: 'SCHED_BATCH', nice: 11 } }));
    assert.match(chrt(pid), /policy: SCHED_BATCH\n.*priority: 0\n/);
    assert.equal(niceOf(pid), 11);
    const same = await execute(id);
    assert.match(chrt(same), /policy: SCHED_BATCH\n/);
    assert.equal(niceOf(same), 11);
    const idle = await execute(id, { scheduler: { policy: 'SCHED_IDLE' } });
    assert.match(chrt(idle), /policy: SCHED_IDLE\n/);
    const other = await execute(id, { scheduler: { policy: 'SCHED_OTHER', nice: -5 } });
    assert.match(chrt(other), /policy: SCHED_OTHER\n/);
    assert.equal(niceOf(other), -5);
  });

  it('knows every policy that the kernel does, with flags', async () => {
    const { id } = host.start(configWith({}, { resources: realtime }));
    const flags = ['SCHED_FLAG_RESET_ON_FORK'] as const;
    const deadline = { policy: 'SCHED_DEADLINE', flags: [...flags], runtime: 42_000, deadline: 100_000 } as const;
    const pid = await execute(id, { scheduler: { ...deadline, flags: [...flags], period: 1_000_000 } });
    assert.match(chrt(pid), /policy: SCHED_DEADLINE\|SCHED_RESET_ON_FORK\n/);
    assert.match(chrt(pid), /parameters: 42000\/100000\/1000000\n/);
    const round = await execute(id, { scheduler: { policy: 'SCHED_RR', priority: 3 } });
    assert.match(chrt(round), /policy: SCHED_RR\n.*priority: 3\n/);
    const first = await execute(id, { scheduler: { policy: 'SCHED_FIFO', priority: 1, flags: [...flags] } });
    assert.match(chrt(first), /policy: SCHED_FIFO\|SCHED_RESET_ON_FORK\n.*priority: 1\n/);
    for (const one of [pid, round, first]) process.kill(one, 'SIGKILL');
  });

  it('gives what only the host’s root may also in a user namespace', async () => {
    const mapping = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    const base = resting().linux ?? {};
    const config = configWith(
      { scheduler: { policy: 'SCHED_RR', priority: 2 }, ioPriority: { class: 'IOPRIO_CLASS_RT', priority: 5 } },
      {
        namespaces: [...(base.namespaces ?? []), { type: 'user' }],
        uidMappings: mapping,
        gidMappings: mapping,
        resources: realtime,
        memoryPolicy: { mode: 'MPOL_BIND', nodes: '0' },
      },
    );
    const { id, pid } = host.start(config);
    for (const one of [pid, await execute(id)]) {
      assert.match(chrt(one), /policy: SCHED_RR\n.*priority: 2\n/);
      assert.equal(ionice(one), 'realtime: prio 5');
      if (noNuma === false) assert.match(proc(one, 'numa_maps'), /^\S+ bind:0 /);
    }
  });

  it('follows the I/O priority', async () => {
    const { id, pid } = host.start(configWith({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 } }));
    assert.equal(ionice(pid), 'best-effort: prio 6');
    assert.equal(ionice(await execute(id)), 'best-effort: prio 6');
    assert.equal(ionice(await execute(id, { ioPriority: { class: 'IOPRIO_CLASS_IDLE' } })), 'idle');
    const realtime = await execute(id, { ioPriority: { class: 'IOPRIO_CLASS_RT' } });
    assert.equal(ionice(realtime), 'realtime: prio 0');
  });

  it('follows the memory policy, of the container’s process and of others', { skip: noNuma }, async () => {
    const policies: (readonly [MemoryPolicy, string])[] = [
      [{ mode: 'MPOL_BIND', nodes: '0' }, 'bind:0'],
      [{ mode: 'MPOL_BIND', nodes: ' 0, ', flags: ['MPOL_F_STATIC_NODES'] }, 'bind=static:0'],
      [{ mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, 'interleave=relative:0'],
      [{ mode: 'MPOL_PREFERRED', nodes: '0-0' }, 'prefer:0'],
      [{ mode: 'MPOL_PREFERRED' }, 'local'],
      [{ mode: 'MPOL_PREFERRED_MANY', nodes: '0' }, 'prefer (many):0'],
      [{ mode: 'MPOL_LOCAL' }, 'local'],
      [{ mode: 'MPOL_DEFAULT' }, 'default'],
    ];
    for (const [memoryPolicy, shown] of policies) {
      const { id, pid } = host.start(configWith({}, { memoryPolicy }));
      for (const one of [pid, await execute(id)])
        assert.ok(proc(one, 'numa_maps').split('\n')[0]?.includes(` ${shown} `), proc(one, 'numa_maps'));
      runchart('delete', '--force', id);
    }
  });

  it('frees a container of the affinity of who called the runtime', { skip: oneCpu }, async () => {
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, configWith({}));
    const flags = ['--root', runchart.root, 'run', '--detach', '--bundle', bundle, id];
    execFileSync('taskset', ['-c', '0', RUNCHART, ...flags], { stdio: 'ignore' });
    const { pid } = JSON.parse(runchart('state', id).stdout);
    assert.equal(statusField(pid, 'Cpus_allowed_list'), allCpus);
    const pidFile = join(host.path, 'pid');
    const exec = ['exec', '--detach', '--pid-file', pidFile, id, 'sleep', '1000'];
    execFileSync('taskset', ['-c', '0', RUNCHART, '--root', runchart.root, ...exec], { stdio: 'ignore' });
    assert.equal(statusField(Number(readFileSync(pidFile, 'utf8')), 'Cpus_allowed_list'), allCpus);
  });

  it('runs exec where its affinity says, first and last', { skip: oneCpu }, async () => {
    const { id, pid } = host.start(configWith({ execCPUAffinity: { initial: '0', final: '1' } }));
    assert.equal(statusField(pid, 'Cpus_allowed_list'), allCpus, 'not the container’s own process');
    assert.equal(statusField(await execute(id), 'Cpus_allowed_list'), '1');
    const both = await execute(id, { execCPUAffinity: { initial: '1', final: '0-1,' } });
    assert.equal(statusField(both, 'Cpus_allowed_list'), '0-1');
    const trace = join(host.path, 'trace');
    const file = join(host.path, 'process.json');
    const asked = { args: ['/bin/true'], cwd: '/', execCPUAffinity: { initial: '1' } };
    writeFileSync(file, JSON.stringify(asked));
    assert.equal(runchart('--trace', trace, 'exec', '--process', file, id).status, 0);
    const set = readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => line.includes('sched_setaffinity'));
    assert.equal(set.length, 1, 'with an initial one only, the kernel has the last word');
    assert.match(set[0] ?? '', /^[\d:.]+ +\d+ stage +sched_setaffinity\(0, 8, 0x02(00){7}\) = 0 /);
  });

  it('refuses what cannot be, in one line, and leaves nothing', async () => {
    refused(configWith({ scheduler: { policy: 'SCHED_ISO' } }), /error setting scheduler: set SCHED_ISO: EINVAL: /);
    const short = { policy: 'SCHED_DEADLINE', runtime: 1, deadline: 2, period: 3 } as const;
    refused(
      configWith({ scheduler: short }),
      /error setting scheduler: set SCHED_DEADLINE, runtime 1, deadline 2, period 3: EINVAL: /,
    );
    refused(
      configWith({ scheduler: { policy: 'SCHED_FIFO', priority: 100 } }, { resources: realtime }),
      /error setting scheduler: set SCHED_FIFO, priority 100: EINVAL: /,
    );
    refused(configWith({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } }), /invalid ioPriority.Priority: 8$/);
    if (noNuma === false)
      refused(
        configWith({}, { memoryPolicy: { mode: 'MPOL_BIND', nodes: '1023' } }),
        /error setting memory policy: set_mempolicy MPOL_BIND, nodes 1023: EINVAL: /,
      );
    refused(configWith({ execCPUAffinity: { initial: '3-1' } }), /bad CPUAffinity.Initial: invalid range: 3-1$/);
    const { id } = host.start(resting());
    const file = join(host.path, 'process.json');
    for (const [affinity, message] of [
      [{ initial: '8000' }, /: error setting initial CPU affinity: set CPUs 8000: EINVAL: /],
      [{ final: '8000' }, /: error setting final CPU affinity: set CPUs 8000: EINVAL: /],
      [{ final: ', ' }, /bad CPUAffinity.Final: no members found in set ", "$/],
    ] as const) {
      writeFileSync(file, JSON.stringify({ args: ['/bin/true'], cwd: '/', execCPUAffinity: affinity }));
      const ended = runchart('exec', '--process', file, id);
      assert.equal(ended.status, 255);
      assert.match(messageOf(ended), message);
    }
    assert.equal(JSON.parse(runchart('ps', '-f', 'json', id).stdout).length, 1, 'no process is left of them');
  });

  it('tells that deadlines and a limited set of CPUs exclude each other, as runc does', { skip: oneCpu }, () => {
    const deadline = { policy: 'SCHED_DEADLINE', runtime: 42_000, deadline: 1_000_000, period: 1_000_000 } as const;
    refused(
      configWith({ scheduler: deadline }, { resources: { cpu: { cpus: '0' } } }),
      /process scheduler can't be used together with AllowedCPUs: .*EPERM/,
    );
  });
});
