/** Two hundred containers at once, and fifty programs at once in one container. */

import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { openRuntime } from '../../library/index.ts';
import { atOnce, eachOf } from './at-once.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { proc } from './containers.ts';
import { lives } from './lives.ts';

const BY_LIBRARY = 150;
const BY_COMMANDS = 50;
const AT_A_TIME = 8;
const EXECS = 50;

describe('many', { skip: noContainers }, () => {
  const host = lives('many');
  const { runchart, prefix } = host;
  const run = atOnce(runchart, host.path);
  after(() => host.close());

  it('200 containers at once: commands show each as it is, and all are deleted', async () => {
    const warnings: string[] = [];
    const runtime = openRuntime({ root: runchart.root, onWarning: (message) => warnings.push(message) });
    const bundle = host.bundle('bundle', shellConfig('exec sleep 1000'));
    const ids = Array.from({ length: BY_LIBRARY + BY_COMMANDS }, (_, i) => `${prefix}c${String(i).padStart(3, '0')}`);
    const [libraries, commands] = [ids.slice(0, BY_LIBRARY), ids.slice(BY_LIBRARY)];
    const nothing = openSync('/dev/null', 'r+');
    const descriptors = readdirSync('/proc/self/fd').length;
    const wanted = (id: string) => ['created', 'running', 'paused'][Number(id.slice(-3)) % 3] ?? '';
    const done = async (...argv: readonly string[]) => {
      const { status, stderr } = await run(...argv);
      assert.deepEqual([status, stderr], [0, ''], argv.join(' '));
    };
    try {
      await Promise.all([
        eachOf(libraries, AT_A_TIME, async (id) => {
          const container = await runtime.create({ id, bundle, stdio: [nothing, nothing, nothing] });
          if (wanted(id) !== 'created') await container.start();
          if (wanted(id) === 'paused') await container.pause();
        }),
        eachOf(commands, AT_A_TIME, async (id) => {
          if (wanted(id) === 'created') return done('create', '-b', bundle, id);
          await done('run', '-d', '-b', bundle, id);
          if (wanted(id) === 'paused') await done('pause', id);
        }),
      ]);
      const listed: { id: string; pid: number; status: string }[] = JSON.parse(runchart('list', '-f', 'json').stdout);
      assert.deepEqual(
        listed.map(({ id, status }) => [id, status]),
        ids.map((id) => [id, wanted(id)]),
      );
      assert.equal(runchart('list', '-q').stdout, ids.map((id) => `${id}\n`).join(''));
      assert.deepEqual(
        (await runtime.list()).map(({ id, status }) => [id, status]),
        ids.map((id) => [id, wanted(id)]),
      );
      for (const { id, pid } of listed) assert.ok(proc(pid, 'cgroup').includes(`/${id}\n`), id);
      assert.equal(new Set(listed.map(({ pid }) => pid)).size, ids.length);
    } finally {
      await Promise.all([
        eachOf(libraries, AT_A_TIME, (id) => runtime.container(id).delete({ force: true })),
        eachOf(commands, AT_A_TIME, (id) => done('delete', '--force', id)),
      ]);
    }
    runtime.close();
    assert.deepEqual(warnings, []);
    assert.deepEqual(runchart('list', '-q'), { status: 0, stdout: '', stderr: '' });
    assert.equal(readdirSync('/proc/self/fd').length, descriptors, 'no descriptor is left open');
    closeSync(nothing);
  });

  it('50 programs at once in one container: each has its own output and status', async () => {
    const { id, pid } = host.start(shellConfig('exec sleep 1000'));
    const script = 'echo "out $1"; echo "err $1" >&2; exit $1';
    const all = await Promise.all(
      Array.from({ length: EXECS }, (_, i) => run('exec', id, 'sh', '-c', script, 'sh', String(i))),
    );
    assert.deepEqual(
      all,
      all.map((_, status) => ({ status, stdout: `out ${status}\n`, stderr: `err ${status}\n` })),
    );
    assert.equal(runchart('ps', '-f', 'json', id).stdout, `[${pid}]\n`, 'no program is left');
  });
});
