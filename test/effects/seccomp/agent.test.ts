/** A filter that notifies, loaded in a stage, and an agent in another process, which decides on the stage's calls. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ContainerProcessState, connectAgent, introduce, prepareAgent } from '../../../effects/seccomp/agent.ts';
import { loadWithoutAgent } from '../../../effects/seccomp/seccomp.ts';
import { close, mkdirat } from '../../../native/calls/files.ts';
import { setNoNewPrivs, waitid } from '../../../native/calls/process.ts';
import { bindUnix, listen, socket, socketpair } from '../../../native/calls/sockets.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT } from '../../../native/constants/files.ts';
import { P, W } from '../../../native/constants/process.ts';
import { AF, SOCK } from '../../../native/constants/socket.ts';
import { SYSNO } from '../../../native/constants/sysno.ts';
import { call, perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';
import type { Seccomp } from '../../../spec/types.ts';
import { compileOrSkip, startStage } from './stage.ts';

const libc = loadLibc();
const local = localKernel(libc);
const { compile, skip } = compileOrSkip(libc, local);
const folder = mkdtempSync('/tmp/runchart-agent-');
after(() => rmSync(folder, { recursive: true }));

const getpid = { name: 'getpid', args: [] } as const;
const state = (pid: number): ContainerProcessState => ({
  ociVersion: '1.3.0',
  fds: ['seccompFd'],
  pid,
  metadata: 'for the agent: é',
  state: { ociVersion: '1.3.0', id: 'c1', status: 'creating', pid, bundle: '/b' },
});

/** A stage with a channel besides its batch socket. */
function stageWithChannel() {
  const pair = out(8);
  perform(local, [socketpair(SOCK.STREAM, pair)]);
  const [ours, theirs] = [viewOf(pair.bytes).getInt32(0, true), viewOf(pair.bytes).getInt32(4, true)];
  const stage = startStage(libc, local, [0, 1, 2, theirs]);
  perform(local, [close(theirs)]);
  const end = (): void => {
    perform(local, [close(ours), close(stage.connection), waitid(P.PID, stage.pid, out(128), W.EXITED)]);
  };
  return { ...stage, channel: { ours, theirs: 3 }, end };
}

async function startAgent(path: string): Promise<{ agent: ChildProcess; lines: AsyncIterator<string> }> {
  const program = fileURLToPath(new URL('agent-program.ts', import.meta.url));
  const agent = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  assert.ok(agent.stdout);
  const lines = createInterface({ input: agent.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'ready');
  return { agent, lines };
}

/** Of the calls that we know; write alone may not be asked about. */
const ASKING: Seccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: Object.keys(SYSNO).filter((name) => name !== 'write'), action: 'SCMP_ACT_NOTIFY' }],
};
const PROFILES: Readonly<Record<string, Seccomp>> = {
  'one that asks about every call, the runtime’s own included': ASKING,
  'one that refuses what the init would need': {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      { names: ['getpid', 'mkdirat', 'sendto'], action: 'SCMP_ACT_NOTIFY' },
      { names: ['sendmsg', 'write'], action: 'SCMP_ACT_KILL_PROCESS' },
    ],
  },
};
for (const [what, profile] of Object.entries(PROFILES))
  test(`the agent gets the listener and the state, and decides: ${what}`, { skip }, async () => {
    const listenerPath = `${folder}/${Object.keys(PROFILES).indexOf(what)}.sock`;
    const { agent, lines } = await startAgent(listenerPath);
    const { pid, kernel, channel, end } = stageWithChannel();
    const compiled = compile({ ...profile, listenerPath });
    assert.ok(compiled.needsListener);
    const prepared = prepareAgent({ local, init: kernel, channel, compiled, listenerPath, state: state(pid) });
    const results = kernel.submit([
      setNoNewPrivs(),
      ...prepared.calls,
      getpid,
      { ...mkdirat(AT.FDCWD, `${folder}/never`, 0o700), mayFail: true },
    ]).results;
    prepared.release();
    assert.deepEqual(results.slice(-2), [4242, -ERRNO.ENOTEMPTY]);
    assert.deepEqual(JSON.parse(String((await lines.next()).value)), state(pid));
    end();
    const [status] = await once(agent, 'exit');
    assert.equal(status, 0);
  });

test('a process that was started with the connection tells the agent of itself', { skip }, async () => {
  const listenerPath = `${folder}/exec.sock`;
  const { agent, lines } = await startAgent(listenerPath);
  const compiled = compile({ ...ASKING, listenerPath });
  const connection = connectAgent(local, listenerPath);
  const { pid, kernel, connection: batches } = startStage(libc, local, [0, 1, 2, connection]);
  perform(local, [close(connection)]);
  const introduction = introduce(local, kernel, compiled, 3, state(pid));
  assert.equal(kernel.submit([setNoNewPrivs(), ...introduction, getpid]).results.at(-1), 4242);
  assert.deepEqual(JSON.parse(String((await lines.next()).value)), state(pid));
  perform(local, [close(batches), waitid(P.PID, pid, out(128), W.EXITED)]);
  assert.deepEqual(await once(agent, 'exit'), [0, null]);
});

test('the error names an agent that is not there, or that takes no connection', { skip, timeout: 120_000 }, () => {
  const { pid, kernel, channel, end } = stageWithChannel();
  const compiled = compile({
    ...PROFILES['one that refuses what the init would need'],
    defaultAction: 'SCMP_ACT_ALLOW',
    listenerPath: '/x',
  });
  const prepare = (listenerPath: string) => () =>
    prepareAgent({ local, init: kernel, channel, compiled, listenerPath, state: state(pid), timeoutSeconds: 1 });
  const failed = 'failed to connect with seccomp agent specified in the seccomp profile';
  assert.throws(prepare(`${folder}/none.sock`), {
    message: `${failed}: ${folder}/none.sock: ENOENT: no such file or directory`,
  });
  const path = `${folder}/full.sock`;
  const listening = call(local, socket(AF.UNIX, SOCK.STREAM));
  perform(local, [bindUnix(listening, path), listen(listening, 0)]);
  const first = prepare(path)();
  assert.throws(prepare(path), { message: `${failed}: ${path}: it took no connection in 1 s` });
  first.release();
  perform(local, [close(listening)]);
  end();
});

test('without an agent, calls that it would decide on fail with ENOSYS', { skip }, () => {
  const { kernel, end } = stageWithChannel();
  const syscalls: Seccomp['syscalls'] = [{ names: ['getpid'], action: 'SCMP_ACT_NOTIFY' }];
  const compiled = compile({ defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/no/such/agent', syscalls });
  const outcome = kernel.submit([setNoNewPrivs(), ...loadWithoutAgent(compiled), getpid]);
  assert.deepEqual(outcome, { results: [0, 0, -ERRNO.ENOSYS], stoppedAt: 2 });
  end();
});

test('a profile that asks an agent must say where it is', { skip }, () => {
  assert.throws(() => compile(ASKING), { message: 'seccomp listenerPath is not set' });
});

test('an agent is asked neither about write nor by default, as with runc', { skip }, () => {
  assert.throws(() => compile({ defaultAction: 'SCMP_ACT_NOTIFY', listenerPath: '/x' }), {
    message: 'SCMP_ACT_NOTIFY cannot be used as default action',
  });
  const syscalls: Seccomp['syscalls'] = [{ names: ['read', 'write'], action: 'SCMP_ACT_NOTIFY' }];
  assert.throws(() => compile({ defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/x', syscalls }), {
    message: 'SCMP_ACT_NOTIFY cannot be used for the write syscall',
  });
});
