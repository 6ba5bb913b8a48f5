/**
 * The containers of a test file, made by the command line, ours or runc's. When the file is done, nothing of them is
 * left.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Config } from '../../spec/types.ts';
import { makeBundle, shellConfig, workFolder } from './bundle.ts';
import { type CommandLine, commandLine, RUNCHART } from './command-line.ts';
import { remainsAtLast } from './nothing-left.ts';
import { PATIENCE } from './patience.ts';

/** The config of a container that only waits. On SIGTERM it exits with status 3. */
export const waiting = () => shellConfig('trap "exit 3" TERM; while :; do sleep 0.05; done');

/** The config of a container that sleeps, and so costs no time, however many there are. Only SIGKILL ends it. */
export function resting(): ReturnType<typeof shellConfig> {
  const config = shellConfig('');
  return { ...config, process: { ...config.process, args: ['sleep', '1000'] } };
}

export interface Life {
  readonly id: string;
  /** The pid of its first process. */
  readonly pid: number;
  readonly bundle: string;
}

interface Talking {
  readonly child: ChildProcess;
  output(): string;
  errors(): string;
  /** The exit status; -1 if a signal ended it. */
  readonly ended: Promise<number>;
}

/**
 * @param name of the test file. It becomes part of every container's id
 * @param globals options that precede each command of ours
 */
export function lives(name: string, globals: readonly string[] = []) {
  const work = workFolder(name);
  const prefix = `runchart-test-${process.pid}-${name}-`;
  const runchart = commandLine(RUNCHART, work.path, 'state', globals);
  const runc = commandLine('runc', work.path, 'runc');
  const made: { readonly by: CommandLine; readonly id: string }[] = [];

  const idFor = (by: CommandLine): string => {
    const id = `${prefix}${made.length}`;
    made.push({ by, id });
    return id;
  };

  function run(by: CommandLine, config: Config, ...flags: string[]): Life {
    const id = idFor(by);
    const folder = bundle(id, config);
    const { status, stderr } = by('run', '--detach', '--bundle', folder, ...flags, id);
    assert.equal(status, 0, stderr);
    return { id, bundle: folder, pid: JSON.parse(by('state', id).stdout).pid };
  }

  const bundle = (id: string, config: Config): string => makeBundle(join(work.path, id), config);

  return {
    path: work.path,
    prefix,
    /** Makes a bundle for a container of this id. */
    bundle,
    runchart,
    runc,
    idFor,
    /** Starts a container of ours. */
    start: (config: Config = waiting(), ...flags: string[]): Life => run(runchart, config, ...flags),
    /** Starts a container of runc's. */
    startRunc: (config: Config = waiting(), ...flags: string[]): Life => run(runc, config, ...flags),
    /** Starts a command, and does not wait for it. */
    spawn(by: CommandLine, ...argv: string[]): Talking {
      const child = spawn(by.program, ['--root', by.root, ...by.globals, ...argv], { stdio: ['pipe', 'pipe', 'pipe'] });
      const text = { output: '', errors: '' };
      child.stdout.on('data', (data) => {
        text.output += data;
      });
      child.stderr.on('data', (data) => {
        text.errors += data;
      });
      const ended = new Promise<number>((resolve) => {
        child.once('close', (status) => resolve(status ?? -1));
      });
      return { child, output: () => text.output, errors: () => text.errors, ended };
    },
    async close(): Promise<void> {
      for (const { by, id } of made) by('delete', '--force', id);
      // Deletions leave the cache of compiled filters in the state root on purpose.
      for (const kept of ['@seccomp', '@failures.jsonl'])
        rmSync(join(runchart.root, kept), { recursive: true, force: true });
      assert.deepEqual(await remainsAtLast(prefix, work.path), []);
      work.remove();
    },
  };
}

/** Waits until a condition holds. @throws AssertionError after a while */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 1200 * PATIENCE, `not in time: ${what}`);
    await setTimeout(25);
  }
}
