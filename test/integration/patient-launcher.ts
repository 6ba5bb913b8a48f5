/**
 * A launcher that waits long for a server's answer, for tests of what happens once a server has begun: under strace, or
 * on a busy machine, the usual few milliseconds are over before.
 */

import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostArch } from '../../build/compiler.ts';
import { compileLauncher } from '../../build/launcher.ts';
import type { ResidentDist } from './resident-server.ts';

const NATIVE = join(import.meta.dirname, '../../native');
const USUAL = '{0, PATIENCE_MS * 1000000ul}';
const LONG = '{60, 0}';

/** Puts it in the place of the usual launcher. @param folder for the changed source */
export function makePatient({ program }: ResidentDist, folder: string): void {
  const source = join(folder, 'patient');
  cpSync(NATIVE, join(source, 'native'), { recursive: true });
  const file = join(source, 'native/launcher/client.h');
  const text = readFileSync(file, 'utf8');
  assert.equal(text.split(USUAL).length, 2, `once in the source: ${USUAL}`);
  writeFileSync(file, text.replace(USUAL, LONG));
  compileLauncher(source, hostArch(), program);
}
