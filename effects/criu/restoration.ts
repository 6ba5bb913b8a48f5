/** What `restore` looks at before there is a container: where a checkpoint can't be used, nothing is made. */

import type { Config } from '../../spec/types.ts';
import { EffectError } from '../error.ts';
import type { Session } from '../session.ts';
import { makeDirectories, readDescriptors } from './directories.ts';
import type { RestoreOptions } from './options.ts';
import { type CriuVersion, criuVersion, refuseNamespaces } from './version.ts';

export interface Restoration {
  readonly options: RestoreOptions;
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
  if (workPath !== undefined) makeDirectories(local, { imagePath, workPath });
  return { options, standardLinks };
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
