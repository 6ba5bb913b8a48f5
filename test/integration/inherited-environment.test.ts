/** What hooks and ps inherit of the caller's environment, beside Debian's runc: the same, to the byte. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { HookName } from '../../spec/types.ts';
import { makeBundle, noContainers, shellConfig, workFolder, writeConfig } from './bundle.ts';
import { noRunc, RUNCHART } from './command-line.ts';
import { PATIENCE } from './patience.ts';

type Entry = string | Buffer;

const work = workFolder('environment');
const bundle = join(work.path, 'bundle');
const root = join(work.path, 'state');
const told = join(work.path, 'told');
const wrapper = join(work.path, 'with-environment');
const id = `runchart-test-${process.pid}-environment`;

/** Those that have the runtime's environment. From runc createContainer's have the container's. */
const KINDS: readonly HookName[] = ['prestart', 'createRuntime', 'poststart', 'poststop'];
const OURS: readonly HookName[] = [...KINDS, 'createContainer'];

/** All that an environment may hold and a shell would not pass on. */
const ODD: readonly Entry[] = [
  ...['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'NODE_NAME=worker-1', 'node_options=--bogus', 'BUN_OPTIONS=--bogus'],
  ...['UV_THREADPOOL_SIZE=1', 'MIMALLOC_VERBOSE=0', 'MIMALLOC_ALLOW_THP=7', 'BUN_JSC_useJIT=1', 'OCLIF_X=1'],
  ...['A=1', 'A=2', '', 'no equals sign', 'no equals sign', '=x', '=y', 'C=', 'é=é', '\uFEFF=\uFEFF', 'line=\n'],
  ...['LISTEN_FDS=0', 'LISTEN_PID=1', 'PWD=/nowhere', 'RUNCHART_NOFILE=1', 'RUNCHART_CWD_DELETED=1'],
  ...['RUNCHART_STAGE=1:2:3', 'RUNCHART_ENVIRONMENT=0', 'A=3', 'GOMAXPROCS=1'],
  ...['B=\xff\xfe', '\xff=\xff', '\xff=again', '\xc3=\xa9'].map((bytes) => Buffer.from(bytes, 'latin1')),
];

const bytesOf = (entries: readonly Entry[]): Buffer =>
  Buffer.concat(entries.flatMap((entry) => [Buffer.from(entry), Buffer.of(0)]));

/** As runc (Go) hands it on. */
function handedOn(entries: readonly Entry[]): readonly Entry[] {
  const names = new Set<string>();
  return entries.filter((entry) => {
    const [name = '', value] = Buffer.from(entry).toString('latin1').split('=', 2);
    const isNew = value === undefined ? name !== '' : !names.has(name);
    if (value !== undefined) names.add(name);
    return isNew;
  });
}

/** A container's life by `run`. @returns what each of its hooks found, and what the container printed */
function run(program: string, environment: readonly Entry[], ...argv: readonly string[]) {
  rmSync(told, { recursive: true, force: true });
  mkdirSync(told);
  const file = join(work.path, 'environment');
  writeFileSync(file, bytesOf(environment));
  const line = [file, program, '--root', root, ...argv];
  const { status, stdout, stderr } = spawnSync(wrapper, line, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000 * PATIENCE,
  });
  if (!argv.includes('checkpoint')) assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  const of = (name: string) => readFileSync(join(told, name), 'latin1');
  return { of, stdout };
}

const runIt = ['run', '--bundle', bundle, id];

