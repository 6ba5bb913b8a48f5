/** The pipes that a foreground command has from its caller: what a process in the container can do to them, and how they end. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, copyFileSync, fstatSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { findCompiler, hostArch } from '../../build/compiler.ts';
import { fcntl } from '../../native/calls/files.ts';
import { F, O } from '../../native/constants/files.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { Config } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { RUNCHART } from './command-line.ts';
import { lives, resting, until } from './lives.ts';
import { PATIENCE } from './patience.ts';

const F_GETPIPE_SZ = 1032;
const { local } = hostPlatform();

function pipe(): { readonly reading: number; readonly writing: number } {
  const pair = out(8);
  call(local, { name: 'pipe2', args: [pair, O.CLOEXEC] });
  return { reading: viewOf(pair.bytes).getInt32(0, true), writing: viewOf(pair.bytes).getInt32(4, true) };
}

/** All that comes out of a pipe until nobody writes to it any more, its own writing end being closed here first. */
function drained({ reading, writing }: ReturnType<typeof pipe>): string {
  closeSync(writing);
  const text = Buffer.alloc(1 << 20);
  let length = 0;
  for (let more = -1; more !== 0; length += more) more = readSync(reading, text, length, text.length - length, null);
  closeSync(reading);
  return text.toString('latin1', 0, length);
}

