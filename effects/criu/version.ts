/** What the CRIU that is installed can do, asked from itself. */

import { type CriuFeatures, type CriuResponse, REQUEST } from '../../native/criu/messages.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { EffectError, reasonOf } from '../error.ts';
import type { Session } from '../session.ts';
import { type CriuVersion, externalNamespaces } from './options.ts';
import { askCriu } from './service.ts';

/** The one that can be asked for it. */
const OLDEST: CriuVersion = 30_000;

/** @throws EffectError where it is missing, or too old for all */
export async function criuVersion(session: Pick<Session, 'platform' | 'environment'>): Promise<CriuVersion> {
  let version: CriuVersion;
  try {
    version = numberOf(await askCriu(session, { request: () => ({ type: REQUEST.VERSION }) }));
  } catch (error) {
    throw new EffectError(`CRIU version check failed: ${reasonOf(error)}`, { cause: error });
  }
  if (version < OLDEST) throw new EffectError(`CRIU version ${version} must be ${OLDEST} or higher`);
  return version;
}

/** A build between two releases counts as the next one. */
export function numberOf({ version }: Pick<CriuResponse, 'version'>): CriuVersion {
  const { major = 0, minor = 0, sublevel = 0, gitId } = version ?? {};
  return major * 10_000 + (gitId === undefined ? minor * 100 + sublevel : (minor + 1) * 100);
}

const NAMES: Readonly<Record<keyof CriuFeatures, string>> = { memoryTracking: 'MemTrack', lazyPages: 'LazyPages' };

/** Of CRIU together with this kernel. @throws EffectError */
export async function requireFeature(
  session: Pick<Session, 'platform' | 'environment'>,
  name: keyof CriuFeatures,
): Promise<void> {
  let features: CriuFeatures | undefined;
  try {
    const request = { type: REQUEST.FEATURE_CHECK, features: { [name]: true } };
    features = (await askCriu(session, { request: () => request })).features;
  } catch (error) {
    throw new EffectError(`CRIU feature check failed: ${reasonOf(error)}`, { cause: error });
  }
  if (features?.[name] !== true) throw new EffectError(`criu is missing features: [${NAMES[name]}]`);
}

/** The first versions that can leave such a namespace to others. */
const LEAVES: Readonly<Record<string, CriuVersion>> = { net: 31_100, pid: 31_500 };

/** Namespaces that this version cannot leave to others. @throws EffectError */
export function refuseNamespaces(record: Pick<ContainerRecord, 'config'>, version: CriuVersion): void {
  for (const { name } of externalNamespaces(record))
    if (version < (LEAVES[name] ?? 0))
      throw new EffectError(`criu lacks support for external ${name} namespace (old criu version?)`);
}
