/** What `restore` looks at before there is a container: where a checkpoint can't be used, nothing is made. */

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
  /** With the namespaces that the restored processes will be in. */
  readonly config: Config;
  /** Of the checkpointed container: `pipe:[123]` for one that CRIU is to be given another for. */
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

/** The first that restores into a time namespace, so that clocks go on from where they stood. */
const MAKES_TIME: CriuVersion = 31_400;

/** `exec` joins what the config names. */
function withTimeNamespace(local: Kernel, config: Config, version: CriuVersion): Config {
  const { linux } = config;
  const namespaces = linux?.namespaces ?? [];
  const makes =
    version >= MAKES_TIME &&
    !namespaces.some(({ type }) => type === 'time') &&
    attempt(local, faccessat2(AT.FDCWD, '/proc/self/ns/time', 0)) >= 0;
  return makes ? { ...config, linux: { ...linux, namespaces: [...namespaces, { type: 'time' }] } } : config;
}

/** In runc's words: CRIU has nothing to join one by. */
function refuseCgroupNamespace({ linux }: Config): void {
  if ((linux?.namespaces ?? []).some(({ type, path = '' }) => type === 'cgroup' && path !== ''))
    throw new EffectError('Do not know how to handle namespace NEWCGROUP');
}

/** Before, it took the profile of the images whatever it was told. */
const CHANGES_LABELS: CriuVersion = 31_600;

function refuseLabels({ lsmProfile, lsmMountContext }: RestoreOptions, version: CriuVersion): void {
  if (version >= CHANGES_LABELS) return;
  if (lsmProfile !== undefined) throw new EffectError('--lsm-profile requires at least CRIU 3.16');
  if (lsmMountContext !== undefined) throw new EffectError('--lsm-mount-context requires at least CRIU 3.16');
}

/** AppArmor's: without it CRIU would hang, or end on the way. That of the images is the config's, as a rule. Pure. */
export function profileOf({ lsmProfile }: Pick<RestoreOptions, 'lsmProfile'>, { process }: Config): string | undefined {
  if (lsmProfile === undefined) return process?.apparmorProfile || undefined;
  return /^apparmor:(.+)$/.exec(lsmProfile)?.[1];
}
