/** CRIU for tests: the one that RUNCHART_TEST_CRIU names, or the one in PATH, if it works here at all. */

import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../spec/types.ts';
import { shellConfig } from './bundle.ts';
import { type Life, lives, until } from './lives.ts';

const program = process.env.RUNCHART_TEST_CRIU ?? 'criu';

const criu = (...argv: string[]): SpawnSyncReturns<string> =>
  spawnSync(program, argv, { encoding: 'utf8', timeout: 60_000 });

/**
 * Why nothing can be checkpointed here; false if it can. CRIU alone is asked, with a process that is in no container.
 * An old CRIU may not know what a new kernel puts into every process, whatever `criu check` says.
 */
export function noCriu(): string | false {
  if (process.getuid?.() !== 0) return 'CRIU needs root';
  const { error } = criu('--version');
  if (error !== undefined) return 'criu is not installed (nor is one named by RUNCHART_TEST_CRIU)';
  const images = mkdtempSync(join(tmpdir(), 'runchart-test-criu-'));
  const victim = spawn('/bin/busybox', ['sleep', '1000'], { detached: true, stdio: 'ignore', cwd: '/' });
  try {
    const to = ['-D', images, '--log-file', 'log', '-v4'];
    const { status } = criu('dump', '-t', String(victim.pid), ...to);
    if (status === 0) return false;
    const log = readFileSync(join(images, 'log'), 'utf8');
    const said = /Error \((?!criu\/util\.c:\d+\): rlimit)(.*)/.exec(log)?.[1] ?? 'no error in its log';
    return `criu cannot dump a process here: ${said}`;
  } finally {
    victim.kill('SIGKILL');
    rmSync(images, { recursive: true });
  }
}

/** Why memory cannot be dumped before the last dump; false if it can. */
export const noMemoryTracking = (): string | false =>
  criu('check', '--feature', 'mem_dirty_track').status === 0 ? false : 'the kernel does not track dirty memory';

export const noLazyPages = (): string | false =>
  criu('check', '--feature', 'uffd-noncoop').status === 0 ? false : 'the kernel has no userfaultfd for CRIU';

/**
 * From now on, commands of this test process find that CRIU, and no other. @returns the folder that is first in PATH
 */
export function provideCriu(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const found = spawnSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).stdout.trim();
  symlinkSync(found, join(bin, 'criu'));
  process.env.PATH = `${bin}:${process.env.PATH}`;
  return bin;
}

/**
 * A container that writes 1, 2, 3, … to a file of its rootfs, and ends with 3 on TERM. Its output goes to /dev/null,
 * since CRIU does not know files from outside the container.
 * @param before what its shell does first
 */
export function counting(before = ':') {
  const script =
    `exec >/dev/null 2>&1; trap "exit 3" TERM; ${before}; i=0; while :; do i=$((i+1)); echo $i > /count.new; ` +
    'mv /count.new /count; sleep 0.05; done';
  return { ...shellConfig(script), root: { path: 'rootfs', readonly: false } };
}

/** How far the container has counted. */
export const countOf = (bundle: string): number => {
  try {
    return Number(readFileSync(join(bundle, 'rootfs/count'), 'utf8'));
  } catch {
    return 0;
  }
};

/** The containers of a test file, with ways to checkpoint and restore them. */
export function checkpoints(name: string) {
  const host = lives(name);
  const { runchart } = host;
  provideCriu(host.path);
  const well = (...argv: string[]) => assert.deepEqual(runchart(...argv), { status: 0, stdout: '', stderr: '' });
  const images = (id: string): string => join(host.path, `${id}.images`);
  return {
    host,
    well,
    images,
    pidOf: (id: string): number => JSON.parse(runchart('state', id).stdout).pid,
    /** The output of a script that `exec` runs. */
    inside(id: string, script: string): string {
      const { status, stdout, stderr } = runchart('exec', id, 'sh', '-c', script);
      assert.equal(status, 0, stderr);
      return stdout.trim();
    },
    async started(config: Config): Promise<Life> {
      const life = host.start(config);
      await until('it counts', () => countOf(life.bundle) > 2);
      return life;
    },
    /** @param between what happens between the checkpoint and the restore */
    async twice({ id, bundle }: Life, flags: readonly string[] = [], between = () => {}): Promise<void> {
      well('checkpoint', ...flags, '--image-path', images(id), id);
      between();
      const count = countOf(bundle);
      well('restore', '-d', ...flags, '-b', bundle, '--image-path', images(id), id);
      await until('it counts again', () => countOf(bundle) > count);
    },
  };
}
