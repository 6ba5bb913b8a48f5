/** The way that a container has come in its present life. Pure. */

import type { Line } from '../spec/watch/lines.ts';
import type { Run } from './lives.ts';

export interface Life {
  /** The places that it came by, in their order. */
  readonly path: readonly string[];
  /** Those of them whose effects failed. */
  readonly broken: readonly string[];
}

/** @param runs of one container, the oldest first. An earlier container of the same name is left out */
export function lifeOf(runs: readonly Run[]): Life {
  let path: string[] = [];
  let broken: string[] = [];
  for (const { id, lines } of runs)
    for (const line of lines) {
      if (isState(line, id)) {
        const isBirth =
          line.state === 'absent' || (/^(?:creating|restoring)\.cgroup$/.test(line.state) && path.at(-1) !== 'absent');
        if (isBirth) [path, broken] = [[], []];
        if (path.at(-1) !== line.state) path.push(line.state);
      } else if (line.type === 'failure') {
        // What has no phase of its own failed where the container is: `pause` in `running.pausing`.
        const place = placeOfFailure(path, line.during) ?? path.at(-1);
        if (place !== undefined) broken.push(place);
      }
    }
  return { path, broken };
}

const isState = (line: Line, id: string): line is Extract<Line, { type: 'state' }> =>
  line.type === 'state' && line.id === id;

/**
 * The place that a failure belongs to: `creating.mounts` for `mounts`, `creating.createRuntimeHooks` for `createRuntime
 * hooks`. A phase may be left before its work is done: its failure is told in a later one.
 */
export function placeOfFailure(places: readonly string[], during: string): string | undefined {
  const name = during.replace(/ hooks$/, 'Hooks');
  return places.findLast((place) => place.split('.').at(-1) === name);
}
