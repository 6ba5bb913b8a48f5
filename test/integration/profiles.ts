/** AppArmor for tests: profiles of their own, and which process the kernel confines by which. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { proc } from './containers.ts';

const ENABLED = '/sys/module/apparmor/parameters/enabled';
export const appArmor: boolean = existsSync(ENABLED) && readFileSync(ENABLED, 'utf8').startsWith('Y');

/** Why no profile can be loaded here; false if one can. */
export const noProfiles: string | false = !appArmor
  ? 'AppArmor is not enabled in this kernel'
  : spawnSync('apparmor_parser', ['--version']).error
    ? 'apparmor_parser (package apparmor) is not installed'
    : false;

/** A profile that allows everything except one file. */
const profile = (name: string, denied: string): string => `
profile ${name} flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  mount,
  umount,
  pivot_root,
  signal,
  ptrace,
  unix,
  deny ${denied} rwl,
}
`;

/** @param folder where the text of the profile is written */
export function loadProfile(folder: string, name: string, denied: string): void {
  const file = join(folder, name);
  writeFileSync(file, profile(name, denied));
  const { status, stderr } = spawnSync('apparmor_parser', ['--replace', '--skip-cache', file], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

/** The kernel keeps a removed profile as long as it confines somebody. */
export function removeProfile(name: string): void {
  spawnSync('apparmor_parser', ['--remove'], { input: profile(name, '/x') });
}

/** The profile that a process is confined by: `name (enforce)`, or `unconfined`. */
export const confinementOf = (pid: number): string =>
  proc(pid, existsSync(`/proc/${pid}/attr/apparmor/current`) ? 'attr/apparmor/current' : 'attr/current').trim();
