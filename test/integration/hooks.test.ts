/** Hooks of real containers: when, where and with what they run, and what happens when one fails. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Hook, HookName } from '../../spec/types.ts';
import { makeBundle, noContainers, shellConfig, workFolder, writeConfig } from './bundle.ts';
import { containersIn } from './nothing-left.ts';
import { runchart } from './runchart.ts';

const skip = noContainers;
const folder = workFolder('hooks');
after(() => folder.remove());
const bundle = join(folder.path, 'bundle');
const { root, executable, command, life, stateOf } = runchart(folder.path);
const log = join(folder.path, 'log');
// Two runs of this file at a time share the host's cgroups.
const id = `runchart-test-hooks-${process.pid}`;

const ON_THE_HOST: readonly HookName[] = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'];

/** A hook that writes to a file of the host's. */
const shell = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', script],
  ...more,
});
const note = (name: string, rest = ''): Hook => shell(`echo ${name} >> ${log}; ${rest}`);

function configure(hooks: Partial<Record<HookName, Hook[]>>, script = 'true', env: string[] = []): void {
  const config = shellConfig(script);
  const process = { ...config.process, env: [...(config.process.env ?? []), ...env] };
  if (!existsSync(bundle)) makeBundle(bundle, config);
  writeConfig(bundle, { ...config, process, hooks, annotations: { 'some.key': 'value' } });
}

const lines = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
const nothingIsLeft = () => assert.deepEqual(containersIn(root), []);