describe('the pipes of a foreground command', { skip: noContainers }, () => {
  const host = lives('caller-pipes');
  const { runchart } = host;
  after(() => host.close());

  type Stdio = (number | 'ignore' | 'pipe')[];
  const statusOf = (child: ChildProcess) =>
    new Promise<number>((resolve) => {
      child.once('exit', (status) => resolve(status ?? -1));
    });
  const started = (stdio: Stdio, ...argv: string[]) =>
    spawn(RUNCHART, ['--root', runchart.root, ...argv], { stdio, detached: true });
  const ended = (stdio: Stdio, ...argv: string[]) => statusOf(started(stdio, ...argv));
  /** By `sh`, with real pipes between its commands. */
  const shell = (line: string, ...argv: string[]): string => {
    const given = ['-c', line, 'sh', RUNCHART, '--root', runchart.root, ...argv];
    return execFileSync('bash', given, { encoding: 'latin1', maxBuffer: 1 << 26, timeout: 60_000 * PATIENCE });
  };
  /** @returns its arguments for `run` */
  const made = (config: Config): readonly string[] => {
    const id = host.idFor(runchart);
    return ['run', '--bundle', host.bundle(id, config), id];
  };
  const asUser = (config: Config): Config => ({
    ...config,
    process: { ...config.process, cwd: '/', user: { uid: 1000, gid: 1000 }, capabilities: {} },
  });

  describe('are out of reach for what runs in the container', () => {
    const compiler = findCompiler(hostArch());
    const skip = compiler === undefined && 'no C compiler is installed';
    const program = join(host.path, 'pipe-thief');
    if (compiler !== undefined)
      execFileSync(compiler, [
        '-O1',
        '-static',
        '-nostdlib',
        '-fno-stack-protector',
        '-o',
        program,
        join(import.meta.dirname, 'pipe-thief.c'),
      ]);

    /** @param run starts the thief with these descriptors, and ends with its status */
    async function rob(run: (stdio: Stdio) => Promise<number>): Promise<void> {
      const [input, output, error] = [pipe(), pipe(), pipe()];
      const ends = [input.reading, output.writing, error.writing];
      const look = () =>
        ends.map((fd) => {
          const { uid, gid, mode } = fstatSync(fd);
          const [flags, size] = [F.GETFL, F_GETPIPE_SZ].map((command) => attempt(local, fcntl(fd, command, 0)));
          return { flags, size, uid, gid, mode };
        });
      writeSync(output.writing, 'a secret of another writer');
      const before = look();
      assert.equal(await run(ends), 0);
      assert.deepEqual(look(), before);
      assert.equal(drained(error), 'stolen: ');
      assert.equal(drained(output), 'a secret of another writer');
      assert.equal(drained(input), '');
    }

    for (const [who, change] of [
      ['a user without rights', asUser],
      ['root', (config: Config) => config],
    ] as const) {
      it(`of \`run\`, by ${who}`, { skip }, async () => {
        const config = shellConfig('');
        const id = host.idFor(runchart);
        const bundle = host.bundle(id, change({ ...config, process: { ...config.process, args: ['/thief'] } }));
        copyFileSync(program, join(bundle, 'rootfs/thief'));
        await rob((stdio) => ended(stdio, 'run', '--bundle', bundle, id));
      });

      it(`of \`exec\`, by ${who}`, { skip }, async () => {
        const { id, bundle } = host.start(change(resting()));
        copyFileSync(program, join(bundle, 'rootfs/thief'));
        await rob((stdio) => ended(stdio, 'exec', id, '/thief'));
      });
    }
  });

  it('are handed on with --detach: whoever asks for it has given them for that', async () => {
    const [output, error] = [pipe(), pipe()];
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, shellConfig('stat -Lc %i /proc/self/fd/1'));
    assert.equal(await ended(['ignore', output.writing, error.writing], 'run', '--detach', '--bundle', bundle, id), 0);
    const { ino } = fstatSync(output.writing);
    assert.equal(drained(output), `${ino}\n`);
    assert.equal(drained(error), '');
  });

  it('bring all, in order, and end', () => {
    const data = 'seq 1 400000';
    const sum = (text: string) => createHash('sha256').update(text).digest('hex');
    const plain = execFileSync('sh', ['-c', data], { encoding: 'latin1', maxBuffer: 1 << 26 });
    assert.equal(sum(shell('seq 1 400000 | "$@" | cat', ...made(shellConfig('cat')))), sum(plain));
    const { id } = host.start(resting());
    assert.equal(sum(shell('seq 1 400000 | "$@" | cat', 'exec', id, 'cat')), sum(plain));
    assert.equal(sum(shell('"$@" | (sleep 0.5; cat)', 'exec', id, 'sh', '-c', data)), sum(plain));
  });

  it('that are one and the same keep what is written to them in order', () => {
    const script = 'i=0; while [ $i -lt 300 ]; do echo out$i; echo err$i >&2; i=$((i+1)); done';
    const expected = Array.from({ length: 300 }, (_, i) => `out${i}\nerr${i}\n`).join('');
    assert.equal(shell('"$@" 2>&1 | cat', ...made(shellConfig(script))), expected);
    const { id } = host.start(resting());
    assert.equal(shell('"$@" 2>&1 | cat', 'exec', id, 'sh', '-c', script), expected);
  });

  it('that nobody reads are told to who writes, be it little or much', () => {
    const { id } = host.start(resting());
    // By SIGPIPE: 128 + 13. A container's first process is not ended by it.
    const status = (line: string, ...argv: string[]) =>
      shell(`${line}; echo $PIPESTATUS`, ...argv)
        .split('\n')
        .at(-2);
    assert.equal(status('"$@" | head -c 1 >/dev/null', 'exec', id, 'yes'), '141');
    assert.equal(status('"$@" | head -c 1 >/dev/null', ...made(shellConfig('yes; exit $?'))), '141');
    // It writes but once, when the reader has gone long since.
    assert.equal(status('"$@" | true', 'exec', id, 'sh', '-c', 'sleep 0.5; exec echo 1'), '141');
  });

  it('that are closed stay closed, or lead to /dev/null', () => {
    const { id } = host.start(resting());
    assert.equal(shell('"$@" <&- | cat', 'exec', id, 'sh', '-c', 'cat; echo done'), 'done\n');
    assert.equal(shell('"$@" 2>&- | cat', 'exec', id, 'sh', '-c', 'echo err >&2; echo done'), 'done\n');
    assert.equal(shell('"$@" 2>&1 >&- | cat', 'exec', id, 'sh', '-c', 'echo out; echo done >&2'), 'done\n');
  });

  it('hold what a caller reads later that waits first, line for line', async () => {
    const output = pipe();
    const { id } = host.start(resting());
    // Half of what a pipe holds, in 500 writes: pieces that are copied need not fill its pages, with runc neither.
    const line = 'x'.repeat(59);
    const script = `i=0; while [ $i -lt 500 ]; do echo ${line}; i=$((i+1)); done`;
    assert.equal(await ended(['ignore', output.writing, 'ignore'], 'exec', id, 'sh', '-c', script), 0);
    assert.equal(drained(output), `${line}\n`.repeat(500));
  });

  it('are heard as long as something of an exec’s is left, and until somebody ends it', async () => {
    const { id } = host.start(resting());
    assert.equal(shell('"$@" | cat', 'exec', id, 'sh', '-c', '(sleep 0.5; echo later) & echo now'), 'now\nlater\n');
    const output = pipe();
    const child = started(['ignore', output.writing, 'ignore'], 'exec', id, 'sh', '-c', 'sleep 1000 & exit 5');
    const status = statusOf(child);
    const isLeft = () => shell('"$@"', 'exec', id, 'ps').includes('sleep 1000');
    await until('the process has ended', () => {
      const children = execFileSync('cat', [`/proc/${child.pid}/task/${child.pid}/children`], { encoding: 'utf8' });
      return isLeft() && children.trim() === '';
    });
    child.kill('SIGTERM');
    assert.equal(await status, 5);
    assert.equal(drained(output), '');
  });

  it('of a container that has ended are not waited for', () => {
    const config = shellConfig('(trap "" HUP TERM; sleep 1000) & echo now');
    assert.equal(shell('"$@" | cat', ...made(config)), 'now\n');
    const namespaces = config.linux?.namespaces?.filter(({ type }) => type !== 'pid') ?? [];
    assert.equal(shell('"$@" | cat', ...made({ ...config, linux: { ...config.linux, namespaces } })), 'now\n');
    // One that writes on and on is heard up to the end of the first process.
    const { linux, ...others } = shellConfig('yes & sleep 0.2; exit 3');
    const endless = made({ ...others, linux: { ...linux, namespaces } });
    assert.equal(shell('"$@" | cat >/dev/null; echo $PIPESTATUS', ...endless), '3\n');
  });

  it('may be opened again by the container’s user, in a user namespace and out of it, by exec too', () => {
    const script = 'cat </dev/stdin; echo out >/dev/stdout; echo err >/dev/stderr';
    const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const inNamespace = (config: Config): Config => ({
      ...config,
      linux: {
        ...config.linux,
        namespaces: [...(config.linux?.namespaces ?? []), { type: 'user' }],
        uidMappings: mappings,
        gidMappings: mappings,
      },
    });
    for (const change of [(config: Config) => config, inNamespace]) {
      assert.equal(shell('echo in | "$@" 2>&1 | cat', ...made(change(asUser(shellConfig(script))))), 'in\nout\nerr\n');
      const { id } = host.start(change(resting()));
      const exec = ['exec', '--user', '1000:1000', '--cwd', '/', id, 'sh', '-c', script];
      assert.equal(shell('echo in | "$@" 2>&1 | cat', ...exec), 'in\nout\nerr\n');
    }
  });

  it('are read no further than the process reads, but for what a pipe holds', () => {
    const { id } = host.start(resting());
    const left = Number(
      shell(
        'head -c 1000000 /dev/zero | (head -c 0; "$@" >/dev/null; wc -c)',
        'exec',
        id,
        'sh',
        '-c',
        'exec <&-; sleep 0.3',
      ),
    );
    assert.ok(left >= 1_000_000 - 2 * 65_536, `${left} bytes of 1000000 are left`);
  });
});
