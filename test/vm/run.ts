/**
 * Runs the tests in a test machine alone: `npm run test:vm`.
 *
 *   test/vm/run.ts [--on KIND] [FILE…]    only these, in that machine of kinds.ts
 */
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildIfStale } from '../runner/build.ts';
import { emptyTally, summary } from '../runner/tally.ts';
import { runBed, spoken } from './bed.ts';
import { KINDS } from './kinds.ts';
import type { Told } from './talk.ts';

const repository = join(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({
  options: { on: { type: 'string', default: 'usual' } },
  allowPositionals: true,
});
const kind = KINDS[values.on];
if (kind === undefined) throw new Error(`--on ${values.on}: the kinds are ${Object.keys(KINDS).join(', ')}`);
const wanted = positionals.map((file) => relative(repository, resolve(file)));
const tally = emptyTally();
buildIfStale(repository, tally);
const files = wanted.length > 0 ? wanted : kind.files(repository);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
const heard = (what: Told): void => {
  const line = spoken(what);
  if (line !== undefined) console.log(line);
};
console.log(await runBed({ kind, repository, tally, files, stop: stop.signal, heard }));
console.log(summary(tally).join('\n'));
process.exitCode = tally.failures.length > 0 || stop.signal.aborted ? 1 : 0;
