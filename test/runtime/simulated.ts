/** Commands in a simulated world: what the runtime does there needs no rights, and can be made to fail anywhere. */

import type { Wrap } from '../../native/platform.ts';
import type { Context } from '../../runtime/container/context.ts';
import { defaultConfig } from '../../spec/default.ts';
import type { Config } from '../../spec/types.ts';
import type { CgroupLayout } from '../simulation/cgroups.ts';
import { makeDirectory, writeFile } from '../simulation/host.ts';
import { type SimulatedPlatform, simulatedPlatform } from '../simulation/platform.ts';
import { World } from '../simulation/world.ts';

export const BUNDLE = '/bundle';
export const ROOT = '/run/runchart';

/** A world with a bundle of runc's default config, but without a terminal. */
export function worldWithBundle(
  layout: CgroupLayout = 'v2',
  change: (config: Config) => Config = (config) => config,
): World {
  const world = new World(layout);
  const config = defaultConfig({ unifiedCgroups: layout === 'v2' });
  const process = { ...config.process, cwd: '/', terminal: false, args: ['sh'] };
  for (const name of ['dev', 'etc', 'proc', 'sys', 'tmp']) makeDirectory(world, `${BUNDLE}/rootfs/${name}`);
  writeFile(world, `${BUNDLE}/rootfs/bin/sh`, '', 0o755);
  writeFile(world, `${BUNDLE}/rootfs/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\n');
  writeFile(world, `${BUNDLE}/config.json`, JSON.stringify(change({ ...config, process })));
  return world;
}

/** What one command acts in. */
export function command(
  world: World,
  wrap?: Wrap,
): { readonly platform: SimulatedPlatform; readonly context: Context; readonly warnings: string[] } {
  const platform = simulatedPlatform(world, wrap);
  const warnings: string[] = [];
  const context: Context = {
    platform,
    host: { cwd: '/', env: {}, uid: 0, gid: 0, pid: platform.runtime.pid },
    root: ROOT,
    systemdCgroup: false,
    patience: { milliseconds: 0, sleep: async () => undefined },
    now: () => '2025-01-01T00:00:00.000000000Z',
    warn: (message) => warnings.push(message),
  };
  return { platform, context, warnings };
}
