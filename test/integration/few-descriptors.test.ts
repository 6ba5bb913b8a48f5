/** A caller with a low hard limit of open files: runc works from 32 on. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { noContainers, shellConfig } from './bundle.ts';
import { RUNCHART } from './command-line.ts';
import { isResident } from './dist.ts';
import { textOf } from './gone-meanwhile.ts';
import { lives, until } from './lives.ts';

const LIMITS = [32, 64, 200, 201, 256, 1024];

describe('with few descriptors', { skip: noContainers }, () => {
  const running = lives('few');
  after(() => running.close());

  /** A script that tells its limits. The config sets none: to raise one takes a right. */
  function telling(script = 'ulimit -Sn; ulimit -Hn') {
    const { process, ...config } = shellConfig(script);
    const { rlimits: _, ...without } = process;
    return { ...config, process: without };
  }

  /** All kinds of namespaces. Some are joined, and each of those is open in the stage for a while. */
  function joining(pid: number) {
    const config = telling();
    const joined = (['ipc', 'uts', 'network', 'pid', 'cgroup'] as const).map((type) => ({
      type,
      path: `/proc/${pid}/ns/${type === 'network' ? 'net' : type}`,
    }));
    const { hostname: _, ...others } = config;
    return { ...others, linux: { ...config.linux, namespaces: [...joined, { type: 'mount' as const }] } };
  }

  function limited(limit: number, argv: readonly string[], inherited: readonly number[] = []) {
    const { status, stdout, stderr } = spawnSync('prlimit', [`--nofile=${limit}:${limit}`, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe', ...inherited],
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  const ours = (...argv: readonly string[]): readonly string[] => [RUNCHART, '--root', running.runchart.root, ...argv];
  const expected = (limit: number) => ({ status: 0, stdout: `${limit}\n${limit}\n`, stderr: '' });

  it('run makes a container, by the launcher’s stage and, under a trace, by the engine’s own', () => {
    const life = running.start();
    for (const limit of LIMITS)
      for (const config of [telling(), joining(life.pid)])
        for (const flags of [[], ['--trace', join(running.path, 'trace')]]) {
          const id = running.idFor(running.runchart);
          const argv = ours(...flags, 'run', '--bundle', running.bundle(id, config), id);
          assert.deepEqual([limit, flags, limited(limit, argv)], [limit, flags, expected(limit)]);
        }
  });

  it('run passes descriptors on', () => {
    const files = Array.from({ length: 6 }, () => openSync('/dev/null', 'r'));
    try {
      for (const limit of LIMITS) {
        const id = running.idFor(running.runchart);
        const bundle = running.bundle(
          id,
          telling('readlink /proc/self/fd/3; readlink /proc/self/fd/8; ls /proc/self/fd | wc -l'),
        );
        const told = limited(limit, ours('run', '--preserve-fds', '6', '--bundle', bundle, id), files);
        // `ls` has also opened the folder that it reads.
        assert.deepEqual([limit, told], [limit, { status: 0, stdout: '/dev/null\n/dev/null\n10\n', stderr: '' }]);
      }
    } finally {
      for (const file of files) closeSync(file);
    }
  });

  it('create, start and exec', async () => {
    for (const limit of LIMITS) {
      const id = running.idFor(running.runchart);
      const folder = running.bundle(id, telling('ulimit -Hn > /tmp/limit; while :; do sleep 0.1; done'));
      const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
      writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, root: { path: 'rootfs' } }));
      const none = { status: 0, stdout: '', stderr: '' };
      const output = openSync(join(running.path, 'output'), 'a');
      const created = spawnSync(
        'prlimit',
        [`--nofile=${limit}:${limit}`, ...ours('create', '--bundle', folder, id)],
        // A pipe would not do: it ends with the container only.
        { stdio: ['ignore', output, output] },
      );
      closeSync(output);
      assert.equal(created.status, 0, textOf(join(running.path, 'output')));
      assert.deepEqual(limited(limit, ours('start', id)), none);
      await until('it has told', () => textOf(join(folder, 'rootfs/tmp/limit')) === `${limit}\n`);
      const told = limited(limit, ours('exec', id, 'sh', '-c', 'ulimit -Sn; ulimit -Hn'));
      assert.deepEqual([limit, told], [limit, expected(limit)]);
      assert.deepEqual(limited(limit, ours('delete', '--force', id)), none);
    }
  });

  const noEngine = isResident && 'by a server, a command has no engine of its own that the launcher tells of a stage';
  it('the launcher’s stage is there even so', { skip: noEngine }, async () => {
    for (const limit of LIMITS) {
      const id = running.idFor(running.runchart);
      const bundle = running.bundle(id, telling('while :; do sleep 0.1; done'));
      // It is looked for in the engine's own environment, and no server takes a `run` that shows what it does.
      const argv = [`--nofile=${limit}:${limit}`, ...ours('--debug', 'run', '--bundle', bundle, id)];
      const child = spawn('prlimit', argv, { stdio: 'ignore' });
      const gone = new Promise((resolve) => child.once('exit', resolve));
      try {
        await until('it runs', () => running.runchart('state', id).stdout.includes('"status": "running"'));
        const told = /RUNCHART_STAGE=\d+:(\d+):(\d+)/.exec(readFileSync(`/proc/${child.pid}/environ`, 'utf8'));
        const ends = [Number(told?.[1]), Number(told?.[2])];
        assert.deepEqual(ends, limit >= 202 ? [200, 201] : limit === 201 ? [200, 199] : [limit - 2, limit - 1]);
      } finally {
        running.runchart('delete', '--force', id);
        await gone;
      }
    }
  });

  it('the library’s standing stage', () => {
    const id = running.idFor(running.runchart);
    const bundle = running.bundle(id, telling());
    const program = `
      import { openRuntime } from ${JSON.stringify(join(import.meta.dirname, '../../library/index.ts'))};
      const runtime = openRuntime({ root: ${JSON.stringify(running.runchart.root)} });
      for (let i = 0; i < 2; i++) {
        const container = await runtime.create({
          id: ${JSON.stringify(id)}, bundle: ${JSON.stringify(bundle)}, stdio: [0, 1, 2] });
        await container.start();
        const { status } = await container.wait();
        await container.delete({ force: true });
        if (status !== 0) process.exitCode = 1;
      }
      runtime.close();`;
    // Node.js has some 25 open for itself.
    for (const limit of LIMITS.map((one) => Math.max(one, 48))) {
      const { stdout } = expected(limit);
      const told = limited(limit, [process.execPath, '--input-type=module-typescript', '-e', program]);
      assert.deepEqual([limit, told], [limit, { ...expected(limit), stdout: stdout + stdout }]);
    }
  });
});
