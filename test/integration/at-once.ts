/** Runs commands at the same time, each in a process of its own that may not hang. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandLine, Ended } from './command-line.ts';

const PATIENCE_MS = 60_000;

/**
 * @param folder where the output goes. It goes to files, since a pipe would end only with the container that inherits
 * it.
 */
export function atOnce(by: CommandLine, folder: string): (...argv: readonly string[]) => Promise<Ended> {
  let count = 0;
  return async (...argv) => {
    const files = ['out', 'err'].map((end) => join(folder, `at-once-${++count}.${end}`));
    const [stdout = 1, stderr = 2] = files.map((file) => openSync(file, 'w'));
    try {
      const child = spawn(by.program, ['--root', by.root, ...argv], {
        stdio: ['ignore', stdout, stderr],
        timeout: PATIENCE_MS,
        killSignal: 'SIGKILL',
      });
      const [status, signal] = await once(child, 'exit');
      const [out = '', err = ''] = files.map((file) => readFileSync(file, 'utf8'));
      assert.equal(signal, null, `${argv.join(' ')} hung or crashed: ${err}`);
      return { status, stdout: out, stderr: err };
    } finally {
      for (const fd of [stdout, stderr]) closeSync(fd);
      for (const file of files) rmSync(file);
    }
  };
}

/** Does something for each of these, a few of them at a time. */
export async function eachOf<T>(all: readonly T[], atATime: number, act: (one: T) => Promise<unknown>): Promise<void> {
  const left = all.values();
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      for (const one of left) await act(one);
    }),
  );
}
