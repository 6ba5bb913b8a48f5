/**
 * Has tests perform their commands by a resident server (`test/run.ts --resident`), and sees to it that it really
 * performs them: otherwise each command would go its usual way, and the tests would pass without a server as well.
 */
import { join, relative } from 'node:path';
import { DIST_VARIABLE } from '../integration/dist.ts';
import { type ResidentServer, residentDist, type ServerStatus } from '../integration/resident-server.ts';
import { isEndOfFile, type Report } from './reporter.ts';
import { UNSERVED } from './resident-files.ts';
import type { Tally } from './tally.ts';

/** How often, every 20 ms, an engine that is at work is looked at again. One may be held up by a test for good. */
const SETTLING_TRIES = 100;

export interface Resident extends AsyncDisposable {
  /** The folder of the executable under test. */
  readonly dist: string;
  /** For the tests. */
  readonly env: NodeJS.ProcessEnv;
  /** Is called with each report of the tests. */
  heard(report: Report): void;
  /** Ends the server. What is wrong with it, or with how often it was asked, goes to the tally. */
  judge(): Promise<void>;
}

/** @param folder for the server's files */
export async function openResident(root: string, folder: string, tally: Tally): Promise<Resident> {
  const { program, serve } = residentDist(folder);
  const server = await serve();
  const served = new Map<string, number>();
  const hasRun = new Set<string>();
  let counted = 0;
  /** How many commands were served since it was asked last. */
  const since = (): number => {
    const before = counted;
    counted = settled(server).commands;
    return counted - before;
  };
  return {
    dist: join(program, '..'),
    env: { [DIST_VARIABLE]: join(program, '..') },
    heard(report) {
      // Of a file whose tests are all skipped nothing is to be served.
      if (report.kind === 'end' && !report.suite && report.skipped === undefined)
        hasRun.add(relative(root, report.entry ?? report.file));
      if (!isEndOfFile(report)) return;
      served.set(relative(root, report.file), since());
    },
    async judge() {
      const ran = new Map([...served].filter(([file]) => hasRun.has(file)));
      const total = [...ran.values()].reduce((sum, one) => sum + one, 0);
      console.log(`${total} commands were performed by a resident server: ${counts(ran)}`);
      const wrong = [...misjudged(ran, UNSERVED), ...(await failureOf(server))];
      if (wrong.length > 0) tally.failures.push({ title: 'the resident server', text: wrong.join('\n') });
    },
    // Also when the run is interrupted: the runner would not know it by its environment, which the launcher cleans.
    [Symbol.asyncDispose]: async () => void (await server.stop()),
  };
}

/** What the server says, once no engine is at work: a busy one tells no number, and the next file would get it. */
function settled(server: ResidentServer): ServerStatus {
  for (let tries = 0; ; tries++) {
    const status = server.status();
    if (tries >= SETTLING_TRIES || status.engines.every(({ commands }) => commands !== undefined)) return status;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
}

const counts = (served: ReadonlyMap<string, number>): string =>
  [...served].map(([file, count]) => `${file.replace(/^test\/|\.test\.ts$/g, '')} ${count}`).join(', ');

/**
 * Pure.
 * @param served how many commands were served, by file
 * @param unserved the files of which none is to be, with the reason
 * @returns a line for each file that is not as it should be
 */
export function misjudged(served: ReadonlyMap<string, number>, unserved: Readonly<Record<string, string>>): string[] {
  return [...served].flatMap(([file, count]) => {
    const reason = unserved[file];
    if (count === 0 && reason === undefined) return [`${file}: the server has performed none of its commands`];
    if (count > 0 && reason !== undefined) return [`${file}: the server has performed ${count}, though ${reason}`];
    return [];
  });
}

async function failureOf(server: ResidentServer): Promise<string[]> {
  const ended = server.child.exitCode ?? server.child.signalCode;
  if (ended !== null) return [`it has ended before the tests: ${ended}`];
  const status = await server.stop();
  return status === 0 ? [] : [`its exit status is ${status}`];
}
