/** Checkpoint and restore by the library, with every kind of standard descriptor. CRIU has to be installed. */

import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { type Container, openRuntime } from '../../library/index.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { noCriu } from './criu.ts';
import { until } from './lives.ts';

const skip = noContainers || noCriu();
const work = workFolder('library-restore');
const root = join(work.path, 'state');
const runtime = openRuntime({ root });
/** It answers each line, on both outputs, and ends with its input. */
const TALKING = 'n=0; while read line; do n=$((n+1)); echo "got $n $line"; echo "error $n" >&2; done; exit 5';
const bundle = noContainers ? '' : makeBundle(join(work.path, 'bundle'), shellConfig(TALKING));
let made = 0;

after(() => {
  runtime.close();
  if (!skip)
    assert.deepEqual(
      readdirSync(root).filter((name) => name !== '@seccomp'),
      [],
      'no container is left',
    );
  work.remove();
});

/** A container that has answered once, and is images now. */
async function checkpointed(): Promise<{ readonly id: string; readonly imagePath: string }> {
  const id = `runchart-test-${process.pid}-restored-${made++}`;
  const imagePath = join(work.path, `${id}.images`);
  const container = await runtime.create({ id, bundle, stdio: 'pipe' });
  await container.start();
  container.stdin?.write('one\n');
  assert.equal(await firstLine(container), 'got 1 one');
  await container.checkpoint({ imagePath });
  return { id, imagePath };
}

async function firstLine({ stdout }: Container): Promise<string> {
  let text = '';
  for await (const chunk of stdout ?? []) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return text.trimEnd();
}

async function ends(container: Container): Promise<void> {
  assert.equal((await container.wait()).status, 5);
  await container.delete();
}

const textOf = async (stream: AsyncIterable<unknown> | undefined): Promise<string> =>
  (await Array.fromAsync(stream ?? [])).join('');

test('restore with pipes goes on where it was', { skip }, async () => {
  const container = await runtime.restore({ ...(await checkpointed()), bundle, stdio: 'pipe' });
  container.stdin?.end('two\n');
  assert.deepEqual(await Promise.all([textOf(container.stdout), textOf(container.stderr)]), [
    'got 2 two\n',
    'error 2\n',
  ]);
  await ends(container);
});

test('restore with files, and with streams of the program', { skip }, async () => {
  const file = join(work.path, 'stderr');
  const stdout = new PassThrough();
  const options = { bundle, stdin: 'two\nthree\n', stdout, stderr: { file } };
  const container = await runtime.restore({ ...(await checkpointed()), ...options });
  await ends(container);
  assert.equal(await textOf(stdout), 'got 2 two\ngot 3 three\n');
  assert.equal(readFileSync(file, 'utf8'), 'error 2\nerror 3\n');
});

test('restore with a descriptor, with nothing, and with what is inherited', { skip }, async () => {
  const file = join(work.path, 'stdout');
  const fd = openSync(file, 'w');
  const container = await runtime.restore({
    ...(await checkpointed()),
    bundle,
    stdin: 'two\n',
    stdout: fd,
    stderr: 'ignore',
  });
  closeSync(fd);
  await ends(container);
  assert.equal(readFileSync(file, 'utf8'), 'got 2 two\n');
  const other = await runtime.restore({
    ...(await checkpointed()),
    bundle,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  assert.equal(await textOf(other.stdout), '');
  await ends(other);
});

test('restore with a terminal', { skip }, async () => {
  const config = shellConfig(TALKING);
  const own = makeBundle(join(work.path, 'terminal'), { ...config, process: { ...config.process, terminal: true } });
  const id = `runchart-test-${process.pid}-restored-terminal`;
  const imagePath = join(work.path, `${id}.images`);
  const seenBy = ({ terminal }: Container): (() => string) => {
    let text = '';
    terminal?.on('data', (data) => {
      text += data;
    });
    return () => text;
  };
  const first = await runtime.create({ id, bundle: own });
  const before = seenBy(first);
  await first.start();
  first.terminal?.write('one\n');
  await until('it answers', () => before().includes('got 1 one'));
  await first.checkpoint({ imagePath });
  const container = await runtime.restore({ id, imagePath, bundle: own });
  const seen = seenBy(container);
  container.terminal?.write('two\n');
  await until('it answers again', () => seen().includes('got 2 two'));
  container.terminal?.write('\x04');
  await ends(container);
});

test('restore without images leaves nothing', { skip }, async () => {
  const { id, imagePath } = await checkpointed();
  rmSync(imagePath, { recursive: true });
  await assert.rejects(runtime.restore({ id, imagePath, bundle, stdio: 'pipe' }), { name: 'OperationError' });
  assert.ok(!existsSync(join(root, id)));
});
