/** Containers under a seccomp profile. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { answer, assemble, jump, load } from '../../effects/seccomp/bpf.ts';
import { filteredNumber } from '../../native/calls/seccomp.ts';
import { BPF, SECCOMP_DATA, SECCOMP_RET } from '../../native/constants/seccomp.ts';
import type { Seccomp } from '../../spec/types.ts';
import { makeBundle, noContainers, shellConfig, workFolder, writeConfig } from './bundle.ts';
import { runchart } from './runchart.ts';

const skip = noContainers;
const folder = workFolder('seccomp');
after(() => folder.remove());
const bundle = join(folder.path, 'bundle');
const { root, command, life } = runchart(folder.path);
// Two runs of this file at the same time share the host's cgroups.
const prefix = `runchart-test-seccomp-${process.pid}`;
let count = 0;

interface Container {
  readonly script?: string;
  readonly args?: string[];
  readonly noNewPrivileges?: boolean;
  readonly hooks?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

function run(seccomp: Seccomp, { script = '', args, noNewPrivileges = true, hooks = {}, annotations = {} }: Container) {
  const config = shellConfig(script);
  const process = { ...config.process, noNewPrivileges, args: args ?? config.process.args };
  const linux = { ...config.linux, seccomp };
  if (!existsSync(bundle)) makeBundle(bundle, config);
  writeConfig(bundle, { ...config, process, hooks, linux, annotations });
  return life(bundle, `${prefix}-${count++}`);
}

const refusing = (...names: string[]): Seccomp => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names, action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
});
const MKDIR = refusing('mkdir', 'mkdirat');
const TELL = 'grep -E "^(Seccomp|NoNewPrivs)" /proc/self/status; mkdir /tmp/x; echo $?';

test('the process is under its filter, with and without no_new_privs', { skip }, async () => {
  for (const noNewPrivileges of [true, false]) {
    const { status, output } = await run(MKDIR, { script: TELL, noNewPrivileges });
    assert.equal(status, 0, output);
    assert.equal(
      output,
      `NoNewPrivs:\t${noNewPrivileges ? 1 : 0}\nSeccomp:\t2\nSeccomp_filters:\t1\n` +
        "mkdir: can't create directory '/tmp/x': Operation not supported\n1\n",
    );
  }
});

test('without no_new_privs the filter comes before ids and capabilities are given up', { skip }, async () => {
  const capset = refusing('capset');
  const early = await run(capset, { script: 'true', noNewPrivileges: false });
  assert.notEqual(early.status, 0);
  assert.match(early.output, /capset: EOPNOTSUPP/);
  assert.equal((await run(capset, { script: 'echo in' })).output, 'in\n');
});

test('the compiled program is kept, and used again', { skip }, async () => {
  await run(MKDIR, { script: 'true' });
  assert.ok(readdirSync(root).includes('@seccomp'));
  const kept = readdirSync(join(root, '@seccomp'));
  await run(MKDIR, { script: 'true', noNewPrivileges: false });
  assert.deepEqual(readdirSync(join(root, '@seccomp')), kept);
});

test('a profile that cannot be compiled fails create, and nothing is left', { skip }, async () => {
  const cases: readonly [Partial<Seccomp>, RegExp][] = [
    [{ defaultErrnoRet: 5 }, /linux\.seccomp\.defaultErrnoRet: SCMP_ACT_ALLOW takes no errno/],
    [{ architectures: ['SCMP_ARCH_S390X'] }, /SCMP_ARCH_S390X: its byte order/],
    [{ syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }] }, /seccomp listenerPath is not set/],
    [
      { listenerPath: '/x', syscalls: [{ names: ['write'], action: 'SCMP_ACT_NOTIFY' }] },
      /SCMP_ACT_NOTIFY cannot be used for the write syscall/,
    ],
    [{ listenerPath: '/x', defaultAction: 'SCMP_ACT_NOTIFY' }, /SCMP_ACT_NOTIFY cannot be used as default action/],
  ];
  for (const [part, message] of cases) {
    const { status, output } = await run({ ...MKDIR, ...part }, { script: 'true' });
    assert.equal(status, 1);
    assert.match(output, message);
    assert.deepEqual(
      readdirSync(root).filter((name) => !['@seccomp', '@failures.jsonl'].includes(name)),
      [],
    );
  }
});

test('a call that the library does not know is left out, unless crun’s annotation refuses it', { skip }, async () => {
  const profile = refusing('mkdir', 'no_such_call');
  const known = await run(profile, { script: 'true' });
  assert.equal(known.status, 0, known.output);
  // The program of the first container is kept, and must not hide it.
  const annotations = { 'run.oci.seccomp_fail_unknown_syscall': '1' };
  const refused = await run(profile, { script: 'true', annotations });
  assert.equal(refused.status, 1);
  assert.match(refused.output, /linux\.seccomp\.syscalls\[0\]: libseccomp \S+ does not know .*no_such_call/);
  assert.equal((await run(MKDIR, { script: 'true', annotations })).status, 0);
});

test('an init whose filter permits nothing but execve neither hangs nor spins', {
  skip,
  timeout: 120_000,
}, async () => {
  const strict: Seccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [{ names: ['umask'], action: 'SCMP_ACT_ALLOW' }],
  };
  const { output } = await run(strict, { script: 'echo never' });
  assert.doesNotMatch(output, /never/);
});

test('an agent decides on the calls of the process', { skip, timeout: 120_000 }, async () => {
  const listenerPath = join(folder.path, 'agent.sock');
  const program = join(import.meta.dirname, '../effects/seccomp/agent-program.ts');
  const agent = spawn(process.execPath, [program, listenerPath], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(agent, 'exit');
  const lines = createInterface({ input: agent.stdout })[Symbol.asyncIterator]();
  await lines.next();
  const { output } = await run(
    {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath,
      listenerMetadata: 'for the agent',
      syscalls: [
        { names: ['getpid', 'sendmsg', 'sendto', 'execve'], action: 'SCMP_ACT_NOTIFY' },
        { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 },
      ],
    },
    { script: 'echo $$; mkdir /tmp/x' },
  );
  assert.equal(output, "4242\nmkdir: can't create directory '/tmp/x': Operation not supported\n");
  const state = JSON.parse(String((await lines.next()).value));
  assert.deepEqual(state.fds, ['seccompFd']);
  assert.equal(state.metadata, 'for the agent');
  assert.equal(state.state.pid, state.pid);
  assert.deepEqual(await exited, [0, null]);
});

test('an agent that is not there fails start', { skip }, async () => {
  const { status, output } = await run(
    { ...MKDIR, listenerPath: '/no/such/agent', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }] },
    { script: 'true' },
  );
  assert.equal(status, 1);
  assert.match(output, /failed to connect with seccomp agent .*: \/no\/such\/agent: ENOENT/);
});

test('startContainer hooks are under the filter too', { skip }, async () => {
  const hook = { path: '/bin/sh', args: ['sh', '-c', `(${TELL}) > /dev/shm/hook 2>&1`] };
  const { output } = await run(MKDIR, { script: 'cat /dev/shm/hook', hooks: { startContainer: [hook] } });
  assert.match(output, /Seccomp:\t2\n.*Operation not supported\n1\n$/s);
});

test('a program that an annotation brings replaces the rules of the config, for exec too', { skip }, async () => {
  // busybox calls mkdir(2) where the architecture has it.
  const number = process.arch === 'arm64' ? filteredNumber('mkdirat') : 83;
  const program = assemble([
    load(SECCOMP_DATA.NR),
    jump(BPF.JMP_JEQ_K, number, 0, 1),
    answer(SECCOMP_RET.ERRNO + 95),
    answer(SECCOMP_RET.ALLOW),
  ]);
  const annotations = { 'run.oci.seccomp_bpf_data': Buffer.from(program).toString('base64') };
  for (const noNewPrivileges of [true, false]) {
    const { status, output } = await run(refusing('openat'), { script: TELL, noNewPrivileges, annotations });
    assert.equal(status, 0, output);
    assert.match(output, /Seccomp:\t2\nSeccomp_filters:\t1\nmkdir: .*Operation not supported\n1\n$/);
  }
  const id = `${prefix}-joined`;
  writeConfig(bundle, { ...shellConfig('exec sleep 1000'), annotations });
  assert.equal(command('run', '--detach', '--bundle', bundle, id).status, 0);
  const joined = command('exec', id, 'sh', '-c', TELL);
  assert.equal(command('delete', '--force', id).status, 0);
  assert.match(joined.output, /Seccomp:\t2\nSeccomp_filters:\t1\nmkdir: .*Operation not supported\n1\n$/);

  const broken = await run(MKDIR, { script: 'true', annotations: { 'run.oci.seccomp_bpf_data': 'AAAA' } });
  assert.equal(broken.status, 1);
  assert.match(broken.output, /annotation run\.oci\.seccomp_bpf_data: 3 bytes are no whole instructions of 8/);
});

test('a program of an annotation that asks an agent needs one', { skip }, async () => {
  const program = assemble([answer(SECCOMP_RET.USER_NOTIF)]);
  const annotations = { 'run.oci.seccomp_bpf_data': Buffer.from(program).toString('base64') };
  const unnamed = await run(MKDIR, { script: 'true', annotations });
  assert.match(unnamed.output, /seccomp listenerPath is not set/);
  const absent = await run({ ...MKDIR, listenerPath: '/no/such/agent' }, { script: 'true', annotations });
  assert.match(absent.output, /failed to connect with seccomp agent .*: \/no\/such\/agent: ENOENT/);
});

test('an agent that no rule asks gets the listener where it is there, and is done without where not', {
  skip,
  timeout: 120_000,
}, async () => {
  const listenerPath = join(folder.path, 'watching.sock');
  const absent = await run({ ...MKDIR, listenerPath }, { script: TELL });
  assert.equal(absent.status, 0, absent.output);
  assert.match(absent.output, /Seccomp:\t2\n.*Operation not supported\n1\n$/s);

  const told = Promise.withResolvers<string>();
  const server = createServer((socket) => socket.on('data', (data) => told.resolve(String(data))));
  server.listen(listenerPath);
  await once(server, 'listening');
  const { status, output } = await run({ ...MKDIR, listenerPath, listenerMetadata: 'watch' }, { script: TELL });
  assert.equal(status, 0, output);
  assert.match(output, /Seccomp:\t2\n.*Operation not supported\n1\n$/s);
  assert.equal(JSON.parse(await told.promise).metadata, 'watch');
  server.close();
});
