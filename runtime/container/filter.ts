/**
 * A container's seccomp filter. Few containers without an engine have one, so the code for it is loaded only for those.
 */

import type { ContainerFilter } from '../../effects/seccomp/container.ts';
import { profileOf } from '../../effects/seccomp/profile.ts';
import type { CompiledSeccomp } from '../../effects/seccomp/seccomp.ts';
import type { Session } from '../../effects/session.ts';
import type { ContainerRecord } from '../../spec/record.ts';

/** Answers a container's filter; undefined where its config has none. @throws Error where it cannot be compiled */
export type FilterOf = (record: ContainerRecord) => Promise<ContainerFilter | undefined>;

/** One command compiles the filter, or reads the one that `create` kept, once. */
export function filtersFor(session: Session): FilterOf {
  let compiling: Promise<CompiledSeccomp> | undefined;
  return async (record) => {
    const profile = profileOf(record.config);
    if (profile === undefined) return undefined;
    const { compiledFor, filterOf } = await import('../../effects/seccomp/container.ts');
    compiling ??= compiledFor(session, record, profile);
    return filterOf(session, record, profile, await compiling);
  };
}
