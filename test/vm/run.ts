/**
 * Runs the tests of the second bed alone: `npm run test:vm`.
 *
 *   test/vm/run.ts [FILE…]    only these
 */
import { join, relative, resolve } from 'node:path';
import { buildIfStale } from '../runner/build.ts';
import { emptyTally, summary } from '../runner/tally.ts';
import { runBed } from './bed.ts';
import { filesInside } from './files.ts';

const repository = join(import.meta.dirname, '../..');
const wanted = process.argv.slice(2).map((file) => relative(repository, resolve(file)));
const tally = emptyTally();
buildIfStale(repository, tally);
const files = wanted.length > 0 ? wanted : filesInside(repository);
console.log(await runBed(repository, tally, files, (line) => console.log(line)));
console.log(summary(tally).join('\n'));
process.exitCode = tally.failures.length > 0 ? 1 : 0;
