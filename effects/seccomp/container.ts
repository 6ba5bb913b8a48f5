/** The filter of one container: compiled for `create`, so that a bad profile fails there, and loaded by the init at `start`. */

import { close } from '../../native/calls/files.ts';
import type { Call, Kernel } from '../../native/kernel.ts';
import type { LibSeccomp } from '../../native/libseccomp.ts';
import { attempt } from '../../native/perform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { State } from '../../spec/types.ts';
import { openChannel } from '../channel.ts';
import { hookState } from '../hooks/plan.ts';
import type { Session } from '../session.ts';
import { prepareAgent } from './agent.ts';
import { CACHE_FOLDER } from './cache.ts';
import { type CompiledSeccomp, compileSeccomp, loadCalls, loadWithoutAgent } from './seccomp.ts';

/** What the init performs to be under the filter, and what is to be let go of afterwards, loaded or not. */
export interface LoadingFilter {
  readonly calls: readonly Call[];
  release(): void;
}

export interface FilteredProcess {
  /** Serves batches, and becomes the process. */
  readonly init: Kernel;
  readonly preserveFds: number;
  /** As the runtime sees it. */
  readonly pid: number;
  /** What the agent is told of the container. */
  readonly state: State;
}

/** @returns undefined for a container without a profile. @throws Error */
export function compileFor(
  local: Kernel,
  library: () => LibSeccomp,
  record: ContainerRecord,
): CompiledSeccomp | undefined {
  const profile = record.config.linux?.seccomp;
  if (profile === undefined) return undefined;
  return compileSeccomp({ local, library, cacheFolder: `${record.root}/${CACHE_FOLDER}` }, profile);
}

/**
 * Nothing may be opened or closed in the init between this and the calls that it answers.
 * @throws Error when the agent does not take connections
 */
export function prepareFilter(
  session: Session,
  record: ContainerRecord,
  compiled: CompiledSeccomp,
  { init, preserveFds, pid, state }: FilteredProcess,
): LoadingFilter {
  const { listenerPath = '', listenerMetadata } = record.config.linux?.seccomp ?? {};
  if (!compiled.needsListener) return { calls: loadCalls(compiled), release: () => undefined };
  const { local } = session.platform;
  const channel = openChannel(session, init, preserveFds);
  try {
    const { calls, release } = prepareAgent({
      local,
      init,
      channel,
      compiled,
      listenerPath,
      state: {
        ociVersion: record.ociVersion,
        fds: ['seccompFd'],
        pid,
        ...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }),
        state,
      },
    });
    return { calls, release };
  } finally {
    attempt(local, close(channel.ours));
  }
}

export interface ContainerFilter {
  /** For processes that no agent hears of: the startContainer hooks. */
  readonly withoutAgent: readonly Call[];
  /** Nothing may be opened or closed in the init between this and the calls that it answers. @throws Error */
  prepare(init: Kernel): LoadingFilter;
}

/** The filter of a container's process. @throws Error */
export function filterOf(session: Session, record: ContainerRecord): ContainerFilter | undefined {
  const { platform } = session;
  const compiled = compileFor(platform.local, () => platform.libseccomp(), record);
  if (compiled === undefined) return undefined;
  const pid = record.init?.pid ?? 0;
  const state = hookState(record, 'startContainer', pid);
  const { preserveFds } = record.options;
  return {
    withoutAgent: loadWithoutAgent(compiled),
    prepare: (init) => prepareFilter(session, record, compiled, { init, preserveFds, pid, state }),
  };
}
