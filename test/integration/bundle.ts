/** Bundles for tests with real containers: Debian's static busybox in a folder for the test alone. */

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig } from '../../spec/default.ts';
import type { Config } from '../../spec/types.ts';

const BUSYBOX = '/bin/busybox';

/** Why tests with real containers cannot run here; false if they can. */
export const noContainers: string | false =
  process.getuid?.() !== 0
    ? 'real containers need root here'
    : !existsSync(BUSYBOX)
      ? 'busybox-static is not installed'
      : false;

/** Whether the host has cgroup v2 alone. */
const unifiedCgroups = existsSync('/sys/fs/cgroup/cgroup.controllers');

/** A folder for the test alone, for bundles, state roots and whatever else. The caller removes it by `remove`. */
export function workFolder(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `runchart-test-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

/** The config of a container that runs a script in busybox's shell, without a terminal. */
export function shellConfig(script: string): Config & { process: NonNullable<Config['process']> } {
  const config = defaultConfig({ unifiedCgroups });
  return { ...config, process: { ...config.process, terminal: false, args: ['sh', '-c', script] } };
}

/**
 * Makes a bundle: a rootfs with busybox and all its commands, and a config.json.
 * @param folder becomes the bundle; it may exist
 */
export function makeBundle(folder: string, config: Config): string {
  const bin = join(folder, 'rootfs/bin');
  for (const name of ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp'])
    mkdirSync(join(folder, 'rootfs', name), { recursive: true });
  copyFileSync(BUSYBOX, join(bin, 'busybox'));
  for (const applet of execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n'))
    if (applet !== 'busybox') symlinkSync('busybox', join(bin, applet));
  writeConfig(folder, config);
  return folder;
}

export const writeConfig = (bundle: string, config: unknown): void =>
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config, wide));

/** Our types have integers beyond 2^53 as bigints. */
const wide = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value);
