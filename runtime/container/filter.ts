import type { ContainerFilter } from '../../effects/seccomp/container.ts';
import type { Session } from '../../effects/session.ts';
import type { ContainerRecord } from '../../spec/record.ts';

/**
 * A container's seccomp filter. Few containers without an engine have one: what it takes is loaded for those that do.
 * @throws Error where the profile cannot be compiled
 */
export async function filterFor(session: Session, record: ContainerRecord): Promise<ContainerFilter | undefined> {
  if (record.config.linux?.seccomp === undefined) return undefined;
  const { filterOf } = await import('../../effects/seccomp/container.ts');
  return filterOf(session, record);
}
