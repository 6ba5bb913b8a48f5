/** Where tries take place: a folder for all of them, what is made once, and the processes of the harness. */

import { type ChildProcess, execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../../build/compiler.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { noContainers, workFolder } from '../../integration/bundle.ts';
import { adoptOrphans, reapOrphans } from '../../integration/chaos/remains.ts';

/** Why no attack can be tried here; false where they can. */
export const noAttacks: string | false =
  noContainers || (findProgram('gcc') === undefined ? 'gcc is not installed' : false);

const REAPING_MS = 20;

export interface Yard {
  readonly folder: string;
  readonly busybox: string;
  /** A static program made of test/attacks/programs/NAME.c. */
  compiled(name: string): string;
  /** Processes that this one started and waits for. */
  readonly pids: ReadonlySet<number>;
  /** Counts a process among those, until its end. */
  watch(child: ChildProcess): void;
  close(): void;
}

export function openYard(): Yard {
  const work = workFolder('attacks');
  // An ordinary user passes through.
  chmodSync(work.path, 0o755);
  adoptOrphans();
  const pids = new Set<number>();
  // A container's first process ends only once all in its pid namespace are reaped, orphans of commands too.
  const kernel = hostPlatform().local;
  const reaper = setInterval(() => reapOrphans(kernel, [...pids]), REAPING_MS);
  const busybox = join(work.path, 'busybox');
  copyFileSync('/bin/busybox', busybox);
  const programs = join(work.path, 'programs');
  mkdirSync(programs);
  chmodSync(programs, 0o755);
  return {
    folder: work.path,
    busybox,
    compiled(name) {
      const program = join(programs, name);
      const source = join(import.meta.dirname, '../programs', `${name}.c`);
      if (!existsSync(program)) execFileSync('gcc', ['-O2', '-static', '-Wall', '-Werror', '-o', program, source]);
      chmodSync(program, 0o755);
      return program;
    },
    pids,
    watch(child) {
      const { pid } = child;
      if (pid === undefined) return;
      pids.add(pid);
      child.once('exit', () => pids.delete(pid));
    },
    close() {
      clearInterval(reaper);
      rmSync(work.path, { recursive: true, force: true });
    },
  };
}
