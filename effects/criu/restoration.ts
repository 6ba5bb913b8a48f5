/** What `restore` looks at before there is a container: if a checkpoint cannot be used, nothing is made. */

import { faccessat2 } from '../../native/calls/files.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { Config } from '../../spec/types.ts';
import { EffectError } from '../error.ts';
import { requireProfile } from '../process/labels.ts';
import type { Session } from '../session.ts';
import { makeDirectories, readDescriptors } from './directories.ts';
import type { CriuVersion, RestoreOptions } from './options.ts';
import { criuVersion, refuseNamespaces } from './version.ts';

export interface Restoration {
  readonly options: RestoreOptions;
  /** The container's, with the namespaces that the restored processes will be in. */
  readonly config: Config;
  /**
   * Where the standard descriptors of the checkpointed container led. CRIU is given another pipe in the place of each
   * that is `pipe:[123]`.
   */
  readonly standardLinks: readonly string[];
}

/** @throws EffectError */
export async function prepareRestoration(
  { platform, environment }: Pick<Session, 'platform' | 'environment'>,
  config: Config,
  options: RestoreOptions,
): Promise<Restoration> {
  const { local } = platform;
  const { imagePath, workPath } = options;
  const standardLinks = readDescriptors(local, imagePath);
  const version = await criuVersion({ platform, environment });
  refuseNamespaces({ config }, version);
  refuseCgroupNamespace(config);
  refuseLabels(options, version);
  const profile = profileOf(options, config);
  if (profile !== undefined) requireProfile(local, profile);
  if (workPath !== undefined) makeDirectories(local, { imagePath, workPath });
  return { options, standardLinks, config: withTimeNamespace(local, config, version) };
}

/** The first version that restores into a time namespace, so that clocks go on from where they stood. */
const MAKES_TIME: CriuVersion = 31_400;

/** The config names the time namespace that CRIU makes, so that `exec` joins it. */
function withTimeNamespace(local: Kernel, config: Config, version: CriuVersion): Config {
  const { linux } = config;
  const namespaces = linux?.namespaces ?? [];
  const makes =
    version >= MAKES_TIME &&
    !namespaces.some(({ type }) => type === 'time') &&
    attempt(local, faccessat2(AT.FDCWD, '/proc/self/ns/time', 0)) >= 0;
  return makes ? { ...config, linux: { ...linux, namespaces: [...namespaces, { type: 'time' }] } } : config;
}

/** CRIU cannot join one. @throws EffectError in runc's words */
function refuseCgroupNamespace({ linux }: Config): void {
  if ((linux?.namespaces ?? []).some(({ type, path = '' }) => type === 'cgroup' && path !== ''))
    throw new EffectError('Do not know how to handle namespace NEWCGROUP');
}

/** Older versions take the profile of the images, whatever they are told. */
const CHANGES_LABELS: CriuVersion = 31_600;

function refuseLabels({ lsmProfile, lsmMountContext }: RestoreOptions, version: CriuVersion): void {
  if (version >= CHANGES_LABELS) return;
  if (lsmProfile !== undefined) throw new EffectError('--lsm-profile requires at least CRIU 3.16');
  if (lsmMountContext !== undefined) throw new EffectError('--lsm-mount-context requires at least CRIU 3.16');
}

/**
 * The AppArmor profile of the restored processes: without it on this host CRIU would hang, or end on the way. The
 * images have the one of the config, as a rule. Pure.
 */
export function profileOf({ lsmProfile }: Pick<RestoreOptions, 'lsmProfile'>, { process }: Config): string | undefined {
  if (lsmProfile === undefined) return process?.apparmorProfile || undefined;
  return /^apparmor:(.+)$/.exec(lsmProfile)?.[1];
}
