/** Containers that a test file has from the command line, ours and runc's beside them, and that it leaves nothing of. */

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

/** A container that only waits; TERM ends it with 3. */
export const waiting = () => shellConfig('trap "exit 3" TERM; while :; do sleep 0.05; done');

/** One that costs nothing while it is there, however many there are; a signal that is not KILL does not end it. */
export function resting(): ReturnType<typeof shellConfig> {
  const config = shellConfig('');
  return { ...config, process: { ...config.process, args: ['sleep', '1000'] } };
}

export interface Life {
  readonly id: string;
  /** Of its first process. */
  readonly pid: number;
  readonly bundle: string;
}

interface Talking {
  readonly child: ChildProcess;
  output(): string;
  errors(): string;
  /** The exit status; -1 where a signal ended it. */
  readonly ended: Promise<number>;
}

/**
 * @param name of the test file: part of every container's id
 * @param globals options before each command of ours
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
    /** A bundle for a container of this name. */
    bundle,
    runchart,
    runc,
    idFor,
    /** A container of ours that runs. */
    start: (config: Config = waiting(), ...flags: string[]): Life => run(runchart, config, ...flags),
    /** The same of runc. */
    startRunc: (config: Config = waiting(), ...flags: string[]): Life => run(runc, config, ...flags),
    /** A command that is not waited for. */
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
      // The cache of compiled filters is meant to stay.
      rmSync(join(runchart.root, '@seccomp'), { recursive: true, force: true });
      assert.deepEqual(await remainsAtLast(prefix, work.path), []);
      work.remove();
    },
  };
}

/** Waits until something is so. @throws AssertionError after a while */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 1200 * PATIENCE, `not in time: ${what}`);
    await setTimeout(25);
  }
}
