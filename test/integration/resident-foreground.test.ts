/** The long wait of `run` and `exec` in the foreground, which a client of a resident server does alone. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { BUILT } from './dist.ts';
import { until } from './lives.ts';
import { noServer, type ResidentServer, residentDist } from './resident-server.ts';

/** Says what it hears, and ends by SIGTERM. */
const LISTENING =
  'trap "echo usr1" USR1; trap "echo hup" HUP; trap "exit 9" TERM; echo up; read line; echo got $line; ' +
  'while :; do sleep 0.02; done';

describe('a client of a resident server', { skip: noContainers || noServer }, () => {
  const work = workFolder('waits');
  const { program, serve } = residentDist(work.path);
  const root = join(work.path, 'state');
  let server: ResidentServer;
  let count = 0;
  before(async () => {
    server = await serve();
  });
  after(async () => {
    await server.stop();
    work.remove();
  });

  const left = (): string => execFileSync(program, ['--root', root, 'list', '-q'], { encoding: 'utf8' });

  /** Starts a `run` that is served: where engines are busy, it is tried again. */
  async function started(script: string): Promise<{ child: ChildProcess; id: string; output: () => string }> {
    for (let tries = 0; tries < 20; tries++) {
      const id = `runchart-test-${process.pid}-waits-${count++}`;
      const bundle = makeBundle(join(work.path, id), shellConfig(script));
      const child = spawn(program, ['--root', root, 'run', '--bundle', bundle, id]);
      let text = '';
      child.stdout.on('data', (data) => {
        text += data;
      });
      await until('it runs', () => text.startsWith('up\n'));
      if (readlinkSync(`/proc/${child.pid}/exe`) === program) return { child, id, output: () => text };
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    throw new Error('no engine has taken it');
  }

  it('copies, hands signals on, holds no engine meanwhile, and takes the exit status', async () => {
    const { child, id, output } = await started(LISTENING);
    await setTimeout(100);
    assert.equal(server.status().idle, 2);
    child.stdin?.write('hello\n');
    await until('it has read', () => output().endsWith('got hello\n'));
    for (const [name, heard] of [
      ['SIGUSR1', 'usr1'],
      ['SIGHUP', 'hup'],
    ] as const) {
      child.kill(name);
      await until(`it hears ${name}`, () => output().endsWith(`${heard}\n`));
    }
    const state = JSON.parse(execFileSync(program, ['--root', root, 'state', id], { encoding: 'utf8' }));
    assert.equal(state.status, 'running');
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [9, null]);
    assert.equal(left(), '');
  });

  it('tells a death by a signal as a shell does', async () => {
    const { child, id } = await started(LISTENING);
    execFileSync(program, ['--root', root, 'kill', id, 'KILL']);
    assert.deepEqual(await once(child, 'exit'), [137, null]);
    assert.equal(left(), '');
  });

  it('removes the container also where the server is gone by then', async () => {
    const { child } = await started(LISTENING);
    await setTimeout(100);
    assert.equal(await server.stop(), 0);
    try {
      child.kill('SIGTERM');
      assert.deepEqual(await once(child, 'exit'), [9, null]);
      assert.equal(left(), '');
    } finally {
      server = await serve();
    }
  });

  it('leaves what a killed command leaves, where it is killed while it waits', async () => {
    const leavings = async ({ child, id }: Awaited<ReturnType<typeof started>>) => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      const state = JSON.parse(execFileSync(program, ['--root', root, 'state', id], { encoding: 'utf8' }));
      assert.ok(existsSync(`/proc/${state.pid}`), 'the container goes on');
      execFileSync(program, ['--root', root, 'delete', '--force', id]);
      assert.equal(left(), '');
      return state.status;
    };
    const served = await leavings(await started(LISTENING));
    const id = `runchart-test-${process.pid}-waits-cold`;
    const bundle = makeBundle(join(work.path, id), shellConfig(LISTENING));
    const child = spawn(join(BUILT, 'runchart'), ['--root', root, 'run', '--bundle', bundle, id]);
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
    });
    await until('it runs', () => text.startsWith('up\n'));
    assert.deepEqual([served, await leavings({ child, id, output: () => text })], ['running', 'running']);
    assert.equal(server.status().idle, 2);
  });

  it('moves much data both ways, and ends where nobody reads any more', async () => {
    const { child, id } = await started(LISTENING);
    const input = Buffer.alloc(8 << 20, 'runchart');
    const exec = (...words: string[]) =>
      spawnSync(program, ['--root', root, 'exec', id, ...words], { input, maxBuffer: 1 << 26 });
    const { status, stdout } = exec('cat');
    assert.equal(status, 0);
    assert.ok(input.equals(stdout));
    const line = `${program} --root ${root} exec ${id} yes | head -n 1; echo $PIPESTATUS`;
    assert.equal(execFileSync('bash', ['-c', line], { encoding: 'utf8' }), 'y\n141\n');
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
});
