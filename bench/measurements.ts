/** What is measured, in the order in which it is printed. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { makeBundle } from '../test/integration/bundle.ts';
import { restrictedConfig } from './configs.ts';
import { type Figures, measure, quantile, type Sample } from './measure.ts';
import { podmanRuns } from './podman.ts';
import { invoke, type Runtime } from './runtimes.ts';
import { together } from './stopwatch.ts';

export interface Bench {
  /** A folder for bundles. */
  readonly folder: string;
  /** A folder on a tmpfs, for state roots. */
  readonly states: string;
  /** Whether cgroup v2 alone is mounted. */
  readonly unified: boolean;
  /** Whether that is so only in a mount namespace of the bench. */
  readonly ownView: boolean;
  /** runchart first. */
  readonly runtimes: readonly Runtime[];
  /** Of a container that ends at once. */
  readonly bundle: string;
  /** Of one that does not end. */
  readonly sleeper: string;
  readonly rounds: number;
}

interface Measurement {
  readonly title: string;
  /** Whether it shows what a resident server gives. */
  readonly resident?: true;
  /** @returns the figures of each runtime; none if it cannot be measured here */
  take(bench: Bench): readonly Figures[] | Promise<readonly Figures[]>;
}

const peersAmong = (runtimes: readonly Runtime[]) =>
  runtimes.filter(({ name, server }) => !name.startsWith('runchart') && server === undefined);

export const MEASUREMENTS: readonly Measurement[] = [
  {
    title: '`run`',
    resident: true,
    take: ({ runtimes, bundle, rounds }) => measure(runtimes.map(runOf(bundle)), rounds),
  },
  {
    title: '`run`, a fifth of a second after another',
    take: ({ runtimes, bundle, rounds }) => measure(runtimes.map(runOf(bundle)), Math.ceil(rounds / 2), 200),
  },
  {
    title: "`run` with docker's default seccomp profile and limits",
    resident: true,
    take({ runtimes, folder, unified, rounds }) {
      const restricted = makeBundle(join(folder, 'restricted'), restrictedConfig(unified));
      return measure(runtimes.map(runOf(restricted)), rounds);
    },
  },
  {
    title: '`create`, `start`, `delete`',
    resident: true,
    take: ({ runtimes, bundle, rounds }) => measure(runtimes.map(lifeOf(bundle)), rounds),
  },
  {
    title: '`state`',
    resident: true,
    take: ({ runtimes, bundle, rounds }) =>
      withCreated(runtimes, bundle, () =>
        measure(
          runtimes.map((one) => commandOf('state', keptBy(one))(one)),
          rounds,
        ),
      ),
  },
  {
    title: '`exec`',
    resident: true,
    take({ runtimes, sleeper, rounds }) {
      return withCreated(runtimes, sleeper, () => {
        for (const one of runtimes) invoke(one, 'start', keptBy(one));
        return measure(
          runtimes.map((one) => commandOf('exec', keptBy(one), 'true')(one)),
          rounds,
        );
      });
    },
  },
  {
    title: '`podman run --rm`',
    resident: true,
    // The bench's own view of cgroup v2 lacks controllers that podman takes for granted.
    take: ({ runtimes, folder, states, ownView, rounds }) =>
      ownView ? [] : podmanRuns(folder, states, runtimes, Math.ceil(rounds / 2)),
  },
  {
    title: 'the library, a container',
    take: ({ runtimes, bundle, states, rounds }) => [
      library('life', states, bundle, rounds * 3),
      ...measure(peersAmong(runtimes).map(runOf(bundle)), rounds),
    ],
  },
  {
    title: 'the library, a container whose output is captured',
    take: ({ runtimes, bundle, states, rounds }) => [
      library('captured', states, bundle, rounds * 3),
      ...measure(peersAmong(runtimes).map(runOf(bundle)), rounds),
    ],
  },
  {
    title: 'the library, an `exec` whose output is captured',
    take({ runtimes, sleeper, states, rounds }) {
      const peers = peersAmong(runtimes);
      return [
        library('exec', states, sleeper, rounds * 3),
        ...withCreated(peers, sleeper, () => {
          for (const one of peers) invoke(one, 'start', keptBy(one));
          return measure(
            peers.map((one) => commandOf('exec', keptBy(one), 'true')(one)),
            rounds,
          );
        }),
      ];
    },
  },
  {
    title: 'the library, delays of the event loop while 200 containers are made at once',
    take: ({ bundle, states }) => {
      const [median = Number.NaN, most = Number.NaN, longest = Number.NaN] = libraryTimes(
        'stalls',
        states,
        bundle,
        200,
      );
      return [
        { name: 'half of them are shorter', median, best: median },
        { name: '99 of 100 are shorter', median: most, best: median },
        { name: 'the longest', median: longest, best: median },
      ];
    },
  },
];

const commandOf =
  (...args: readonly string[]) =>
  (runtime: Runtime): Sample => ({ ...sampleOf(runtime), run: () => invoke(runtime, ...args) });

/** All of a sample but what is done. */
const sampleOf = ({ name, server }: Runtime): Omit<Sample, 'run'> =>
  server === undefined ? { name } : { name, serversTime: () => server.time() };

const runOf = (bundle: string) => commandOf('run', '-b', bundle, 'bench');

const lifeOf =
  (bundle: string) =>
  (runtime: Runtime): Sample => ({
    ...sampleOf(runtime),
    run: () =>
      together(
        invoke(runtime, 'create', '-b', bundle, 'bench'),
        invoke(runtime, 'start', 'bench'),
        invoke(runtime, 'delete', '--force', 'bench'),
      ),
  });

/** The name is a cgroup's as well, which no two runtimes can have at the same time. */
export const keptBy = ({ name }: Runtime): string => `kept-${name.replaceAll(/\W/g, '-')}`;

/** Each runtime has a created container meanwhile. */
function withCreated(
  runtimes: readonly Runtime[],
  bundle: string,
  action: () => readonly Figures[],
): readonly Figures[] {
  for (const one of runtimes) invoke(one, 'create', '-b', bundle, keptBy(one));
  try {
    return action();
  } finally {
    for (const one of runtimes) invoke(one, 'delete', '--force', keptBy(one));
  }
}

/** The library runs in a process of its own (library.ts), which shares nothing with this one. */
function library(what: string, states: string, bundle: string, count: number): Figures {
  const times = libraryTimes(what, states, bundle, count);
  return { name: 'runchart', median: quantile(times, 0.5), best: quantile(times, 0) };
}

function libraryTimes(what: string, states: string, bundle: string, count: number): readonly number[] {
  const program = join(import.meta.dirname, 'library.ts');
  const output = execFileSync(process.execPath, [program, what, join(states, 'library'), bundle, String(count)], {
    encoding: 'utf8',
  });
  return JSON.parse(output);
}
