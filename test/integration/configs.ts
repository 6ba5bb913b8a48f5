/** Configs that tests of mounts and of the rootfs begin with. */

import type { Mount } from '../../spec/types.ts';
import { shellConfig } from './bundle.ts';
import type { ShellConfig } from './containers.ts';

/** Adds mounts after those of the config. */
export const mounting = (config: ShellConfig, ...mounts: readonly Mount[]): ShellConfig => ({
  ...config,
  mounts: [...(config.mounts ?? []), ...mounts],
});

/** Makes the rootfs writable. */
export const writable = (config: ShellConfig): ShellConfig => ({
  ...config,
  root: { path: 'rootfs', readonly: false },
});

/** A config that runs a script, with mounts, in a rootfs that it may write to. */
export const writableShell = (script: string, ...mounts: readonly Mount[]): ShellConfig =>
  writable(mounting(shellConfig(script), ...mounts));

export const bind = (destination: string, source: string): Mount => ({
  destination,
  source,
  type: 'bind',
  options: ['rbind'],
});
