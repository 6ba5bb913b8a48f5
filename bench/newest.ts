/**
 * Brings the newest crun and runc that Debian has (of sid) onto this machine, to be measured beside its own. Nothing is
 * installed: the packages are unpacked into a folder, with the libraries that they need.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../build/compiler.ts';
import { sourcesFor } from '../test/vm/apt-sources.ts';

const SUITE = 'sid';
const PROGRAMS: Readonly<Record<string, string>> = { crun: 'usr/bin/crun', runc: 'usr/sbin/runc' };

/**
 * They are made once, and kept in `~/.cache/runchart`. To get newer ones, remove the folder.
 * @returns the paths by name. It is empty if they cannot be had, and the reason is printed.
 */
export function newestPeers(): ReadonlyMap<string, string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'runchart');
  const folder = join(cache, `peers-${SUITE}`);
  try {
    if (!existsSync(folder)) make(cache, folder);
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n').toReversed();
    console.log(`the crun and runc of Debian ${SUITE} are left out: ${reason}`);
    return new Map();
  }
  return new Map(Object.keys(PROGRAMS).map((name) => [name, join(folder, name)]));
}

function make(cache: string, folder: string): void {
  for (const program of ['mmdebstrap', 'apt-config'])
    if (findProgram(program) === undefined) throw new Error(`${program} is not installed`);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'making-'));
  try {
    const root = join(work, 'root');
    const { options, lists } = sourcesFor(SUITE, work);
    const include = `--include=${['patchelf', ...Object.keys(PROGRAMS)].join(',')}`;
    // Packages are only unpacked: their scripts would run.
    run('mmdebstrap', ['--quiet', '--mode=root', '--variant=extract', include, ...options, SUITE, root, ...lists]);
    renameSync(work, folder);
    bind(folder, join(folder, 'root'));
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Writes the paths of the loader and of the libraries into the programs. So each starts as it does on its own Debian,
 * and what it starts (an engine's monitor, a hook) does not get these libraries, as by LD_LIBRARY_PATH.
 */
function bind(folder: string, root: string): void {
  const libraries = join(
    root,
    'usr/lib',
    readdirSync(join(root, 'usr/lib')).find((name) => /-linux-gnu$/.test(name)) ?? '',
  );
  const loader = join(libraries, readdirSync(libraries).find((name) => /^ld-linux-.*\.so\.\d$/.test(name)) ?? '');
  const patchelf = [loader, '--library-path', libraries, join(root, 'usr/bin/patchelf')] as const;
  for (const [name, path] of Object.entries(PROGRAMS)) {
    const [program, ...args] = patchelf;
    // With RPATH, unlike RUNPATH, the libraries find each other there as well.
    const how = ['--set-interpreter', loader, '--force-rpath', '--set-rpath', libraries];
    run(program, [...args, ...how, '--output', join(folder, name), join(root, path)]);
  }
}

/** @throws Error whose last line is the last that the program has printed */
function run(program: string, args: readonly string[]): void {
  try {
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
  } catch (error) {
    const told = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new Error(`${program} failed: ${told.split('\n').at(-1)}`);
  }
}
