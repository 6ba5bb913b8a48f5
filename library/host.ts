/** Configs that fit this host: its cgroups, its architecture, and who this program is. */

import { detectLayout } from '../effects/cgroups/layout.ts';
import { runsInUserNamespace } from '../effects/namespaces/user/read-mappings.ts';
import { hostPlatform } from '../native/host-platform.ts';
import type { Kernel } from '../native/kernel/kernel.ts';
import { buildConfig } from '../spec/builder/config.ts';
import type { ConfigOptions, HostFacts } from '../spec/builder/options.ts';
import { defaultConfig, rootlessConfig } from '../spec/default.ts';
import type { Config } from '../spec/types.ts';
import { tellingAtOnce } from './telling.ts';

/** @param rootless as for a program without root's rights. By default what this program is */
export function hostFacts({ rootless }: { readonly rootless?: boolean } = {}): HostFacts {
  return factsFor(hostPlatform().local, rootless);
}

export function factsFor(local: Kernel, rootless?: boolean): HostFacts {
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  const isRootless = rootless ?? (uid !== 0 && !runsInUserNamespace(local));
  return {
    unifiedCgroups: hasUnifiedCgroups(local),
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    ...(isRootless ? { rootless: { uid, gid } } : {}),
  };
}

function hasUnifiedCgroups(local: Kernel): boolean {
  try {
    return detectLayout(local, { withoutOwn: true }).mode === 'v2';
  } catch {
    // There are no cgroups at all.
    return false;
  }
}

/**
 * Builds a config.json from a few options. What they do not say is safe by default: Docker's capabilities and seccomp
 * profile, no network but loopback, masked paths, no new privileges.
 * @param rootfs absolute path of the root file system
 * @param host what the config has to fit. By default this host is looked at
 * @throws ConfigError for an option that cannot be used
 */
export function containerConfig(rootfs: string, options: ConfigOptions = {}, host?: HostFacts): Config {
  return tellingAtOnce({}, () => buildConfig(rootfs, options, host ?? hostFacts()));
}

/** The config that `runchart spec` writes, as it fits these facts. */
export function specFor({ unifiedCgroups, rootless }: HostFacts): Config {
  return rootless === undefined ? defaultConfig({ unifiedCgroups }) : rootlessConfig({ unifiedCgroups, ...rootless });
}
