/** Runs one command of the runtime. */

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';

/** How a command ended. */
export interface Ended {
  /** Its exit status; undefined if it did not end, or was ended by a signal. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether it was killed because it took too long. */
  readonly hung: boolean;
}

/**
 * Runs a command to its end.
 * @throws Error of one line, if the program cannot be executed
 */
export async function command(lab: Lab, argv: readonly string[]): Promise<Ended> {
  // The container inherits them. A pipe would end only with the container.
  const files = ['out', 'err'].map((end) => join(lab.folder, `${nextName()}.${end}`));
  const [stdout = 1, stderr = 2] = files.map((file) => openSync(file, 'w'));
  try {
    const { status, hung } = await ended(lab, ['--root', lab.root, ...argv], stdout, stderr);
    const [out = '', err = ''] = files.map((file) => readFileSync(file, 'utf8'));
    return { status, hung, stdout: out, stderr: err.trim() };
  } finally {
    for (const fd of [stdout, stderr]) closeSync(fd);
    for (const file of files) rmSync(file);
  }
}

const nextName = (): string => `command-${performance.now()}-${Math.random()}`;

function ended(
  lab: Lab,
  argv: readonly string[],
  stdout: number,
  stderr: number,
): Promise<{ status: number | undefined; hung: boolean }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; hung: boolean }>();
  const child = spawn(lab.program, argv, { stdio: ['ignore', stdout, stderr], env: lab.env, cwd: lab.folder });
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, lab.patience);
  child.once('error', (error) => {
    clearTimeout(timer);
    reject(new Error(`execute ${lab.program}: ${error.message}`, { cause: error }));
  });
  child.once('exit', (status) => {
    clearTimeout(timer);
    resolve({ status: status ?? undefined, hung });
  });
  return promise;
}
