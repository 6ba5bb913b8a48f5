/**
 * The repository as the test machine gets it: a read-only disk with the sources, what they import, `dist/` and Bun.
 * Tests import `node:test`, which Bun has only for its own runner; in their copy it is guest/node-test.ts.
 */
import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFileSystem } from './file-system.ts';

/** Where the disk is mounted there. */
export const MOUNTED = '/repository';
const SOURCES = '{build,effects,machines,native,runtime,spec,commands,test}/**/*.{ts,mjs}';
const PACKAGES = [
  'koffi',
  '@koromix/koffi-linux-x64',
  'xstate',
  'zod',
  '@oclif/core',
  'fast-check',
  'pure-rand',
  'ajv',
  'fast-deep-equal',
  'fast-uri',
  'json-schema-traverse',
  'require-from-string',
];

export interface Plan {
  /** Test files, from the root of the repository. */
  readonly files: readonly string[];
}

/** @param work a folder, for the disk and what goes into it. @returns the disk */
export async function payload(repository: string, work: string, plan: Plan): Promise<string> {
  const tree = join(work, 'tree');
  const to = (path: string): string => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    return join(tree, path);
  };
  for (const file of globSync(SOURCES, { cwd: repository }))
    writeFileSync(to(file), forGuest(readFileSync(join(repository, file), 'utf8')));
  const programs = ['dist/runchart', 'dist/runchart-engine', 'node_modules/@oven/bun-linux-x64/bin/bun'];
  const others = ['dist/koffi.node', 'package.json', 'tsconfig.json', `native/init/init-${process.arch}`];
  for (const file of [...programs, ...others]) {
    cpSync(join(repository, file), to(file));
    chmodSync(join(tree, file), statSync(join(repository, file)).mode | 0o444);
  }
  for (const name of PACKAGES)
    cpSync(join(repository, 'node_modules', name), to(`node_modules/${name}`), { recursive: true, dereference: true });
  symlinkSync('../@oven/bun-linux-x64/bin/bun', to('node_modules/.bin/bun'));
  writeFileSync(to('test/vm/plan.json'), JSON.stringify(plan));
  // Whatever this machine's umask is: ordinary users start programs from here.
  for (const path of globSync('**/', { cwd: tree })) chmodSync(join(tree, path), 0o755);

  const disk = join(work, 'payload.img');
  await makeFileSystem(tree, disk, '600M');
  return disk;
}

const forGuest = (source: string): string =>
  source.replaceAll("from 'node:test'", `from '${MOUNTED}/test/vm/guest/node-test.ts'`);
