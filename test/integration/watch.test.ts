/** `runchart watch` sees what separate commands, an engine and a program do to real containers. */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import type { Line, StateLine } from '../../spec/watch/lines.ts';
import { boxArchive } from '../engines/box.ts';
import { openPodman } from '../engines/podman/engine.ts';
import { missing } from '../engines/program.ts';
import { makeBundle, noContainers, shellConfig, workFolder, writeConfig } from './bundle.ts';
import { commandLine, RUNCHART } from './command-line.ts';
import { residentDist } from './resident-server.ts';
import { openInspector, openPage, startWatch, type Watching } from './watching.ts';

const work = workFolder('watch');
after(() => work.remove());
const SECRET = 'only-for-the-container';

let count = 0;
/** A state root and a bundle for one test, and a name for its container. */
function place(name: string, config = shellConfig('sleep 1000')) {
  const folder = join(work.path, name);
  mkdirSync(folder);
  const run = commandLine(RUNCHART, folder);
  const id = `runchart-test-${process.pid}-watch-${++count}`;
  const bundle = makeBundle(join(folder, 'bundle'), config);
  const succeed = (...argv: string[]): void => {
    const { status, stderr } = run(...argv);
    assert.deepEqual([argv[0], status, stderr], [argv[0], 0, '']);
  };
  return { folder, run, succeed, id, bundle, root: run.root };
}

function secretConfig() {
  const config = shellConfig('sleep 1000');
  const env = [...(config.process.env ?? []), `PASSWORD=${SECRET}`];
  const hook = { path: '/bin/true', env: [`HOOK_PASSWORD=${SECRET}`] };
  return {
    ...config,
    process: { ...config.process, env },
    annotations: { 'my.secret': SECRET, 'io.podman.annotations.x': SECRET },
    hooks: { poststart: [hook] },
  };
}

const statesOf = (lines: readonly Line[], id: string): readonly string[] =>
  lines.filter((line): line is StateLine => line.type === 'state' && line.id === id).map(({ state }) => state);

async function ending(watching: Watching, root: string): Promise<void> {
  assert.equal(await watching.stop(), 0);
  assert.equal(watching.errors(), '');
  // What `explain` tells of stays.
  const left = existsSync(root) ? readdirSync(root).filter((name) => name !== '@failures.jsonl') : [];
  assert.deepEqual(left, [], 'nothing is left in the state root');
}

