/**
 * Runs the tests in the test machine alone: `npm run test:vm`.
 *
 *   test/vm/run.ts [FILE…]    only these
 */
import { join, relative, resolve } from 'node:path';
import { buildIfStale } from '../runner/build.ts';
import { emptyTally, summary } from '../runner/tally.ts';
import { runBed, spoken } from './bed.ts';
import { filesInside } from './files.ts';
import type { Told } from './talk.ts';

const repository = join(import.meta.dirname, '../..');
const wanted = process.argv.slice(2).map((file) => relative(repository, resolve(file)));
const tally = emptyTally();
buildIfStale(repository, tally);
const files = wanted.length > 0 ? wanted : filesInside(repository);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
const heard = (what: Told): void => {
  const line = spoken(what);
  if (line !== undefined) console.log(line);
};
console.log(await runBed({ repository, tally, files, stop: stop.signal, heard }));
console.log(summary(tally).join('\n'));
process.exitCode = tally.failures.length > 0 || stop.signal.aborted ? 1 : 0;
