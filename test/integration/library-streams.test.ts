/** What processes read and write, carried by the library; results, and the limits of what is kept. */

import assert from 'node:assert/strict';
import { existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Container, type Input, type Output, openRuntime } from '../../library/index.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { until } from './lives.ts';

const skip = noContainers;
const work = workFolder('library-streams');
const root = join(work.path, 'state');
const warnings: string[] = [];
const runtime = openRuntime({ root, onWarning: (message) => warnings.push(message) });
const idOf = (name: string) => `runchart-test-${process.pid}-${name}`;
const bundle = noContainers ? '' : makeBundle(join(work.path, 'bundle'), shellConfig('sleep 1000 & wait'));
let container: Container;

before(async () => {
  if (noContainers) return;
  container = await runtime.create({ id: idOf('streams'), bundle, stdio: 'ignore' });
  await container.start();
});

after(async () => {
  if (!noContainers) await container[Symbol.asyncDispose]();
  runtime.close();
  assert.deepEqual(existsSync(root) ? readdirSync(root) : [], [], 'no container is left');
  assert.deepEqual(warnings, []);
  work.remove();
});

const sh = (script: string): readonly string[] => ['sh', '-c', script];
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

test('run tells everything, and leaves nothing', { skip }, async () => {
  const result = await runtime.run({ bundle, args: sh('cat; echo error >&2; exit 3'), stdin: 'some text' });
  const { durationMs, ...others } = result;
  assert.ok(durationMs > 0);
  assert.deepEqual(others, {
    status: 3,
    stdout: 'some text',
    stderr: 'error\n',
    truncated: false,
    outOfMemory: false,
    timedOut: false,
  });
  const { status, signal } = await runtime.run({ bundle, args: sh('kill -9 $$; exit 5'), id: idOf('named') });
  assert.deepEqual(
    { status, signal },
    { status: 5, signal: undefined },
    'the init of a pid namespace takes no such signal',
  );
  await assert.rejects(runtime.run({ bundle, args: ['nothing'] }), /executable file not found/);
  await assert.rejects(runtime.run({ bundle, id: '../x' }), { code: 'INVALID_ARGUMENT' });
  assert.deepEqual(readdirSync(root), [idOf('streams')]);
});

test('no descriptor is left, however a process is made and ends', { skip }, async () => {
  await container.exec({ args: ['true'] });
  await runtime.run({ bundle, args: ['true'] });
  const before = openDescriptors();
  for (let i = 0; i < 5; i++) {
    await container.exec({ args: ['true'], stdin: 'never read' });
    await container.exec({ args: ['nothing'] }).catch(() => undefined);
    await container.exec({ args: ['true'], terminal: true });
    await container.exec({ args: ['nothing'], terminal: true }).catch(() => undefined);
    await container.exec({ args: ['true'], stdin: { file: '/no/such/file' } }).catch(() => undefined);
    await container.exec({ args: ['true'], stdout: { file: '/no/such/file' } }).catch(() => undefined);
    await runtime.run({ bundle, args: ['true'] });
    await runtime.run({ bundle, args: ['nothing'] }).catch(() => undefined);
  }
  // The one that wakes the thread of all waits comes and goes.
  await until('no descriptor is left', () => openDescriptors() <= before);
});

test('all kinds of input reach the process', { skip }, async () => {
  const file = join(work.path, 'input');
  writeFileSync(file, 'from a file');
  const kinds: readonly (readonly [Input, string])[] = [
    ['text', 'text'],
    [{ text: 'inherit' }, 'inherit'],
    [Buffer.from('bytes'), 'bytes'],
    [Readable.from(['a ', 'stream']), 'a stream'],
    [new Blob(['a web stream']).stream(), 'a web stream'],
    [
      (async function* () {
        yield 'an ';
        yield 'iterable';
      })(),
      'an iterable',
    ],
    [{ file }, 'from a file'],
    [openSync(file, 'r'), 'from a file'],
    ['ignore', ''],
  ];
  for (const [stdin, expected] of kinds) {
    const { stdout } = await container.exec({ args: ['cat'], stdin });
    assert.equal(stdout, expected);
  }
  await assert.rejects(container.exec({ args: ['cat'], stdin: 999 }), /stdin: descriptor 999 is not open/);
  const failing = Readable.from(
    (async function* () {
      yield 'x';
      throw new Error('no more');
    })(),
  );
  await assert.rejects(container.exec({ args: ['cat'], stdin: failing }), /^Error: no more$/);
});

test('output goes to all kinds of places', { skip }, async () => {
  const file = join(work.path, 'output');
  const echo = sh('echo out; echo err >&2');
  const write = async (stdout: Output) => {
    const result = await container.exec({ args: echo, stdout });
    assert.equal(result.stdout, '');
    assert.equal(result.stderr, 'err\n');
  };
  await write({ file });
  await write({ file, append: true });
  assert.equal(readFileSync(file, 'utf8'), 'out\nout\n');
  let streamed = '';
  const sink = () =>
    new Writable({
      write: (chunk, _, done) => {
        streamed += chunk;
        done();
      },
    });
  await write(sink());
  await write(
    new WritableStream({
      write(chunk) {
        streamed += Buffer.from(chunk).toString();
      },
    }),
  );
  assert.equal(streamed, 'out\nout\n');
  await write('ignore');
  const both = await container.exec({ args: echo, stderr: 'stdout' });
  assert.equal(both.stdout, 'out\nerr\n');
  // @ts-expect-error on purpose
  await assert.rejects(container.exec({ args: echo, stdout: 'elsewhere' }), /stdout: elsewhere is no place for output/);
});

