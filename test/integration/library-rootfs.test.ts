/** A container without a config.json: a root file system and options. The kernel says what became of them. */

import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  ConfigError,
  type ConfigOptions,
  type ContainerSource,
  type CreateOptions,
  containerConfig,
  openRuntime,
} from '../../library/index.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';

const skip = noContainers;
const work = workFolder('library-rootfs');
const root = join(work.path, 'state');
const runtime = openRuntime({ root });
const idOf = (name: string) => `runchart-test-${process.pid}-${name}`;
const bundle = noContainers ? '' : makeBundle(join(work.path, 'bundle'), shellConfig('echo from the bundle'));
const rootfs = join(bundle, 'rootfs');

after(() => {
  runtime.close();
  assert.deepEqual(
    existsSync(root) ? readdirSync(root).filter((name) => name !== '@seccomp') : [],
    [],
    'no container is left',
  );
  work.remove();
});

/** Runs a container to its end. @returns what it has written */
async function outputOf(name: string, source: ContainerSource): Promise<string> {
  const file = join(work.path, `${name}.output`);
  const fd = openSync(file, 'w');
  const input = openSync('/dev/null', 'r');
  const options: CreateOptions = { ...source, id: idOf(name), stdio: [input, fd, fd] };
  const container = await runtime.create(options).finally(() => {
    closeSync(fd);
    closeSync(input);
  });
  try {
    await container.start();
    await container.wait();
    return readFileSync(file, 'utf8');
  } finally {
    await container.delete({ force: true });
  }
}

const shell = (script: string, options: ConfigOptions = {}) => ({ rootfs, ...options, args: ['sh', '-c', script] });

test('with nothing but a root file system it is confined', { skip }, async () => {
  const output = await outputOf(
    'plain',
    shell(
      'grep -E "^(CapBnd|CapEff|NoNewPrivs|Seccomp):" /proc/self/status; ls /sys/class/net; echo $$ $PWD $PATH; ' +
        'cat /proc/kcore | wc -c; mount -t tmpfs none /tmp && echo mounted; unshare -m true && echo unshared; ' +
        'echo 1 > /proc/sys/kernel/panic; cat /proc/interrupts | wc -c; touch /made && echo made',
    ),
  );
  assert.match(output, /^CapEff:\t00000000a80425fb$/m, "Docker's capabilities");
  assert.match(output, /^CapBnd:\t00000000a80425fb$/m);
  assert.match(output, /^NoNewPrivs:\t1$/m);
  assert.match(output, /^Seccomp:\t2$/m);
  assert.match(output, /^lo$/m);
  assert.doesNotMatch(output, /^(eth|en)/m);
  assert.match(output, /^1 \/ \/usr\/local\/sbin:/m);
  assert.match(output, /^0\n/m, '/proc/kcore is masked');
  assert.doesNotMatch(output, /^(mounted|unshared)$/m);
  assert.match(output, /mount: .*(Operation not permitted|permission denied)/i);
  assert.match(output, /panic: Read-only file system/);
  assert.match(output, /^made$/m, 'the root file system can be written to');
});

test('options: user, environment, directory, mounts, read-only root, limits, host network', { skip }, async () => {
  const data = join(work.path, 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'file'), 'content');
  const output = await outputOf(
    'options',
    shell(
      'echo $(id -u):$(id -g):$(id -G) $GREETING $PWD $(hostname); cat /data/file; echo; touch /data/x 2>&1; ' +
        'touch /made 2>&1; echo tmp > /scratch/x && cat /scratch/x; grep scratch /proc/mounts; ' +
        'readlink /proc/self/ns/net; grep CapEff /proc/self/status; grep NoNew /proc/self/status',
      {
        user: { uid: 1000, additionalGids: [7] },
        env: { GREETING: 'hello' },
        cwd: '/tmp',
        hostname: 'web',
        mounts: [
          { source: data, destination: '/data', readonly: true },
          { tmpfs: '/scratch', size: '1m' },
        ],
        readonly: true,
        network: 'host',
        memory: '64m',
        pids: 50,
        cpus: 0.5,
        seccomp: 'unconfined',
        newPrivileges: true,
      },
    ),
  );
  assert.match(output, /^1000:1000:1000 7 hello \/tmp web$/m);
  assert.match(output, /^content$/m);
  assert.match(output, /\/data\/x: Read-only file system/);
  assert.match(output, /\/made: Read-only file system/);
  assert.match(output, /^tmp$/m);
  assert.match(output, / \/scratch tmpfs .*size=1024k/);
  const { readlinkSync } = await import('node:fs');
  assert.ok(output.includes(readlinkSync('/proc/self/ns/net')), "the program's own network");
  assert.match(output, /^CapEff:\t0000000000000000$/m, 'a user other than root has no capabilities');
  assert.match(output, /^NoNewPrivs:\t0$/m);
});

test('the limits are in the cgroup', { skip }, async () => {
  const container = await runtime.create({
    ...shell('sleep 1000', { memory: '64m', pids: 50 }),
    id: idOf('limits'),
  });
  try {
    const { memory, pids } = await container.stats();
    assert.equal(memory.usage?.limit, 64 * 2 ** 20);
    assert.equal(pids.limit, 50);
  } finally {
    await container.delete({ force: true });
  }
});

test('a bundle whose program is changed, and a config instead of its own', { skip }, async () => {
  assert.equal(await outputOf('bundle', { bundle }), 'from the bundle\n');
  const args = ['sh', '-c', 'echo $A $PWD $(id -u)'];
  assert.equal(await outputOf('changed', { bundle, args, env: ['A=b'], cwd: '/tmp', user: { uid: 5 } }), 'b /tmp 5\n');
  const config = containerConfig(rootfs, { args: ['echo', 'from the builder'] });
  assert.equal(await outputOf('built', { bundle, config }), 'from the builder\n');
});

test('what makes no sense is refused before anything is made, by name', { skip }, async () => {
  const wrong: readonly [object, field: string][] = [
    [{ rootfs, memory: 'much' }, 'memory'],
    [{ rootfs, args: [7] }, 'process.args[0]'],
    [{ rootfs, env: ['x\0y'] }, 'process.env[0]'],
    [{ rootfs: 7 }, 'rootfs'],
    [{}, 'bundle'],
    [{ bundle, config: { ociVersion: '1.0.0', process: { cwd: 7 } } }, 'process.cwd'],
    [{ bundle, args: 'ls' }, 'args'],
    [{ rootfs, args: 'ls' }, 'args'],
    [{ rootfs, env: 7 }, 'env'],
  ];
  for (const [source, field] of wrong) {
    const creation = runtime.create({ ...source, id: idOf('wrong') } as never);
    await assert.rejects(creation, (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.equal(error.field, field, error.message);
      return true;
    });
  }
  const nowhere = runtime.create({ rootfs: join(work.path, 'nowhere'), id: idOf('nowhere') });
  await assert.rejects(nowhere, {
    code: 'FAILED',
    errno: 'ENOENT',
    syscall: 'statx',
    path: join(work.path, 'nowhere'),
  });
  assert.throws(() => containerConfig('relative'), { name: 'ConfigError', field: 'rootfs' });
});