describe('the caller’s environment', { skip: noContainers || !existsSync(RUNCHART) }, () => {
  before(() => {
    const source = join(import.meta.dirname, '../build/with-environment.c');
    execFileSync('gcc', ['-O', source, '-o', wrapper]);
    // The shell has none for reading the folder any more.
    const list = 'for fd in /proc/$$/fd/*; do readlink $fd; done; true';
    const config = shellConfig(list);
    // Itself has it: a shell, and what it would execute, would have to find room for more.
    const tell = (name: string) => ({ path: '/bin/cp', args: ['cp', '/proc/self/environ', join(told, name)] });
    const fds = { path: '/bin/sh', args: ['sh', '-c', `(${list}) > ${told}/fds`], env: ['PATH=/bin'] };
    const hooks = Object.fromEntries(OURS.map((name) => [name, [tell(name), fds]]));
    writeConfig(makeBundle(bundle, config), { ...config, hooks });
  });
  after(() => work.remove());

  it('is that of hooks, whatever is in it', () => {
    const { of } = run(RUNCHART, ODD, ...runIt);
    for (const kind of OURS) assert.equal(of(kind), bytesOf(handedOn(ODD)).toString('latin1'), kind);
  });

  it('CVE-2025-23266: is that of createContainer hooks, and not the container’s', () => {
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
    const environment = ['LD_PRELOAD=./evil.so', 'OF=the image'];
    writeConfig(bundle, { ...config, process: { ...config.process, env: ['PATH=/bin', ...environment] } });
    const { of } = run(RUNCHART, ODD, ...runIt);
    assert.equal(of('createContainer'), bytesOf(handedOn(ODD)).toString('latin1'));
    writeConfig(bundle, config);
  });

  it('is that of runc’s hooks', { skip: noRunc }, () => {
    const { of } = run('/usr/sbin/runc', ODD, ...runIt);
    for (const kind of KINDS) assert.equal(of(kind), bytesOf(handedOn(ODD)).toString('latin1'), kind);
  });

  const sizes: Readonly<Record<string, readonly Entry[]>> = {
    'is empty': [],
    'holds the longest variable that there may be': [`BUN_X=${'x'.repeat(131_072 - 7)}`],
    'has 100,000 variables': Array.from({ length: 100_000 }, (_, i) => `${i}=12`),
    // The limit is a quarter of the stack's, 2 MiB, with the arguments.
    'is as large as the kernel allows': Array.from({ length: 16 }, (_, i) => `NODE_${i}=`.padEnd(130_500, 'x')),
  };
  for (const [what, environment] of Object.entries(sizes)) {
    it(`is that of hooks where it ${what}`, () => {
      const { of } = run(RUNCHART, environment, ...runIt);
      for (const kind of OURS) assert.equal(of(kind), bytesOf(environment).toString('latin1'), kind);
    });
  }

  it('is in a file that neither hooks nor the container have open', () => {
    const { of, stdout } = run(RUNCHART, ODD, ...runIt);
    for (const list of [of('fds'), stdout]) {
      assert.match(list, /\/dev\/null|hook-stdin/);
      assert.doesNotMatch(list, /environment/);
    }
  });

  it('is in a file that --preserve-fds does not pass on, wherever that is', () => {
    const script = 'ulimit -Sn 64; exec "$@"';
    const argv = ['-c', script, 'sh', RUNCHART, '--root', root, 'run', '--preserve-fds', '1', '--bundle', bundle, id];
    const { status, stderr } = spawnSync('sh', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    assert.equal(status, 1);
    assert.match(stderr, /unable to stat preserved-fd 0 \(of 1\): descriptor 3 is not open/);
  });

  for (const [name, command] of [
    ['ps', ['ps', id]],
    ['criu', ['checkpoint', '--image-path', join(work.path, 'images'), id]],
  ] as const)
    for (const [who, program] of [
      ['runchart', RUNCHART],
      ['runc', '/usr/sbin/runc'],
    ] as const) {
      it(`is that of ${name}, by ${who}`, { skip: who === 'runc' && noRunc }, () => {
        const bin = join(work.path, 'bin');
        mkdirSync(bin, { recursive: true });
        // It does nothing else, so `checkpoint` fails.
        writeFileSync(join(bin, name), `#!/bin/sh\n/bin/cat /proc/$$/environ > ${told}/${name}\necho PID\n`);
        chmodSync(join(bin, name), 0o755);
        const environment = [`PATH=${bin}`, ...ODD.slice(1)];
        writeConfig(bundle, shellConfig('exec sleep 1000'));
        const others = { stdio: 'ignore', timeout: 60_000 * PATIENCE } as const;
        spawnSync(program, ['--root', root, 'run', '--detach', '--bundle', bundle, id], others);
        try {
          const { of } = run(program, environment, ...command);
          assert.equal(of(name), bytesOf(handedOn(environment)).toString('latin1'));
        } finally {
          spawnSync(program, ['--root', root, 'delete', '--force', id], others);
        }
      });
    }
});
