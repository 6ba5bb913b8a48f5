/**
 * A resident server that is stopped, gone, busy, of another build or not root's: each command still does what it is to
 * do, once, and by itself.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { findProgram } from '../../build/compiler.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { commandLine, type Ended } from './command-line.ts';
import { remainsAtLast } from './nothing-left.ts';
import { PATIENCE } from './patience.ts';
import { noServer, type ResidentServer, ready, residentDist, statusOf } from './resident-server.ts';

const noStrace = findProgram('strace') === undefined ? 'strace is not installed' : false;

describe('a resident server', { skip: noContainers || noServer }, () => {
  const work = workFolder('resident-faults');
  const prefix = `runchart-test-${process.pid}-faults`;
  const dist = residentDist(work.path);
  const runchart = commandLine(dist.program, work.path);
  const hooked = join(work.path, 'hooked');
  const config = shellConfig('exec sleep 10000');
  const hook = { path: '/bin/sh', args: ['sh', '-c', `echo made >> ${hooked}`] };
  const bundle = makeBundle(join(work.path, 'bundle'), { ...config, hooks: { createRuntime: [hook] } });
  const servers: ResidentServer[] = [];
  let count = 0;

  beforeEach(() => rmSync(hooked, { force: true }));
  after(async () => {
    for (const server of servers) await server.stop();
    assert.deepEqual(await remainsAtLast(prefix, work.path), []);
    work.remove();
  });

  async function serve(...flags: readonly string[]): Promise<ResidentServer> {
    const server = await dist.serve(flags);
    servers.push(server);
    return server;
  }

  /** How many containers were made: a second effect would be one more. */
  const made = (): number => (existsSync(hooked) ? readFileSync(hooked, 'utf8').split('\n').length - 1 : 0);

  function succeeds(...argv: readonly string[]): Ended {
    const ended = runchart(...argv);
    assert.deepEqual({ status: ended.status, stderr: ended.stderr }, { status: 0, stderr: '' }, argv.join(' '));
    return ended;
  }

  /** Makes a container and removes it. */
  function life(): void {
    const id = `${prefix}-${++count}`;
    const before = made();
    succeeds('create', '--bundle', bundle, id);
    assert.equal(JSON.parse(succeeds('state', id).stdout).status, 'created');
    succeeds('delete', '--force', id);
    assert.equal(made() - before, 1, 'it was made once');
  }

  /** Gives lives until the server has performed a command: where it is busy for a moment, it does not. */
  async function isServed(server: ResidentServer): Promise<void> {
    const before = server.status().commands;
    for (let tries = 0; server.status().commands === before; tries++) {
      assert.ok(tries < 20, 'the server performs commands');
      life();
    }
  }

  it('that is stopped takes nothing up, not even later', async () => {
    const server = await serve('--engines', '1');
    await isServed(server);
    const [engine] = server.status().engines;
    assert.ok(engine !== undefined);
    const before = server.status().commands;
    const madeBefore = made();
    process.kill(engine.pid, 'SIGSTOP');
    try {
      for (let i = 0; i < 3; i++) life();
    } finally {
      process.kill(engine.pid, 'SIGCONT');
    }
    await until('the engine has seen to them', () => server.status().idle === 1);
    assert.equal(server.status().commands, before, 'it has performed none of them');
    assert.equal(made() - madeBefore, 3, 'nothing was made twice');
    assert.equal(succeeds('list', '--quiet').stdout, '');
    await isServed(server);
    await server.stop();
  });

  it('that goes on after it was given up cannot begin any more', { skip: noStrace }, async () => {
    const server = await serve('--engines', '1');
    await isServed(server);
    const [engine] = server.status().engines;
    assert.ok(engine !== undefined);
    const id = `${prefix}-late`;
    const before = server.status().commands;
    const madeBefore = made();
    process.kill(engine.pid, 'SIGSTOP');
    try {
      // The caller has looked for an answer for the last time, and is held up before it does anything else.
      const held = ['-o', join(work.path, 'looks'), '-e', 'inject=recvfrom:delay_exit=1000000'];
      const creating = later('strace', ...held, dist.program, '--root', runchart.root, 'create', '-b', bundle, id);
      await until(
        'it looks',
        () => existsSync(join(work.path, 'looks')) && statSync(join(work.path, 'looks')).size > 0,
      );
      await setTimeout(300);
      process.kill(engine.pid, 'SIGCONT');
      assert.equal(await creating, 0);
    } finally {
      process.kill(engine.pid, 'SIGCONT');
    }
    assert.match(readFileSync(join(work.path, 'looks'), 'utf8'), /recvfrom\(.*EAGAIN.*\(DELAYED\)|recvfrom\(.*= 0 /);
    assert.equal(server.status().commands, before, 'the engine has left it alone');
    assert.equal(made() - madeBefore, 1, 'it was made once');
    succeeds('delete', '--force', id);
    await server.stop();
  });

  it('that stops and goes on at random performs a command, or leaves it alone', async () => {
    const server = await serve('--engines', '2');
    const toggling = new AbortController();
    const toggled = toggle(server, toggling.signal);
    try {
      for (let i = 0; i < 25; i++) {
        const id = `${prefix}-toggled-${i}`;
        const ended = await later(dist.program, '--root', runchart.root, 'create', '--bundle', bundle, id);
        assert.equal(ended, 0, id);
        assert.equal(await later(dist.program, '--root', runchart.root, 'delete', '--force', id), 0, id);
        assert.equal(made(), i + 1, 'each was made once');
      }
    } finally {
      toggling.abort();
      await toggled;
    }
    await isServed(server);
    await server.stop();
  });

  it('whose queue is full is not waited for', async () => {
    const server = await serve('--engines', '1');
    const [engine] = server.status().engines;
    assert.ok(engine !== undefined);
    process.kill(engine.pid, 'SIGSTOP');
    const waiting: Socket[] = [];
    try {
      // More than any backlog: the rest is refused.
      for (let i = 0; i < 300; i++) waiting.push(connect(dist.socket).on('error', () => undefined));
      await setTimeout(100);
      life();
    } finally {
      for (const socket of waiting) socket.destroy();
      process.kill(engine.pid, 'SIGCONT');
    }
    await until('the engine has seen to all of them', () => server.status().idle === 1);
    await isServed(server);
    await server.stop();
  });

  it('that was killed leaves a socket that nobody minds, and no engine', async () => {
    const server = await serve();
    await isServed(server);
    const { engines } = server.status();
    server.child.kill('SIGKILL');
    await once(server.child, 'exit');
    assert.ok(statSync(dist.socket).isSocket(), 'it is there still');
    life();
    await until('the engines end', () => engines.every(({ pid }) => !existsSync(`/proc/${pid}`)));
    await isServed(await serve());
    await servers.at(-1)?.stop();
    assert.ok(!existsSync(dist.socket), 'a server that ends removes it');
    life();
  });

  it('that is killed in the middle of a command ends that command, and does nothing twice', async () => {
    const server = await serve('--engines', '1');
    await isServed(server);
    const slow = makeBundle(join(work.path, 'interrupted'), {
      ...config,
      hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', `echo made >> ${hooked}; sleep 0.5`] }] },
    });
    const id = `${prefix}-interrupted`;
    const { engines } = server.status();
    const { ended, said } = await served(['create', '--bundle', slow, id], id);
    // All of the server, as the kernel or an operator ends a service: engines, too.
    for (const pid of [server.pid, ...engines.map((engine) => engine.pid)]) process.kill(pid, 'SIGKILL');
    assert.deepEqual(await ended, [1, null]);
    assert.match(said(), /^runchart: the resident server ended [^\n]+\n$/);
    assert.equal(made(), 1, 'there was no second try');
    succeeds('delete', '--force', id);
    assert.equal(succeeds('list', '--quiet').stdout, '');
    life();
  });

  it('is one: a second one says so and ends, and the first goes on', async () => {
    const server = await serve();
    const second = spawnSync(dist.program, ['serve'], { encoding: 'utf8', timeout: 30_000 * PATIENCE });
    assert.notEqual(second.status, 0);
    assert.match(second.stderr, /^[^\n]*another server serves there[^\n]*\n$/);
    await isServed(server);
    await server.stop();
    const both = [0, 1].map(() => spawn(dist.program, ['serve'], { stdio: 'ignore' }));
    const winner = await firstReady(both);
    assert.equal(both.filter(({ exitCode }) => exitCode === null).length, 1, 'one of two that start at once');
    winner.kill('SIGTERM');
    await once(winner, 'exit');
  });

  it('of another build performs nothing', async () => {
    const server = await serve();
    await isServed(server);
    const other = join(work.path, 'other');
    mkdirSync(other);
    for (const name of ['runchart', 'runchart-engine', 'koffi.node'])
      copyFileSync(join(dist.program, '..', name), join(other, name));
    symlinkSync(dist.directory, join(other, 'runchart-resident'));
    const before = server.status().commands;
    const foreign = commandLine(join(other, 'runchart'), work.path);
    const id = `${prefix}-foreign`;
    assert.equal(foreign('create', '--bundle', bundle, id).status, 0);
    assert.equal(foreign('delete', '--force', id).status, 0);
    assert.equal(server.status().commands, before);
    await isServed(server);
    await server.stop();
  });

  it('that is not root’s is told nothing', async () => {
    rmSync(dist.socket, { force: true });
    for (const path of [work.path, dist.directory]) chmodSync(path, 0o777);
    const script = `
      import { createServer } from 'node:net';
      let heard = 0;
      createServer((peer) => peer.on('data', (data) => { heard += data.length; }).on('error', () => {}).end('B'))
        .listen(${JSON.stringify(dist.socket)}, () => console.log('listens'));
      process.on('SIGTERM', () => { console.log('heard ' + heard); process.exit(0); });`;
    const argv = ['--input-type=module', '-e', script];
    const stranger = spawn(process.execPath, argv, { uid: 65534, gid: 65534, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(stranger, 'close');
    let said = '';
    stranger.stdout.on('data', (text) => {
      said += text;
    });
    try {
      await until('the stranger listens', () => said.includes('listens'));
      // As who had the right to write there once, and has left a socket that is closed to nobody.
      chmodSync(dist.socket, 0o666);
      life();
    } finally {
      stranger.kill('SIGTERM');
      await ended;
      for (const path of [work.path, dist.directory]) chmodSync(path, 0o700);
      rmSync(dist.socket, { force: true });
    }
    assert.match(said, /heard 0\n$/);
  });

  it('performs nothing for a caller with another root, though all namespaces are the same', async () => {
    const other = join(work.path, 'other-root');
    mkdirSync(other);
    // The mount is in a namespace of the server's, so that it ends with the server.
    const script = 'mount --rbind / "$1" && exec "$2" serve --engines 1';
    const argv = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', other, dist.program];
    const server = await ready(spawn('unshare', argv, { stdio: ['ignore', 'ignore', 'inherit'] }), dist.program);
    servers.push(server);
    const list = (...through: readonly string[]) => {
      const entering = [
        `--mount=/proc/${server.pid}/ns/mnt`,
        ...through,
        dist.program,
        '--root',
        runchart.root,
        'list',
      ];
      const { status, stderr } = spawnSync('nsenter', entering, { encoding: 'utf8' });
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    };
    const before = server.status().commands;
    for (let tries = 0; tries < 5; tries++) list('chroot', other);
    assert.equal(server.status().commands, before, 'it has performed none of them');
    for (let tries = 0; server.status().commands === before; tries++) {
      assert.ok(tries < 20, 'with its own root, the caller is served');
      list();
    }
    await server.stop();
  });

  it('does not serve where its directory is open to others, or is no directory', async () => {
    for (const [make, undo] of [
      [() => chmodSync(dist.directory, 0o755), () => chmodSync(dist.directory, 0o700)],
      [
        () => {
          renameSync(dist.directory, `${dist.directory}.real`);
          symlinkSync(`${dist.directory}.real`, dist.directory);
        },
        () => {
          rmSync(dist.directory);
          renameSync(`${dist.directory}.real`, dist.directory);
        },
      ],
    ] as const) {
      make();
      try {
        const { status, stderr } = spawnSync(dist.program, ['serve'], { encoding: 'utf8', timeout: 30_000 * PATIENCE });
        assert.notEqual(status, 0);
        assert.match(stderr, /^[^\n]+\n$/);
      } finally {
        undo();
      }
    }
  });

  it('tells how many commands it has performed, by engines that are gone as well', async () => {
    const server = await serve('--engines', '1', '--commands', '4');
    let last = 0;
    const told = (): number => {
      const { commands } = server.status();
      assert.ok(commands >= last, `${commands} after ${last}`);
      last = commands;
      return commands;
    };
    await until('engines are used up', () => {
      life();
      return told() >= 0 && server.status().replaced >= 2;
    });
    assert.ok(told() >= 8, `${last} commands by two engines that are gone`);
    await until('another one is there', () => server.status().idle === 1);
    life();
    const before = told();
    const [engine] = server.status().engines;
    assert.ok(engine !== undefined);
    process.kill(engine.pid, 'SIGKILL');
    await until('it is replaced', () => server.status().idle === 1 && server.status().engines[0]?.pid !== engine.pid);
    assert.equal(told(), before);
    await server.stop();
  });

  it('that ends lets a command come to its end', async () => {
    const server = await serve('--engines', '1');
    await isServed(server);
    const slow = makeBundle(join(work.path, 'slow'), {
      ...config,
      hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', `echo made >> ${hooked}; sleep 1`] }] },
    });
    const id = `${prefix}-slow`;
    const before = made();
    const creating = later(dist.program, '--root', runchart.root, 'create', '--bundle', slow, id);
    await until('its hook runs', () => made() > before);
    assert.equal(await server.stop(), 0);
    assert.equal(await creating, 0);
    assert.equal(JSON.parse(succeeds('state', id).stdout).status, 'created');
    succeeds('delete', '--force', id);
  });

  /** Begins to make a container. @returns once its hook runs, and an engine performs the command */
  async function served(argv: readonly string[], id: string) {
    for (let tries = 0; ; tries++) {
      rmSync(hooked, { force: true });
      const stdio = ['ignore', 'ignore', 'pipe'] as const;
      const child = spawn(dist.program, ['--root', runchart.root, ...argv], { stdio: [...stdio] });
      const ended = once(child, 'close');
      let text = '';
      child.stderr?.on('data', (data) => {
        text += data;
      });
      await until('its hook runs', () => made() > 0);
      if (readlinkSync(`/proc/${child.pid}/exe`) === dist.program) return { ended, said: () => text };
      // The engine was busy for a moment.
      await ended;
      succeeds('delete', '--force', id);
      assert.ok(tries < 20, 'the server performs it');
    }
  }

  /** Stops the engines and lets them go on, for some milliseconds each, until it is told to end. */
  async function toggle(server: ResidentServer, end: AbortSignal): Promise<void> {
    const pids = server.status().engines.map(({ pid }) => pid);
    while (!end.aborted) {
      for (const signal of ['SIGSTOP', 'SIGCONT'] as const) {
        for (const pid of pids) process.kill(pid, signal);
        await setTimeout(Math.random() * 12);
      }
    }
  }

  async function firstReady(both: readonly ChildProcess[]): Promise<ChildProcess> {
    await until('one has ended', () => both.some(({ exitCode }) => exitCode !== null));
    await until('the other one serves', () => {
      try {
        return statusOf(dist.program).idle > 0;
      } catch {
        return false;
      }
    });
    const winner = both.find(({ exitCode }) => exitCode === null);
    assert.ok(winner !== undefined, 'one of them serves');
    return winner;
  }
});

/** @returns the exit status, once the command has ended; events are heard meanwhile */
async function later(program: string, ...argv: readonly string[]): Promise<number | null> {
  const child = spawn(program, argv, { stdio: 'ignore' });
  const [status] = await once(child, 'exit');
  return status;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 600 * PATIENCE, what);
    await setTimeout(20);
  }
}
