/** Measures `podman run --rm` with each runtime, which is what the user of an engine waits for. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { boxArchive } from '../test/engines/box.ts';
import { openPodman } from '../test/engines/podman/engine.ts';
import { located } from '../test/engines/program.ts';
import { type Figures, measure } from './measure.ts';
import type { Runtime } from './runtimes.ts';

/**
 * @param volatile a folder on a tmpfs, as podman's own folders in /run are
 * @returns nothing if podman is not installed
 */
export async function podmanRuns(
  folder: string,
  volatile: string,
  runtimes: readonly Runtime[],
  rounds: number,
): Promise<readonly Figures[]> {
  const podman = located('podman');
  const [stopwatch] = runtimes.map((runtime) => runtime.stopwatch);
  if (podman === undefined || located('conmon') === undefined || stopwatch === undefined) return [];
  const own = join(folder, 'podman');
  mkdirSync(own);
  const archive = boxArchive(own);
  const engines = runtimes.map(({ name, command }) => {
    const word = name.replaceAll(/\W+/g, '-');
    return { name, engine: openPodman(join(own, word), word, command[0] ?? name, archive, volatile) };
  });
  try {
    return measure(
      engines.map(({ name, engine: { env } }) => ({
        name,
        run: () => stopwatch.time([podman, 'run', '--rm', 'box', 'true'], env),
      })),
      rounds,
    );
  } finally {
    for (const { engine } of engines) {
      const left = await engine.close();
      if (left.length > 0) console.error(`bench: left behind: ${left.join(', ')}`);
    }
  }
}