test('a process is read from and written to while it runs', { skip }, async () => {
  const cat = container.exec({ args: ['cat'], stdin: 'pipe' });
  cat.stdin?.write('one\n');
  const lines = cat.lines();
  assert.equal((await lines.next()).value, 'one');
  cat.stdin?.end('two\nthree');
  assert.deepEqual(await Array.fromAsync(lines), ['two', 'three']);
  assert.equal((await cat).stdout, '', 'the program has read it');
  const web = container.exec({ args: ['tr', 'a-z', 'A-Z'], stdin: 'pipe' });
  const { stdin, stdout } = web.web();
  assert.ok(stdin && stdout);
  const writer = stdin.getWriter();
  await writer.write(Buffer.from('words'));
  await writer.close();
  assert.equal(await new Response(stdout).text(), 'WORDS');
});

test('the init of a container has streams too', { skip }, async () => {
  await using made = await runtime.create({ id: idOf('init'), bundle, args: ['cat'], stdio: 'pipe' });
  const chunks = made.stdout?.toArray();
  made.stdin?.end('early');
  await made.start();
  assert.deepEqual(await made.wait(), { status: 0 });
  assert.equal(Buffer.concat((await chunks) ?? []).toString(), 'early');
});

test('a terminal is one stream, of an init and of exec, with its size', { skip }, async () => {
  const script = 'stty size; read line; echo "got $line"; stty size';
  const talk = async (terminal: NonNullable<Container['terminal']>): Promise<string> => {
    let said = '';
    for await (const chunk of terminal) {
      said += chunk;
      if (!said.includes('30 90\r\n') || said.includes('words')) continue;
      terminal.resize({ width: 100, height: 40 });
      terminal.write('words\n');
    }
    return said;
  };
  const expected = '30 90\r\nwords\r\ngot words\r\n40 100\r\n';
  const executed = container.exec({ args: sh(script), terminal: { width: 90, height: 30 } });
  assert.equal(await talk(executed.terminal ?? assert.fail()), expected);
  assert.equal((await executed.wait()).status, 0);

  await using made = await runtime.create({
    id: idOf('tty'),
    bundle,
    args: sh(script),
    terminal: { width: 90, height: 30 },
  });
  await made.start();
  assert.equal(await talk(made.terminal ?? assert.fail()), expected);

  const captured = await runtime.run({ bundle, args: sh('tty && echo fine'), terminal: true });
  assert.equal(captured.stdout, '/dev/pts/0\r\nfine\r\n');
});

test('what is kept has a limit, and the process is not held up by it', { skip }, async () => {
  const { stdout, truncated } = await container.exec({ args: sh('yes | head -c 300000'), maxBuffer: 1000 });
  assert.equal(stdout, 'y\n'.repeat(500));
  assert.equal(truncated, true);
});

test('a process that others of its kind outlive is told of at once, with all that it wrote', { skip }, async () => {
  const { stdout } = await container.exec({ args: sh('sleep 1000 & head -c 200000 /dev/zero | tr "\\0" x') });
  assert.equal(stdout.length, 200_000);
});

test('1 GB passes, and the memory does not grow', { skip }, async () => {
  const process_ = container.exec({
    args: sh('dd if=/dev/zero bs=1M count=1000 2>/dev/null'),
    stdout: new PassThrough().resume(),
  });
  let most = 0;
  // What grows is what is kept: on a busy machine the engine may put off its collection for a while.
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const timer = setInterval(() => {
    collect();
    most = Math.max(most, process.memoryUsage().rss);
  }, 50);
  const before = process.memoryUsage().rss;
  assert.equal((await process_).status, 0);
  clearInterval(timer);
  assert.ok(most - before < 100 << 20, `${(most - before) >> 20} MB more`);
});

test('a reader that does not read holds the process up', { skip }, async () => {
  const writer = container.exec({ args: sh('head -c 10000000 /dev/zero; echo done >&2') });
  const { stdout } = writer;
  await writer.started;
  await assert.rejects(writer.wait({ timeout: 200 }), { name: 'TimeoutError' });
  let length = 0;
  for await (const chunk of stdout ?? assert.fail()) length += chunk.length;
  assert.equal(length, 10_000_000);
  assert.equal((await writer).stderr, 'done\n');
});

test('further descriptors are 3, 4, … in the process, and its pid is written to a file', { skip }, async () => {
  const file = join(work.path, 'preserved');
  writeFileSync(file, 'third');
  const pidFile = join(work.path, 'pid');
  const fd = openSync(file, 'r');
  const { stdout } = await container.exec({ args: sh('cat <&4'), preserveFds: [0, fd], pidFile });
  assert.equal(stdout, 'third');
  assert.match(readFileSync(pidFile, 'utf8'), /^\d+$/);
  const ran = await runtime.run({ bundle, args: sh('cat <&3'), preserveFds: [openSync(file, 'r')], pidFile });
  assert.equal(ran.stdout, 'third');
  await assert.rejects(container.exec({ args: ['true'], preserveFds: [998] }), /descriptor 998 is not open/);
});
