/**
 * The filter of one container: compiled for `create`, so that a bad profile fails there, and loaded at `start` and `exec`. What
 * compiles, and what tells an agent, is loaded where that is done.
 */

import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Seccomp } from '../../spec/types.ts';
import type { Session } from '../session.ts';
import { CACHE_FOLDER } from './cache.ts';
import { readCopy, writeCopy } from './copy.ts';
import { type CompiledSeccomp, loadCalls, loadingOf, loadWithoutAgent } from './seccomp.ts';

/** What the init performs to be under the filter, and what is to be let go of afterwards, loaded or not. */
export interface LoadingFilter {
  readonly calls: readonly Call[];
  release(): void;
}

export interface ContainerFilter {
  /** For processes that no agent hears of: the startContainer hooks. */
  readonly withoutAgent: readonly Call[];
  /**
   * For the container's own process. Nothing may be opened or closed in the init between this and the calls that it answers.
   * @throws Error when the agent does not take connections
   */
  prepare(init: Kernel): LoadingFilter;
  /**
   * For `exec`: a connection to the agent, which the process is to be started with; undefined where none is asked.
   * The caller closes it. @throws Error
   */
  connect(): number | undefined;
  /**
   * For `exec`. Nothing may be opened or closed in the process between this and the calls that it answers.
   * @param pid of the process, as the runtime sees it
   * @param connection what `connect` answered, by its number in the process
   */
  callsFor(process: Kernel, pid: number, connection: number | undefined): readonly Call[];
}

/** @param compiled `compiledFor` this container. @throws Error */
export async function filterOf(
  session: Session,
  record: ContainerRecord,
  profile: Seccomp,
  compiled: CompiledSeccomp,
): Promise<ContainerFilter> {
  if (compiled.needsListener) {
    const { filterWithAgent } = await import('./with-agent.ts');
    return filterWithAgent(session, record, profile, compiled);
  }
  return {
    withoutAgent: loadWithoutAgent(compiled),
    prepare: () => ({ calls: loadCalls(compiled), release() {} }),
    connect: () => undefined,
    callsFor: () => loadCalls(compiled),
  };
}

/** Compiled while the container is created; read from its directory afterwards. @throws Error */
export async function compiledFor(
  session: Session,
  record: ContainerRecord,
  profile: Seccomp,
): Promise<CompiledSeccomp> {
  const { platform, directory } = session;
  const { local } = platform;
  const made = record.reached !== 'creating';
  const copy = made ? readCopy(local, directory) : undefined;
  if (copy !== undefined) return { ...loadingOf(local, profile), program: copy };
  const { compileSeccomp } = await import('./compile-once.ts');
  const library = () => platform.libseccomp();
  const compiled = compileSeccomp({ local, library, cacheFolder: `${record.root}/${CACHE_FOLDER}` }, profile);
  if (!made) writeCopy(local, directory, compiled.program);
  return compiled;
}