describe('hooks', () => {
  beforeEach(() => rmSync(log, { force: true }));

  test('of all kinds run in the order of the lifecycle', { skip }, async () => {
    const hooks = Object.fromEntries(ON_THE_HOST.map((name) => [name, [note(`${name} 0`), note(`${name} 1`)]]));
    configure({ ...hooks, startContainer: [shell('echo startContainer')] }, 'sleep 0.2; echo process');
    const { status } = await life(bundle, id);
    assert.equal(status, 0);
    assert.deepEqual(
      lines(),
      ON_THE_HOST.flatMap((name) => [`${name} 0`, `${name} 1`]),
    );
    nothingIsLeft();
  });

  test('are told the state: status and pid of their moment, bundle, annotations', { skip }, async () => {
    const told = join(folder.path, 'told');
    rmSync(told, { recursive: true, force: true });
    mkdirSync(told);
    configure(
      {
        ...Object.fromEntries(ON_THE_HOST.map((name) => [name, [shell(`cat > ${told}/${name}`)]])),
        startContainer: [shell('cat > /dev/shm/state')],
      },
      'cat /dev/shm/state; sleep 0.5',
    );
    const { output } = await life(bundle, id);
    const states = ON_THE_HOST.map((name) => JSON.parse(readFileSync(join(told, name), 'utf8')));
    for (const state of [...states, JSON.parse(output)]) {
      assert.equal(state.id, id);
      assert.equal(state.bundle, bundle);
      assert.deepEqual(state.annotations, { 'some.key': 'value' });
    }
    const [prestart, createRuntime, createContainer, poststart, poststop] = states;
    assert.deepEqual([prestart.status, createRuntime.status], ['creating', 'creating']);
    assert.ok(prestart.pid > 1);
    assert.equal(createRuntime.pid, prestart.pid);
    assert.deepEqual([createContainer.status, createContainer.pid], ['creating', 1], 'as the container sees it');
    assert.deepEqual([JSON.parse(output).status, JSON.parse(output).pid], ['created', 1]);
    assert.deepEqual([poststart.status, poststart.pid], ['running', prestart.pid]);
    assert.equal(poststop.status, 'stopped');
    assert.ok(!poststop.pid);
  });

  test('of each kind have the arguments and the environment that they are given', { skip }, async () => {
    const told = join(folder.path, 'given');
    rmSync(told, { recursive: true, force: true });
    mkdirSync(told);
    const script = 'echo "$0|$1|$#|$OWN|$PATH"';
    const own = (name: string, file: string): Hook => ({
      path: '/bin/sh',
      args: [
        'sh',
        '-c',
        `${script} > ${file}; env | grep -v -E "^(PWD|SHLVL|_|OLDPWD)=" | wc -l >> ${file}`,
        name,
        'a b',
      ],
      env: [`OWN=${name}'s`, 'PATH=/bin:/usr/bin'],
    });
    configure(
      {
        ...Object.fromEntries(ON_THE_HOST.map((name) => [name, [own(name, join(told, name))]])),
        startContainer: [own('startContainer', '/dev/shm/given')],
      },
      'cat /dev/shm/given; sleep 1',
    );
    const { output } = await life(bundle, id);

    const expected = (name: string) => `${name}|a b|1|${name}'s|/bin:/usr/bin\n2\n`;
    for (const name of ON_THE_HOST) assert.equal(readFileSync(join(told, name), 'utf8'), expected(name));
    assert.equal(output, expected('startContainer'));
  });

  test('run in the runtime’s namespaces or the container’s', { skip }, async () => {
    const namespaces = 'for n in mnt pid uts net ipc; do readlink /proc/self/ns/$n; done';
    const file = (name: string) => join(folder.path, name);
    configure(
      {
        createRuntime: [shell(`(${namespaces}; pwd) > ${file('runtime')}`)],
        // The tree is still the host's, and so is its /proc, which does not show processes of another pid namespace.
        createContainer: [
          shell(`hostname > ${file('created')}; pwd >> ${file('created')}; echo $$ >> ${file('created')}`),
        ],
        startContainer: [shell(`(${namespaces}; echo $PATH) > /dev/shm/start`)],
        poststart: [shell(`(${namespaces}) > ${file('poststart')}`)],
      },
      `cat /dev/shm/start; ${namespaces}; sleep 0.3`,
      ['PATH=/bin:/own'],
    );
    const { output } = await life(bundle, id);
    const ours = ['mnt', 'pid', 'uts', 'net', 'ipc'].map((name) => readlinkSync(`/proc/self/ns/${name}`));
    assert.deepEqual(readFileSync(file('runtime'), 'utf8').trim().split('\n'), [...ours, bundle]);
    assert.deepEqual(readFileSync(file('poststart'), 'utf8').trim().split('\n'), ours);
    const [hostname, cwd, pid] = readFileSync(file('created'), 'utf8').trim().split('\n');
    assert.equal(hostname, shellConfig('').hostname);
    assert.equal(cwd, join(bundle, 'rootfs'));
    assert.ok(Number(pid) < 10, 'numbered by the container');
    const inside = output.trim().split('\n');
    assert.deepEqual(inside.slice(0, 5), inside.slice(6), 'where the process is');
    assert.equal(inside[5], '/bin:/own', 'with its environment');
    for (const namespace of ours) assert.ok(!inside.includes(namespace));
  });

  test('that fail before the container is created undo it, and poststop hooks run', { skip }, async () => {
    for (const name of ['prestart', 'createRuntime', 'createContainer'] as const) {
      rmSync(log, { force: true });
      const bad = shell('echo said; echo wrong >&2; exit 3');
      configure({ [name]: [note('first'), bad, note('never')], poststop: [note('poststop')] });
      const { status, output } = command('create', '--bundle', bundle, id);
      assert.equal(status, 1);
      assert.match(output, new RegExp(`error running ${name} hook #1: exit status 3, stdout: said`));
      assert.deepEqual(lines(), ['first', 'poststop'], name);
      nothingIsLeft();
    }
  });

  test('of startContainer that fail stop the container before its process', { skip }, async () => {
    configure({ startContainer: [shell('exit 4')] }, `echo process > /dev/shm/ran`);
    assert.equal(command('create', '--bundle', bundle, id).status, 0);
    const { status, output } = command('start', id);
    assert.equal(status, 1);
    assert.match(output, /error running startContainer hook #0: exit status 4/);
    assert.equal(stateOf(id), 'stopped');
    assert.equal(command('delete', id).status, 0);
    nothingIsLeft();
  });

  test('of startContainer that cannot be executed are told with the reason', { skip, timeout: 120_000 }, async () => {
    configure({ startContainer: [{ path: '/no/such/hook' }] });
    assert.equal(command('create', '--bundle', bundle, id).status, 0);
    const { status, output } = command('start', id);
    assert.equal(status, 1);
    assert.match(output, /error running startContainer hook #0: execve \/no\/such\/hook: ENOENT/);
    assert.equal(command('delete', '--force', id).status, 0);
    nothingIsLeft();
  });

  test('of startContainer have no more rights than the process', { skip }, async () => {
    configure(
      { startContainer: [shell('grep -E "^(Cap|NoNewPrivs)" /proc/self/status > /dev/shm/hook')] },
      'cat /dev/shm/hook; grep -E "^(Cap|NoNewPrivs)" /proc/self/status',
    );
    const { output } = await life(bundle, id);
    const told = output.trim().split('\n');
    assert.equal(told.length, 12);
    assert.deepEqual(told.slice(0, 6), told.slice(6));
  });

  test('of startContainer have the limits of the process', { skip }, async () => {
    configure({ startContainer: [shell('echo $(ulimit -Sn) $(ulimit -Hn) > /dev/shm/hook')] }, 'cat /dev/shm/hook');
    const { output } = await life(bundle, id);
    assert.equal(output, '1024 1024\n');
  });

  test('append their output to the files that annotations name', { skip }, async () => {
    const out = join(folder.path, 'hooks-out');
    const err = join(folder.path, 'hooks-err');
    writeFileSync(out, 'before\n');
    const say = (name: string) => [shell(`echo ${name}; echo not ${name} >&2`)];
    configure({
      createRuntime: say('createRuntime'),
      createContainer: say('createContainer'),
      startContainer: say('startContainer'),
      poststop: [shell('echo poststop; echo why >&2; exit 4')],
    });
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
    const annotations = { 'run.oci.hooks.stdout': out, 'run.oci.hooks.stderr': err };
    writeConfig(bundle, { ...config, annotations });
    const { status: ended, output: said } = await life(bundle, id);
    assert.equal(ended, 0, said);
    const names = ['createRuntime', 'createContainer', 'startContainer'];
    assert.deepEqual(readFileSync(out, 'utf8').split('\n'), ['before', ...names, 'poststop', '']);
    assert.deepEqual(readFileSync(err, 'utf8').split('\n'), [...names.map((name) => `not ${name}`), 'why', '']);
    nothingIsLeft();

    writeConfig(bundle, { ...config, annotations: { 'run.oci.hooks.stdout': '/nowhere/out' } });
    const { status, output } = command('create', '--bundle', bundle, id);
    assert.equal(status, 1);
    assert.match(output, /error running createRuntime hook #0: open \/nowhere\/out for its stdout: ENOENT/);
    nothingIsLeft();
  });

  test('that hang are killed once their time is over', { skip }, async () => {
    const late = (name: HookName) =>
      new RegExp(`error running ${name} hook #0: hook ran past specified timeout of 1.0s`);
    for (const name of ['prestart', 'createRuntime', 'createContainer'] as const) {
      configure({ [name]: [shell('exec sleep 1000', { timeout: 1 })] });
      const { status, output } = command('create', '--bundle', bundle, id);
      assert.equal(status, 1);
      assert.match(output, late(name));
      nothingIsLeft();
    }
    for (const name of ['startContainer', 'poststart'] as const) {
      configure({ [name]: [shell('exec sleep 1000', { timeout: 1 })] }, 'sleep 100');
      assert.equal(command('create', '--bundle', bundle, id).status, 0);
      const { status, output } = command('start', id);
      assert.equal(status, 1);
      assert.match(output, late(name));
      assert.equal(stateOf(id), 'stopped');
      assert.equal(command('delete', id).status, 0);
      nothingIsLeft();
    }
    configure({ poststop: [shell('exec sleep 1000', { timeout: 1 })] });
    assert.equal(command('create', '--bundle', bundle, id).status, 0);
    const { status, output } = command('delete', '--force', id);
    assert.equal(status, 0);
    assert.match(output, late('poststop'));
    nothingIsLeft();
  });

  test('that hang are ended by delete --force, and the creation is undone', { skip }, async () => {
    for (const name of ['prestart', 'createRuntime', 'createContainer'] as const) {
      rmSync(log, { force: true });
      configure({ [name]: [shell(`echo $$ > ${log}; exec sleep 1000`)], poststop: [note('poststop')] });
      const errors = openSync(join(folder.path, 'errors'), 'w');
      const creating = spawn(executable, ['--root', root, 'create', '--bundle', bundle, id], {
        stdio: ['ignore', 'ignore', errors],
      });
      closeSync(errors);
      const ended = once(creating, 'exit');
      while (lines()[0] === undefined || lines()[0] === '') await setTimeout(20);
      const hook = Number(lines()[0]);
      const { status, output } = command('delete', '--force', id);
      assert.deepEqual([status, output], [0, ''], name);
      assert.deepEqual(await ended, [1, null]);
      const told = readFileSync(join(folder.path, 'errors'), 'utf8');
      assert.match(told, new RegExp(`error running ${name} hook #0: |the init process ended before it answered`));
      // A hook of createContainer told its pid in the container's namespace, which is gone.
      if (name !== 'createContainer') assert.ok(!existsSync(`/proc/${hook}`));
      assert.deepEqual(lines().slice(1), ['poststop'], told);
      nothingIsLeft();
    }
  });

  test('of poststart that fail end the container', { skip }, async () => {
    configure({ poststart: [shell('exit 1')] }, 'sleep 100');
    assert.equal(command('create', '--bundle', bundle, id).status, 0);
    const { status, output } = command('start', id);
    assert.equal(status, 1);
    assert.match(output, /error running poststart hook #0: exit status 1/);
    assert.equal(stateOf(id), 'stopped');
    assert.equal(command('delete', id).status, 0);
    nothingIsLeft();
  });

  test('of poststop that fail are a warning, and the others run', { skip }, async () => {
    configure({ poststop: [shell('exit 1'), note('second')] });
    assert.equal(command('create', '--bundle', bundle, id).status, 0);
    const { status, output } = command('delete', '--force', id);
    assert.equal(status, 0);
    assert.match(output, /warn.*error running poststop hook #0: exit status 1/);
    assert.deepEqual(lines(), ['second']);
    nothingIsLeft();
  });

  test('may mount into the container: what createRuntime does in its namespace is seen', { skip }, async () => {
    writeFileSync(join(bundle, 'given'), 'from the host\n');
    const script =
      `pid=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/'); touch ${bundle}/rootfs/given; ` +
      `nsenter -t $pid -m mount --bind ${bundle}/given ${bundle}/rootfs/given`;
    configure({ createRuntime: [shell(script)] }, 'cat /given');
    const { output } = await life(bundle, id);
    assert.equal(output, 'from the host\n');
  });
});
