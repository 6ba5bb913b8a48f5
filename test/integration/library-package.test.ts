/** The npm package as its users get it: installed from the tarball into an empty project, checked, and run. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ARCHITECTURES, findCompiler } from '../../build/compiler.ts';
import manifest from '../../package.json' with { type: 'json' };
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '../..');
const tool = (name: string): string => join(repository, 'node_modules/.bin', name);
const uncompiled = ARCHITECTURES.filter((arch) => findCompiler(arch) === undefined);
const skip = uncompiled.length > 0 ? `no compiler for ${uncompiled.join(', ')}` : false;
const MOST_BYTES = 15e6;

const work = workFolder('library-package');
const project = join(work.path, 'project');
/** Why the package could not be installed: no network. */
let absent: string | undefined;

before(async () => {
  if (skip !== false) return;
  await run(tool('node'), ['build/library.ts', '--all'], { cwd: repository });
  const packed = await npm(repository, 'pack', '--ignore-scripts', '--json', '--pack-destination', work.path);
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
  const types = `@types/node@${manifest.devDependencies['@types/node']}`;
  const options = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await npm(project, 'install', ...options, join(work.path, filename), types);
  } catch (error) {
    if (!(error instanceof Error) || !/\b(E(NOTFOUND|AI_AGAIN|TIMEDOUT|CONNREFUSED)|ENOTCACHED)\b/.test(error.message))
      throw error;
    absent = 'npm does not reach its registry';
  }
});

after(() => work.remove());

async function npm(cwd: string, ...argv: readonly string[]): Promise<string> {
  const { stdout } = await run('npm', argv, {
    cwd,
    maxBuffer: 64 << 20,
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
  });
  return stdout;
}

test('it brings what a program needs, and no more', { skip }, (t) => {
  if (absent !== undefined) return t.skip(absent);
  const modules = join(project, 'node_modules');
  const packages = readdirSync(modules).filter((name) => !name.startsWith('.'));
  for (const name of packages) assert.doesNotMatch(name, /oclif|^node-linux|^@oven|typescript/);
  const ours = packages.filter((name) => !['koffi', '@koromix', '@types', 'undici-types'].includes(name));
  const bytes = ours.map((name) => [name, bytesBelow(join(modules, name))] as const);
  const total = bytes.reduce((sum, [, size]) => sum + size, 0);
  t.diagnostic(`${(total / 1e6).toFixed(1)} MB: ${bytes.map(([name, size]) => `${name} ${size}`).join(', ')}`);
  assert.ok(total < MOST_BYTES, `${total} bytes`);
  const library = join(modules, 'runchart/dist/library');
  for (const arch of ARCHITECTURES) statSync(join(library, `native/init/init-${arch}`));
  for (const file of ['README.md', 'LICENSE']) statSync(join(modules, 'runchart', file));
  const map = JSON.parse(readFileSync(join(library, 'library/index.js.map'), 'utf8'));
  assert.match(map.sourcesContent[0], /export function openRuntime/);
});

function bytesBelow(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.reduce((sum, one) => sum + (one.isFile() ? statSync(join(one.parentPath, one.name)).size : 0), 0);
}

const PROGRAM = `
import { type Config, type ContainerEvent, openRuntime, RunchartError } from 'runchart';

const [, , root = '', rootfs = '', id = ''] = process.argv;
const runtime = openRuntime({ root });
const events: ContainerEvent['type'][] = [];
using _ = runtime.subscribe(({ type }) => events.push(type));
const container = await runtime.create({ id, rootfs, args: ['sh', '-c', 'exit 7'], pids: 20 });
const config: Config = await container.config();
await container.start();
const { status } = await container.wait();
await container.delete();
try {
  await container.start();
} catch (error) {
  if (!(error instanceof RunchartError)) throw error;
  const { code, id: of } = error;
  console.log(JSON.stringify({ status, code, of, pids: config.linux?.resources?.pids?.limit, last: events.at(-1) }));
  // Where the sources are not, a map leads to them.
  console.log(error.cause instanceof Error ? error.cause.stack : '');
}
runtime.close();
`;

test('its types are right, in strict mode and with its dependencies’ own', { skip }, async (t) => {
  if (absent !== undefined) return t.skip(absent);
  writeFileSync(join(project, 'program.ts'), PROGRAM);
  const compilerOptions = { module: 'nodenext', target: 'esnext', strict: true, noEmit: true, types: ['node'] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  await run(tool('tsc'), ['-p', project]).catch((error: { readonly stdout: string }) => assert.fail(error.stdout));
});

for (const engine of ['node', 'bun'])
  test(`it makes containers in ${engine}`, { skip: skip || noContainers }, async (t) => {
    if (absent !== undefined) return t.skip(absent);
    writeFileSync(join(project, 'program.ts'), PROGRAM);
    const rootfs = join(makeBundle(join(work.path, engine), shellConfig('')), 'rootfs');
    const id = `runchart-test-${process.pid}-${engine}`;
    const argv = [...(engine === 'node' ? ['--enable-source-maps'] : []), 'program.ts'];
    const { stdout } = await run(tool(engine), [...argv, join(work.path, 'state'), rootfs, id], { cwd: project });
    const [line = '', ...stack] = stdout.split('\n');
    assert.deepEqual(JSON.parse(line), { status: 7, code: 'NOT_FOUND', of: id, pids: 20, last: 'deleted' });
    if (engine === 'node')
      assert.match(stack.join('\n'), /runtime\/store\/\w+\.ts:\d+/, 'the map leads to the sources');
  });
