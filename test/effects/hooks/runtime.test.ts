/** Hooks that run beside the runtime. They are real programs. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { after, test } from 'node:test';
import { runHooks } from '../../../effects/hooks/hooks.ts';
import type { Session } from '../../../effects/session.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Hook } from '../../../spec/types.ts';
import { aRecord } from './record.ts';

const platform = hostPlatform();
const folder = realpathSync(mkdtempSync('/tmp/runchart-hooks-'));
const session: Session = {
  platform,
  directory: folder,
  environment: [],
  inheritance: { stdio: [0, 1, 2], preserveFds: 0, openFilesLimit: 321 },
};
after(() => rmSync(folder, { recursive: true }));

const shell = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', script],
  ...more,
});
const file = (name: string) => `${folder}/${name}`;
const record = (kind: 'createRuntime' | 'poststart' | 'poststop', ...hooks: Hook[]) =>
  aRecord({ [kind]: hooks }, { bundle: folder, init: { pid: 4711, startTime: '1' }, annotations: { 'a.b': 'c' } });
const run = (kind: 'createRuntime' | 'poststart' | 'poststop', ...hooks: Hook[]) =>
  runHooks(session, record(kind, ...hooks), kind, ['PATH=/usr/bin:/bin', 'FROM=runtime']);
const failing = (kind: 'createRuntime' | 'poststart' | 'poststop', message: string, ...hooks: Hook[]) =>
  assert.rejects(run(kind, ...hooks), { message });

test('a hook gets the state on stdin, its argv and env, the bundle as its directory, and no other descriptor', async () => {
  const script = 'cat > state; echo "$0 $1 $FROM $OWN" > args; ls /proc/self/fd > fds; pwd > cwd; ulimit -n > limit';
  await run('createRuntime', {
    path: '/bin/sh',
    args: ['sh', '-c', script, 'zero', 'one'],
    env: ['OWN=x', 'PATH=/bin'],
  });
  assert.deepEqual(JSON.parse(readFileSync(file('state'), 'utf8')), {
    ociVersion: '1.3.0',
    id: 'c1',
    status: 'creating',
    pid: 4711,
    bundle: folder,
    annotations: { 'a.b': 'c' },
  });
  assert.equal(readFileSync(file('args'), 'utf8'), 'zero one  x\n');
  // ls has opened the fourth, to read the folder.
  assert.equal(readFileSync(file('fds'), 'utf8'), '0\n1\n2\n3\n');
  assert.equal(readFileSync(file('cwd'), 'utf8'), `${folder}\n`);
  assert.equal(readFileSync(file('limit'), 'utf8'), '321\n', 'not what the engine raised its own to');
});

test('without an env of its own a hook has the runtime’s', async () => {
  await run('poststart', shell('env | sort > env'));
  assert.match(readFileSync(file('env'), 'utf8'), /^FROM=runtime\n.*PATH=\/usr\/bin:\/bin\n/s);
});

test('hooks run in order, and none runs after the first that fails', async () => {
  await failing(
    'createRuntime',
    'error running createRuntime hook #1: exit status 3, stdout: out\n, stderr: err\n',
    shell('echo 0 >> order'),
    shell('echo 1 >> order; echo out; echo err >&2; exit 3'),
    shell('echo 2 >> order'),
  );
  assert.equal(readFileSync(file('order'), 'utf8'), '0\n1\n');
});

test('prestart hooks come first', async () => {
  const it = record('createRuntime', shell('echo create >> first'));
  const hooks = { ...it.config.hooks, prestart: [shell('echo pre >> first')] };
  await runHooks(session, { ...it, config: { ...it.config, hooks } }, 'createRuntime', []);
  assert.equal(readFileSync(file('first'), 'utf8'), 'pre\ncreate\n');
});

test('every poststop hook runs, and all that failed are told; the bundle need not be there any more', async () => {
  const hooks = [shell('exit 1'), shell(`cat > ${folder}/stopped`), shell('kill -TERM $$')];
  await assert.rejects(
    runHooks(session, { ...record('poststop', ...hooks), bundle: '/no/such/bundle' }, 'poststop', []),
    {
      message:
        'error running poststop hook #0: exit status 1, stdout: , stderr: ; ' +
        'error running poststop hook #2: signal: terminated, stdout: , stderr: ',
    },
  );
  const state = JSON.parse(readFileSync(file('stopped'), 'utf8'));
  assert.equal(state.status, 'stopped');
  assert.ok(!('pid' in state));
});

test('a hook that takes too long is killed', async () => {
  const hook = shell(`echo $$ > pid; exec sleep 1000`, { timeout: 1 });
  await failing('createRuntime', 'error running createRuntime hook #0: hook ran past specified timeout of 1.0s', hook);
  assert.ok(!existsSync(`/proc/${readFileSync(file('pid'), 'utf8').trim()}`), 'and reaped');
});

test('a hook that cannot be started is told with the reason', async () => {
  await failing(
    'createRuntime',
    'error running createRuntime hook #0: execve /no/such/hook: ENOENT: no such file or directory',
    { path: '/no/such/hook' },
  );
  await failing('poststart', 'error running poststart hook #0: execve /tmp: EACCES: permission denied', {
    path: '/tmp',
  });
  await assert.rejects(
    runHooks(session, { ...record('poststart', { path: '/bin/true' }), bundle: '/no/such' }, 'poststart', []),
    { message: 'error running poststart hook #0: chdir /no/such: ENOENT: no such file or directory' },
  );
});

test('what a hook leaves running with its output open does not hold us up', { timeout: 60_000 }, async () => {
  await run('createRuntime', shell('sleep 1000 & echo $! > background'));
  const pid = Number(readFileSync(file('background'), 'utf8'));
  assert.ok(existsSync(`/proc/${pid}`));
  process.kill(pid, 'SIGKILL');
});

test('a hook may write more than a pipe holds, and an error shows the beginning of it', {
  timeout: 60_000,
}, async () => {
  const shown = 'y\n'.repeat(8 * 1024);
  await failing(
    'createRuntime',
    `error running createRuntime hook #0: exit status 1, stdout: ${shown}, stderr: `,
    shell('yes | head -c 1000000; exit 1'),
  );
});

test('signals that the engine ignores or blocks are not passed on', async () => {
  await run('createRuntime', shell('grep -E "^Sig(Blk|Ign)" /proc/self/status > signals'));
  assert.equal(
    readFileSync(file('signals'), 'utf8').replace(/\s+/g, ' '),
    'SigBlk: 0000000000000000 SigIgn: 0000000000000000 ',
  );
});

test('no descriptor is left open, whatever became of the hooks', async () => {
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const before = openFiles();
  await run('createRuntime', shell('exit 0'), shell('exit 0'));
  await assert.rejects(run('createRuntime', shell('exit 1')));
  await assert.rejects(run('createRuntime', { path: '/no/such/hook' }));
  assert.equal(openFiles(), before);
});