describe('runchart watch', { skip: noContainers }, () => {
  test('shows a life that separate commands bring about, and tells no secrets', async () => {
    const { run, succeed, id, bundle, root, folder } = place('life', secretConfig());
    const recording = join(folder, 'recording.jsonl');
    const watching = await startWatch('--root', root, 'watch', '--record', recording);
    const page = await openPage(watching);
    const inspector = await openInspector(watching);

    succeed('create', '--bundle', bundle, id);
    const created = await page.at(id, 'created');
    assert.equal(created.status, 'created');
    assert.equal(created.pid, JSON.parse(run('state', id).stdout).pid);
    assert.deepEqual(created.annotations, { 'my.secret': null, 'io.podman.annotations.x': null });
    assert.equal(created.engine, 'podman');
    succeed('start', id);
    await page.at(id, 'running');
    succeed('exec', id, 'true');
    await page.ended(id, 'exec');
    succeed('pause', id);
    await page.at(id, 'paused');
    succeed('resume', id);
    await page.at(id, 'running');
    succeed('update', '--pids-limit', '100', id);
    await page.ended(id, 'update');
    const answer = await page.ask(root, id);
    assert.equal(answer.record?.bundle, bundle);
    succeed('kill', id, 'KILL');
    await page.at(id, 'stopped');
    succeed('delete', id);
    const deleted = await page.at(id, 'deleted');
    assert.equal(deleted.status, null);
    await page.ended(id, 'delete');

    const states = statesOf(page.lines(), id);
    const inOrder = ['absent', 'creating.cgroup', 'creating.mounts', 'created', 'starting', 'running.poststartHooks'];
    assert.deepEqual(
      states.filter((state) => inOrder.includes(state)).filter((state, at, all) => all.indexOf(state) === at),
      inOrder,
    );
    for (const state of [
      'running.pausing',
      'paused',
      'running.updating',
      'running.killing',
      'deleting.cgroup',
      'deleted',
    ])
      assert.ok(states.includes(state), `${state} is among ${states.join(' ')}`);
    const commands = page
      .lines()
      .filter((line) => line.type === 'command')
      .map(({ command }) => command);
    assert.deepEqual(commands, ['create', 'start', 'exec', 'pause', 'resume', 'update', 'kill', 'delete']);
    assert.ok(statesOf(page.lines(), `exec in ${id}`).includes('running'), 'the process of exec has a machine, too');

    await inspector.until((messages) =>
      messages.some((message) => message.type === '@xstate.snapshot' && message.snapshot.value === 'deleted'),
    );
    const actors = inspector.messages.filter((message) => message.type === '@xstate.actor');
    assert.ok(actors.some(({ name, definition }) => name === id && JSON.parse(definition ?? '').id === 'container'));
    const everything = JSON.stringify([page.messages, inspector.messages, readFileSync(recording, 'utf8')]);
    assert.ok(everything.includes('PASSWORD'), 'the names of variables are shown');
    assert.ok(!everything.includes(SECRET));
    await Promise.all([page.close(), inspector.close()]);
    await ending(watching, root);
  });

  test('shows values to who asks for them, and what was there before it came', async () => {
    const { succeed, id, bundle, root } = place('values', secretConfig());
    succeed('run', '--detach', '--bundle', bundle, id);
    const watching = await startWatch('watch', '--root', root, '--root', join(root, '..', 'another'), '--with-values');
    const page = await openPage(watching);
    const found = await page.at(id, 'running');
    assert.equal(found.annotations['my.secret'], SECRET);
    assert.match(JSON.stringify(await page.ask(root, id)), new RegExp(`PASSWORD=${SECRET}`));
    assert.match(String((await page.ask(root, 'nobody')).problem), /does not exist/);
    assert.match(String((await page.ask('/etc', 'passwd')).problem), /not below a state root/);
    // It ends by itself: no command tells.
    process.kill(found.pid ?? 0, 'SIGKILL');
    await page.at(id, 'stopped');
    succeed('delete', id);
    await page.at(id, 'deleted');
    await page.close();
    await ending(watching, root);
    assert.deepEqual(readdirSync(join(root, '..', 'another')), []);
  });

  test('shows a creation that fails, and where', async () => {
    const { run, id, bundle, root } = place('failing');
    const config = shellConfig('true');
    const mount = { destination: '/x', source: '/nowhere', type: 'bind', options: ['rbind'] };
    const watching = await startWatch('--root', root, 'watch');
    const page = await openPage(watching);

    writeConfig(bundle, { ...config, mounts: [...(config.mounts ?? []), mount] });
    assert.equal(run('create', '--bundle', bundle, id).status, 1);
    const failed = await page.ended(id, 'create');
    assert.equal(failed.status, null);
    assert.equal(failed.place, 'failed');
    assert.equal(failed.failure?.during, 'mounts');
    assert.match(failed.failure?.message ?? '', /nowhere.*ENOENT/);
    assert.equal(failed.last?.exit, 1);
    const failure = page.lines().find((line) => line.type === 'failure');
    assert.equal(failure?.code, 'ENOENT');

    writeConfig(bundle, { ...config, root: { path: 'no-rootfs' } });
    assert.equal(run('run', '--bundle', bundle, `${id}-early`).status, 1);
    const early = await page.ended(`${id}-early`, 'run');
    assert.match(early.failure?.message ?? '', /no-rootfs/);
    assert.equal(early.failure?.during, 'run');
    await page.close();
    await ending(watching, root);
  });

  test('hears of a command that is killed', async () => {
    const { id, bundle, root } = place('killed');
    const watching = await startWatch('--root', root, 'watch');
    const page = await openPage(watching);
    const command = execFile(RUNCHART, ['--root', root, 'run', '--bundle', bundle, id]);
    await page.at(id, 'running');
    command.kill('SIGKILL');
    const { last } = await page.ended(id, 'run');
    assert.equal(last?.exit, undefined);
    assert.equal(spawnSync(RUNCHART, ['--root', root, 'delete', '--force', id]).status, 0);
    await page.at(id, 'deleted');
    await page.close();
    await ending(watching, root);
  });

  test('records, plays what it recorded, and plays a trace with its calls', async () => {
    const { succeed, id, bundle, root, folder } = place('played', shellConfig('true'));
    const recording = join(folder, 'recording.jsonl');
    const trace = join(folder, 'trace.jsonl');
    const watching = await startWatch('--root', root, 'watch', '--record', recording);
    const live = await openPage(watching);
    succeed('--trace', trace, 'run', '--bundle', bundle, id);
    await live.ended(id, 'run');
    const calls = live.lines().filter((line) => line.type === 'call');
    assert.ok(
      calls.some(({ who, call }) => who === 'init' && call === 'execve'),
      'a traced command tells its calls',
    );
    await live.close();
    await ending(watching, root);

    for (const file of [recording, trace]) {
      const playing = await startWatch('watch', '--speed', 'max', file);
      const page = await openPage(playing);
      const [hello] = page.messages;
      assert.deepEqual(hello?.type === 'runchart.hello' && [hello.live, hello.file, hello.roots], [false, file, []]);
      await page.ended(id, 'run');
      assert.deepEqual(statesOf(page.lines(), id), statesOf(live.lines(), id));
      assert.equal(page.container(id)?.root, root);
      assert.equal(page.lines().filter((line) => line.type === 'call').length, calls.length);
      await page.close();
      assert.equal(await playing.stop('SIGINT'), 0);
    }
  });

  test('hears a program that has an inspector of @statelyai/inspect, as docs/examples/inspect.ts does', async () => {
    const { bundle, root } = place('program', { ...secretConfig(), process: shellConfig('true').process });
    const repository = join(import.meta.dirname, '../..');
    if (!existsSync(join(repository, 'dist/library')))
      await promisify(execFile)(process.execPath, ['build/library.ts'], { cwd: repository });
    const watching = await startWatch('--root', root, 'watch');
    const page = await openPage(watching);
    const inspector = await openInspector(watching);
    const received: StatelyInspectionEvent[] = [];
    const receiver = createWebSocketReceiver({ server: watching.inspect.href });
    receiver.subscribe((event) => void received.push(event));
    await promisify(execFile)(process.execPath, ['docs/examples/inspect.ts', watching.inspect.href, bundle], {
      cwd: repository,
    });
    await page.until(() => page.lines().some((line) => line.type === 'state' && line.state === 'deleted'));
    const state = page.lines().find((line) => line.type === 'state');
    assert.match(state?.id ?? '', /^inspected-\d+$/);
    assert.equal(page.container(state?.id ?? '')?.root, 'inspector');
    await inspector.until((messages) => messages.some(({ type }) => type === '@xstate.snapshot'));
    assert.ok(!JSON.stringify([page.messages, inspector.messages]).includes(SECRET));
    assert.ok(
      received.some(({ type, sessionId }) => type === '@xstate.snapshot' && sessionId.endsWith(':x:0')),
      'the receiver of the package understands it',
    );
    await Promise.all([page.close(), inspector.close()]);
    await ending(watching, root);
  });

  test('hears of commands that a resident server performs, each once', async () => {
    const { bundle, id, folder, root } = place('resident', shellConfig('true'));
    const dist = residentDist(join(folder, 'resident'));
    await using server = await dist.serve(['--root', root]);
    const watching = await startWatch('--root', root, 'watch');
    const page = await openPage(watching);
    for (const argv of [
      ['create', '--bundle', bundle, id],
      ['start', id],
      ['delete', '--force', id],
    ])
      assert.equal(spawnSync(dist.program, ['--root', root, ...argv], { stdio: 'ignore' }).status, 0, argv.join(' '));
    await page.ended(id, 'delete');
    assert.ok(server.status().commands > 0, 'it has performed some');
    const begun = page
      .lines()
      .filter((line) => line.type === 'command')
      .map(({ command }) => command);
    assert.deepEqual(begun, ['create', 'start', 'delete']);
    // No connection of a command stays open in the engine.
    for (const { pid } of server.status().engines) {
      const sockets = readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) >= 400);
      assert.deepEqual(sockets, []);
    }
    await page.close();
    await ending(watching, root);
  });

  test('sees what podman does', { skip: missing('podman', 'conmon') }, async () => {
    const folder = join(work.path, 'engine');
    mkdirSync(folder);
    const podman = openPodman(join(folder, 'podman'), 'runchart', RUNCHART, boxArchive(folder));
    // The script by which podman calls the runtime names its state root.
    const [, root = ''] = / --root '([^']+)'/.exec(readFileSync(podman.env.RUNTIME ?? '', 'utf8')) ?? [];
    const watching = await startWatch('watch', '--root', root);
    const page = await openPage(watching);
    const run = ['run', '--rm', '--network', 'none', 'localhost/box', 'true'];
    const { status, stderr } = spawnSync('podman', run, { env: podman.env, encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
    await page.until(() => page.lines().some((line) => line.type === 'state' && line.state === 'deleted'));
    const commands = page
      .lines()
      .filter((line) => line.type === 'command')
      .map(({ command }) => command);
    assert.deepEqual(commands.slice(0, 2), ['create', 'start']);
    const [id = ''] = page.lines().flatMap((line) => (line.type === 'command' ? [line.id] : []));
    assert.equal(page.container(id)?.engine, 'podman');
    await page.close();
    assert.equal(await watching.stop(), 0);
    assert.deepEqual(await podman.close(), []);
  });
});
