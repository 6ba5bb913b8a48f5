/** Finds out whether a program is an OCI runtime that works here at all, before anything is held against it. */

import { command, type Ended } from './lab/command.ts';
import type { Lab } from './lab/lab.ts';
import { json } from './lab/look.ts';
import { sweep } from './lab/sweep.ts';
import { argumentsOf, ID } from './model/steps.ts';

/**
 * Asks for the version, and makes one plain container.
 * @returns the first line that `--version` prints
 * @throws Error of one line, if it is no runtime, or cannot make a container
 */
export async function probe(lab: Lab): Promise<string> {
  const { program } = lab;
  const versions = await command(lab, ['--version']);
  const [version = ''] = versions.stdout.trim().split('\n');
  if (versions.status !== 0 || version === '')
    throw new Error(`${program} is no OCI runtime: --version: ${why(versions)}`);
  try {
    const made = await command(lab, argumentsOf({ ask: 'create', bundle: 'plain' }, lab.bundles) ?? []);
    if (made.status !== 0)
      throw new Error(`${program} cannot make a plain container, so nothing is checked: ${why(made)}`);
    const state = await command(lab, ['state', ID]);
    if (state.status !== 0 || json(state.stdout) === undefined)
      throw new Error(`${program} is no OCI runtime: state: ${state.status === 0 ? 'it prints no JSON' : why(state)}`);
  } finally {
    await sweep(lab);
  }
  return version;
}

function why({ status, stderr, hung }: Ended): string {
  const last = stderr.split('\n').at(-1) ?? '';
  if (last !== '') return last;
  if (hung) return 'it does not end';
  return status === undefined ? 'it was ended by a signal' : `it prints nothing, and exits with ${status}`;
}
