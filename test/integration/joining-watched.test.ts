/**
 * What a container gets hold of that may trace all processes which it sees in its own user namespace: a process that
 * joins it, or an init that waits, has no more rights than it needs.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { capabilitySet } from '../../effects/process/capabilities.ts';
import type { Config, Process, Seccomp } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { RUNCHART } from './command-line.ts';
import { bind, mounting } from './configs.ts';
import { statusField } from './containers.ts';
import { textOf } from './gone-meanwhile.ts';
import { lives, until, waiting } from './lives.ts';

const OWN = ['CAP_SYS_PTRACE', 'CAP_KILL'];
const ALLOWING: Seccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['acct'], action: 'SCMP_ACT_ERRNO' }],
};
const TIMES = 10;

const source = join(import.meta.dirname, 'watcher.c');
/** The test machine (test/vm/) has neither. */
const noWatcher =
  (!existsSync(source) || spawnSync('gcc', ['--version']).status !== 0) && 'the program that watches takes gcc';

describe('a process that joins a container with CAP_SYS_PTRACE', { skip: noContainers }, () => {
  const running = lives('watched');
  after(() => running.close());
  const watcher = join(running.path, 'watcher');
  const compileWatcher = () => execFileSync('gcc', ['-O2', '-static', '-o', watcher, source]);

  function watched(more: Partial<Process>, seccomp?: Seccomp): { readonly config: Config; readonly told: string } {
    const shared = join(running.path, `shared-${Math.random()}`);
    mkdirSync(shared);
    const config = mounting(shellConfig(''), bind('/shared', shared), bind('/watcher', watcher));
    const process: Process = {
      ...config.process,
      args: ['/watcher', '/shared/told', '/shared/ready'],
      capabilities: { bounding: OWN, effective: OWN, permitted: OWN },
      ...more,
    };
    return { told: join(shared, 'told'), config: { ...config, process, linux: { ...config.linux, seccomp } } };
  }

  /** The capabilities that were seen of processes which were still the runtime's. */
  function seen(told: string): readonly bigint[] {
    const lines = textOf(told).trim().split('\n');
    return lines.filter((line) => line.includes('runchart-init')).map((line) => BigInt(`0x${line.split(' ')[2]}`));
  }

  /** Joins often. @param allowed capabilities that may be seen besides the container's own */
  async function attack(
    { config, told }: ReturnType<typeof watched>,
    allowed: readonly string[],
    exec: (id: string) => void,
  ): Promise<void> {
    compileWatcher();
    const { id } = running.start(config);
    await until('it watches', () => existsSync(told.replace(/told$/, 'ready')));
    for (let i = 0; i < TIMES; i++) exec(id);
    await until('it has seen some', () => seen(told).length > 0);
    running.runchart('delete', '--force', id);
    const too = seen(told).filter((set) => (set & ~capabilitySet([...OWN, ...allowed])) !== 0n);
    assert.deepEqual(
      too.map((set) => set.toString(16)),
      [],
      readFileSync(told, 'utf8'),
    );
  }

  /**
   * How the program ends does not matter: a tracer disturbs it, since it may hear of the end before the parent does.
   */
  const executing =
    (...flags: readonly string[]) =>
    (id: string): void =>
      void running.runchart('exec', ...flags, id, 'true');

  it('has no more than the container’s own capabilities', { skip: noWatcher }, () =>
    attack(watched({ noNewPrivileges: true }), [], executing()),
  );

  it('has no more under a filter either', { skip: noWatcher }, () =>
    attack(watched({ noNewPrivileges: true }, ALLOWING), [], executing()),
  );

  it('has what it takes to become another user', { skip: noWatcher }, () =>
    attack(watched({ noNewPrivileges: true }), ['CAP_SETUID', 'CAP_SETGID'], executing('--user', '1000:1000')),
  );

  it('has what it takes to load a filter without no_new_privs', { skip: noWatcher }, () =>
    attack(watched({ noNewPrivileges: false }, ALLOWING), ['CAP_SYS_ADMIN'], executing()),
  );

  it('has what it takes to set up a terminal', { skip: noWatcher }, () =>
    attack(watched({ noNewPrivileges: true }), ['CAP_DAC_OVERRIDE', 'CAP_CHOWN', 'CAP_SETUID'], (id) => {
      const argv = [RUNCHART, '--root', running.runchart.root, 'exec', '--tty', '--user', '1000', id, 'true'];
      spawnSync('script', ['-qec', argv.join(' '), '/dev/null'], { stdio: 'ignore' });
    }),
  );

  it('has, as an init that waits in a pid namespace of others, no more than it will need', async () => {
    const first = running.start();
    for (const [flags, uid, extra] of [
      [{ noNewPrivileges: true }, 0, []],
      [{ noNewPrivileges: false }, 1000, ['CAP_SYS_ADMIN']],
    ] as const) {
      const { hostname: _, ...config } = shellConfig('echo $(pwd) > /dev/null; exec sleep 1000');
      const namespaces = [{ type: 'mount' as const }, { type: 'pid' as const, path: `/proc/${first.pid}/ns/pid` }];
      const capabilities = { bounding: OWN, effective: OWN, permitted: OWN, inheritable: OWN, ambient: OWN };
      const id = running.idFor(running.runchart);
      const folder = running.bundle(id, {
        ...config,
        process: {
          ...config.process,
          ...flags,
          user: { uid, gid: uid, additionalGids: [7] },
          capabilities,
          cwd: '/tmp',
        },
        linux: { ...config.linux, namespaces, seccomp: ALLOWING },
      });
      const { status, stderr } = running.runchart('create', '--bundle', folder, id);
      assert.deepEqual([status, stderr], [0, '']);
      const { pid } = JSON.parse(running.runchart('state', id).stdout);
      const needed = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID', ...extra];
      const waiting = BigInt(`0x${statusField(pid, 'CapPrm')}`);
      assert.equal(waiting.toString(16), capabilitySet([...OWN, ...needed]).toString(16));
      assert.equal(running.runchart('start', id).status, 0);
      await until('its program runs', () => textOf(`/proc/${pid}/cmdline`).startsWith('sleep'));
      const sets = ['CapPrm', 'CapEff', 'CapInh', 'CapBnd', 'CapAmb'].map((name) => statusField(pid, name));
      assert.deepEqual(new Set(sets), new Set([capabilitySet(OWN).toString(16).padStart(16, '0')]));
      assert.deepEqual([statusField(pid, 'Uid').split('\t')[0], statusField(pid, 'Groups')], [`${uid}`, '7']);
    }
  });

  it('cannot be traced in a user namespace until it is the program', { skip: noWatcher }, async () => {
    const { config, told } = watched({});
    compileWatcher();
    chmodSync(dirname(told), 0o777);
    const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const namespaces = [...(config.linux?.namespaces ?? []), { type: 'user' as const }];
    const id = running.idFor(running.runchart);
    const linux = { ...config.linux, namespaces, uidMappings: mapping, gidMappings: mapping };
    const folder = running.bundle(id, { ...config, linux });
    // It may not make them itself.
    mkdirSync(join(folder, 'rootfs/shared'));
    writeFileSync(join(folder, 'rootfs/watcher'), '');
    const { status, stderr } = running.runchart('run', '--detach', '--bundle', folder, id);
    assert.equal(status, 0, stderr);
    await until('it watches', () => existsSync(told.replace(/told$/, 'ready')));
    for (let i = 0; i < TIMES; i++) running.runchart('exec', id, 'sleep', '0.1');
    await until('it has seen a program', () => textOf(told).includes('/bin/busybox'));
    running.runchart('delete', '--force', id);
    assert.deepEqual(seen(told), [], readFileSync(told, 'utf8'));
  });

  /** The names of what it performs where those in the container see it, without what only concerns descriptors. */
  function seenCalls(own: readonly string[]): {
    readonly names: readonly string[];
    readonly first: string | undefined;
    readonly before: readonly string[];
  } {
    const config = waiting();
    const capabilities = { bounding: [...own], effective: [...own], permitted: [...own] };
    const process = { ...config.process, noNewPrivileges: true, capabilities };
    const { id } = running.start({ ...config, process });
    const trace = join(running.path, 'trace.jsonl');
    // A trace is appended to.
    rmSync(trace, { force: true });
    const { status, stderr } = running.runchart('--trace', trace, 'exec', id, '/bin/true');
    assert.deepEqual([status, stderr], [0, '']);
    const calls = readFileSync(trace, 'utf8')
      .trim()
      .split('\n')
      .map((line): { who?: string; call?: string } => JSON.parse(line));
    const named = (performer: string) => calls.flatMap(({ who, call = '' }) => (who === performer ? [call] : []));
    const names = named('exec').filter((name) => !['dup3', 'openat', 'fchown', 'close', 'close_range'].includes(name));
    return { names, first: named('exec')[0], before: named('stage') };
  }

  const SETTING_UP = ['sched_setaffinity', 'setsid', 'keyctl', 'keyctl'];
  const BECOMING = ['prctl', 'prctl', 'setresgid', 'setresuid', 'prctl', 'capset', 'prctl', 'umask', 'execve'];

  it('has joined and is limited before it is seen', () => {
    const { names, before } = seenCalls(OWN);
    assert.deepEqual(names, [...SETTING_UP, ...BECOMING]);
    assert.deepEqual(before.slice(-2), ['capset', 'clone3']);
    assert.ok(before.lastIndexOf('setns') < before.lastIndexOf('capset'));
  });

  it('where nobody has that capability, joins the cgroup namespace first of all, and is limited next', () => {
    const { names, first, before } = seenCalls(['CAP_KILL']);
    const joining = names[0] === 'setns' ? ['setns'] : [];
    const entering = names[0] === 'setns' || names[0] === 'capset' ? ['capset'] : [];
    // It is born with a descriptor of the host's cgroup directory.
    assert.equal(first, 'close_range');
    assert.deepEqual(names, [...joining, ...entering, ...SETTING_UP, ...BECOMING]);
    assert.deepEqual(before.slice(-2), ['capset', 'clone3']);
  });
});
