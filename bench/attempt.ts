/**
 * What it costs a command to look for a server where there is none: the launcher as it ships beside one that does not
 * look, both in front of an engine that ends at once.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilerFor, hostArch } from '../build/compiler.ts';
import { compileLauncher } from '../build/launcher.ts';
import { quantile } from './measure.ts';
import type { Stopwatch } from './stopwatch.ts';

const ROUNDS = 1000;
const NATIVE = join(import.meta.dirname, '../native');
const ASKS = '!is_worth_asking(command) ||';
const DOES_NOT_ASK = '!is_worth_asking(command) || 1 ||';

/** @returns milliseconds: the difference of the medians */
export function lostByAttempt(folder: string, stopwatch: Stopwatch): number {
  const [asking, silent] = [true, false].map((asks) => launcherIn(folder, asks));
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, program] of [asking, silent].entries())
      times[i]?.push(stopwatch.time([program ?? '', 'state', 'unknown']).wall);
  return quantile(times[0], 0.5) - quantile(times[1], 0.5);
}

function launcherIn(folder: string, asks: boolean): string {
  const own = join(folder, asks ? 'asking' : 'silent');
  const source = join(own, 'source');
  mkdirSync(own);
  cpSync(NATIVE, join(source, 'native'), { recursive: true });
  const file = join(source, 'native/launcher/client.h');
  const text = readFileSync(file, 'utf8');
  if (text.split(ASKS).length !== 2) throw new Error(`once in ${file}: ${ASKS}`);
  if (!asks) writeFileSync(file, text.replace(ASKS, DOES_NOT_ASK));
  const program = join(own, 'runchart');
  compileLauncher(source, hostArch(), program);
  const engine = join(own, 'engine.c');
  writeFileSync(engine, 'int main(void) { return 0; }\n');
  execFileSync(compilerFor(hostArch()), ['-O2', '-static', '-o', join(own, 'runchart-engine'), engine]);
  return program;
}
