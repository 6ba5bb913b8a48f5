/** AppArmor for tests: profiles of their own, and the kernel's word for who is confined by which. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { proc } from './containers.ts';

const ENABLED = '/sys/module/apparmor/parameters/enabled';
export const appArmor: boolean = existsSync(ENABLED) && readFileSync(ENABLED, 'utf8').startsWith('Y');

/** Why no profile can be loaded here; false where it can. */
export const noProfiles: string | false = !appArmor
  ? 'AppArmor is not enabled in this kernel'
  : spawnSync('apparmor_parser', ['--version']).error
    ? 'apparmor_parser (package apparmor) is not installed'
    : false;

/** All but one file. */
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

/** @param folder for its text */
export function loadProfile(folder: string, name: string, denied: string): void {
  const file = join(folder, name);
  writeFileSync(file, profile(name, denied));
  const { status, stderr } = spawnSync('apparmor_parser', ['--replace', '--skip-cache', file], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

/** The kernel keeps a profile that is gone for as long as somebody is confined by it. */
export function removeProfile(name: string): void {
  spawnSync('apparmor_parser', ['--remove'], { input: profile(name, '/x') });
}

/** The profile that a process is confined by: `name (enforce)`, or `unconfined`. */
export const confinementOf = (pid: number): string =>
  proc(pid, existsSync(`/proc/${pid}/attr/apparmor/current`) ? 'attr/apparmor/current' : 'attr/current').trim();
