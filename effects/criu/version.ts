/** What the CRIU that is installed can do, asked from itself. */

import { type CriuFeatures, type CriuResponse, REQUEST } from '../../native/criu/messages.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { EffectError, reasonOf } from '../error.ts';
import type { Session } from '../session.ts';
import { type CriuVersion, externalNamespaces } from './options.ts';
import { askCriu } from './service.ts';

/** The oldest version that can be asked which it is. */
const OLDEST: CriuVersion = 30_000;

/** @throws EffectError where CRIU is missing, or too old for anything */
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

/** @throws EffectError where CRIU, or this kernel, does not have the feature */
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

/** The first versions that can leave such a namespace alone. */
const LEAVES: Readonly<Record<string, CriuVersion>> = { net: 31_100, pid: 31_500 };

/** @throws EffectError for namespaces that the container joins, and that this version cannot leave alone */
export function refuseNamespaces(record: Pick<ContainerRecord, 'config'>, version: CriuVersion): void {
  for (const { name } of externalNamespaces(record))
    if (version < (LEAVES[name] ?? 0))
      throw new EffectError(`criu lacks support for external ${name} namespace (old criu version?)`);
}
