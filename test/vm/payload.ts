/**
 * Makes the disk with the repository for the test machine. It is read-only, and has the sources, what they import,
 * `dist/` and Bun. Tests import `node:test`, which Bun has only for its own runner, so their copies import
 * guest/node-test.ts.
 */
import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Arch, BUN_PACKAGES, hostArch } from '../../build/compiler.ts';
import { makeFileSystem } from './file-system.ts';

/** Where the machine mounts the disk. */
export const MOUNTED = '/repository';
const SOURCES = '{build,commands,conform,effects,library,machines,native,page,runtime,spec,test,watch}/**/*.{ts,mjs}';
const PACKAGES = [
  'koffi',
  'pbf',
  'xstate',
  'zod',
  '@oclif/core',
  'fast-check',
  'pure-rand',
  'ws',
  'ajv',
  'fast-deep-equal',
  'fast-uri',
  'json-schema-traverse',
  'require-from-string',
];

export interface Plan {
  /** Test files, as paths from the root of the repository. */
  readonly files: readonly string[];
}

interface Target {
  readonly arch: Arch;
  /** The folder where runchart is linked for it. */
  readonly dist: string;
}

/**
 * @param work a folder for the disk, and for what goes into it
 * @returns the path of the disk
 */
export async function payload(
  repository: string,
  work: string,
  plan: Plan,
  { arch, dist }: Target = { arch: hostArch(), dist: join(repository, 'dist') },
): Promise<string> {
  const tree = join(work, 'tree');
  const to = (path: string): string => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    return join(tree, path);
  };
  for (const file of globSync(SOURCES, { cwd: repository }))
    writeFileSync(to(file), forGuest(readFileSync(join(repository, file), 'utf8')));
  const bun = `${BUN_PACKAGES[arch]}/bin/bun`;
  const own = [`node_modules/${bun}`, 'package.json', 'tsconfig.json', `native/init/init-${arch}`];
  const units = ['runchart.service', 'runchart.socket'];
  const linked = ['runchart', 'runchart-engine', 'runchart-engine.map', 'koffi.node', ...units].map(
    (name) => [join(dist, name), `dist/${name}`] as const,
  );
  for (const [from, file] of [...own.map((path) => [join(repository, path), path] as const), ...linked]) {
    cpSync(from, to(file));
    chmodSync(join(tree, file), statSync(from).mode | 0o444);
  }
  for (const name of [...PACKAGES, `@koromix/koffi-linux-${arch}`])
    cpSync(join(repository, 'node_modules', name), to(`node_modules/${name}`), { recursive: true, dereference: true });
  symlinkSync(`../${bun}`, to('node_modules/.bin/bun'));
  writeFileSync(to('test/vm/plan.json'), JSON.stringify(plan));
  // Ordinary users start programs from here, so the umask of this machine must not matter.
  for (const path of globSync('**/', { cwd: tree })) chmodSync(join(tree, path), 0o755);

  const disk = join(work, 'payload.img');
  await makeFileSystem(tree, disk, '600M');
  return disk;
}

const forGuest = (source: string): string =>
  source.replaceAll("from 'node:test'", `from '${MOUNTED}/test/vm/guest/node-test.ts'`);
