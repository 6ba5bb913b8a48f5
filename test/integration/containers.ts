/**
 * Makes real containers for a test file, through the library. Each is deleted when its block ends, and nothing may be
 * left.
 */

import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Container, type CreateOptions, openRuntime, type Runtime } from '../../library/index.ts';
import { S } from '../../native/constants/files.ts';
import type { Config } from '../../spec/types.ts';
import { type shellConfig, workFolder, writeConfig } from './bundle.ts';
import { remains } from './nothing-left.ts';

export type ShellConfig = ReturnType<typeof shellConfig>;

/** Changes a bundle's rootfs before the container is made. */
type Prepare = (rootfs: string, bundle: string) => void;

/** A container that was created but not started. */
interface Created extends AsyncDisposable {
  readonly id: string;
  readonly container: Container;
  readonly pid: number;
  readonly bundle: string;
  /** What it has written to its standard output and error. */
  output(): string;
  /** Starts it and waits for its end. @returns its exit status */
  finish(): Promise<number>;
}

interface Containers {
  /** The work folder; bundles are below it. */
  readonly path: string;
  readonly runtime: Runtime;
  /** The warnings since the last call. A test that expects warnings takes them; otherwise the file fails. */
  takeWarnings(): readonly string[];
  idOf(name: string): string;
  bundle(name: string, config: Config, prepare?: Prepare): string;
  create(name: string, config: Config, options?: Options): Promise<Created>;
  /** Runs a container from its creation to its end and deletion. */
  run(name: string, config: Config, options?: Options): Promise<{ readonly output: string; readonly status: number }>;
  /** Requires that nothing is left, and removes the work folder. */
  close(): void;
}

interface Options extends Partial<Pick<CreateOptions, 'noPivot' | 'noNewKeyring' | 'stdio'>> {
  readonly bundle?: string;
  readonly prepare?: Prepare;
}

/** @param name the name of the test file, which is a part of every container's id */
export function containers(name: string): Containers {
  const work = workFolder(name);
  const root = join(work.path, 'state');
  const prefix = `runchart-test-${process.pid}-${name}-`;
  const warnings: string[] = [];
  const runtime = openRuntime({ root, onWarning: (message) => warnings.push(message) });
  let count = 0;

  const busybox = join(work.path, 'busybox');
  copyFileSync('/bin/busybox', busybox);
  function bundle(title: string, config: Config, prepare?: Prepare): string {
    const folder = join(work.path, `${title}-${++count}`);
    smallRootfs(join(folder, 'rootfs'), busybox);
    writeConfig(folder, config);
    prepare?.(join(folder, 'rootfs'), folder);
    return folder;
  }

  async function create(title: string, config: Config, options: Options = {}): Promise<Created> {
    const { prepare, ...others } = options;
    const folder = options.bundle ?? bundle(title, config, prepare);
    const id = `${prefix}${title}-${++count}`;
    const file = join(work.path, `${id}.output`);
    const output = openSync(file, 'a');
    const input = openSync('/dev/null', 'r');
    let container: Container;
    try {
      container = await runtime.create({ id, bundle: folder, config, stdio: [input, output, output], ...others });
    } finally {
      closeSync(output);
      closeSync(input);
    }
    const { pid = 0 } = await container.state();
    return {
      id,
      container,
      pid,
      bundle: folder,
      output: () => readFileSync(file, 'utf8'),
      async finish() {
        await container.start();
        const { status } = await container.wait();
        return status;
      },
      [Symbol.asyncDispose]: () => container.delete({ force: true }),
    };
  }

  return {
    path: work.path,
    runtime,
    takeWarnings: () => warnings.splice(0),
    idOf: (title) => `${prefix}${title}`,
    bundle,
    create,
    async run(title, config, options) {
      await using created = await create(title, config, options);
      const status = await created.finish();
      return { output: created.output(), status };
    },
    close() {
      runtime.close();
      assert.deepEqual(remains(prefix, work.path), []);
      assert.deepEqual(warnings, []);
      work.remove();
    },
  };
}

/**
 * The commands that the scripts of tests call. Busybox has 400, and links for all of them would take time in hundreds
 * of bundles.
 */
const COMMANDS =
  'cat chmod chown cp cut dd env find grep head hostname id ip kill ln ls mkdir mount mv od ping ps pwd readlink ' +
  'rm sh sleep sort stat sync tail test touch tr true umount wc xargs';

/** A rootfs with those commands. @param busybox on the same file system: it is linked */
export function smallRootfs(rootfs: string, busybox: string): void {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp'])
    mkdirSync(join(rootfs, name), { recursive: true });
  linkSync(busybox, join(rootfs, 'bin/busybox'));
  for (const name of COMMANDS.split(' ')) symlinkSync('busybox', join(rootfs, 'bin', name));
}

/** A file of a process in procfs. */
export const proc = (pid: number, file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');

/** A field of /proc/PID/status. */
export function statusField(pid: number, name: string): string {
  const line = proc(pid, 'status')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`));
  assert.ok(line !== undefined, `/proc/${pid}/status has ${name}`);
  return line.slice(name.length + 1).trim();
}

/**
 * Whether a process has got so far that it handles a signal. Before that, the first process of a pid namespace ignores
 * it.
 */
export function catches(pid: number, signal: number): boolean {
  return ((BigInt(`0x${statusField(pid, 'SigCgt')}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** The identity of a namespace: `pid:[4026531836]`. */
export const namespaceOf = (pid: number | 'self', type: string): string => readlinkSync(`/proc/${pid}/ns/${type}`);

/**
 * The open descriptors by number, without those that are closed meanwhile, such as an init's connection to a command.
 */
export const descriptorsOf = (pid: number): ReadonlyMap<number, string> =>
  new Map(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [[Number(fd), readlinkSync(`/proc/${pid}/fd/${fd}`)] as const];
      } catch {
        return [];
      }
    }),
  );

/** A path as a process sees it. */
export const seenBy = (pid: number, path: string): string => `/proc/${pid}/root${path}`;

const TYPES: ReadonlyMap<number, string> = new Map([
  [S.IFCHR, 'c'],
  [S.IFBLK, 'b'],
  [S.IFDIR, 'd'],
  [S.IFREG, 'f'],
  [S.IFIFO, 'p'],
]);

/** @returns `c 1:3 666 0:0` for a device, `d 755 0:0` for a directory */
export function described(path: string): string {
  const { mode, rdev, uid, gid } = statSync(path);
  const type = TYPES.get(mode & S.IFMT) ?? '?';
  const device = type === 'c' || type === 'b' ? ` ${rdev >> 8}:${rdev & 0xff}` : '';
  return `${type}${device} ${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
}
