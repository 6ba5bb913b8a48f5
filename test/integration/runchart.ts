/** Runs dist/runchart in tests, with a state root for the test alone. */

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DIST } from './dist.ts';

const executable = join(DIST, 'runchart');

interface Outcome {
  readonly status: number | null;
  /** The output of both streams. */
  readonly output: string;
}

/** @param folder a folder for the state root and for what containers print */
export function runchart(folder: string) {
  const root = join(folder, 'root');
  const printed = join(folder, 'printed');

  function command(...args: readonly string[]): Outcome {
    const fd = openSync(printed, 'w');
    try {
      // A container that is left running would hold a pipe.
      const { status } = spawnSync(executable, ['--root', root, ...args], {
        stdio: ['ignore', fd, fd],
        timeout: 60_000,
      });
      return { status, output: readFileSync(printed, 'utf8') };
    } finally {
      closeSync(fd);
    }
  }

  const stateOf = (id: string): string | undefined => {
    const { status, output } = command('state', id);
    return status === 0 ? JSON.parse(output).status : undefined;
  };

  /**
   * Creates and starts a container, waits for its end, and deletes it. @returns what it printed, or what `create` or
   * `start` said
   */
  async function life(bundle: string, id: string): Promise<Outcome> {
    const fd = openSync(join(folder, 'container'), 'w');
    try {
      const args = ['--root', root, 'create', '--bundle', bundle, id];
      const { status } = spawnSync(executable, args, { stdio: ['ignore', fd, fd], timeout: 60_000 });
      if (status !== 0) return { status, output: readFileSync(join(folder, 'container'), 'utf8') };
      const started = command('start', id);
      if (started.status === 0) while (stateOf(id) === 'running') await setTimeout(20);
      const deleted = command('delete', '--force', id);
      if (started.status !== 0) return started;
      return { status: deleted.status, output: readFileSync(join(folder, 'container'), 'utf8') };
    } finally {
      closeSync(fd);
    }
  }

  return { root, executable, command, stateOf, life };
}
