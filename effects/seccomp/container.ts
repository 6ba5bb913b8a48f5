/** The filter of one container: compiled for `create`, so that a bad profile fails there, and loaded at `start` and `exec`. */

import { close } from '../../native/calls/files.ts';
import type { Call, Kernel } from '../../native/kernel.ts';
import { attempt } from '../../native/perform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Seccomp, State } from '../../spec/types.ts';
import { openChannel } from '../channel.ts';
import { hookState } from '../hooks/plan.ts';
import type { Session } from '../session.ts';
import { type ContainerProcessState, connectAgent, introduce, prepareAgent } from './agent.ts';
import { CACHE_FOLDER } from './cache.ts';
import { readCopy, writeCopy } from './copy.ts';
import { type CompiledSeccomp, compileSeccomp, loadCalls, loadWithoutAgent } from './seccomp.ts';

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

/** @returns undefined for a container without a profile. @throws Error */
export function filterOf(session: Session, record: ContainerRecord): ContainerFilter | undefined {
  const profile = record.config.linux?.seccomp;
  if (profile === undefined) return undefined;
  const { local } = session.platform;
  session.filter ??= compiledFor(session, record, profile);
  const compiled = session.filter;
  const { needsListener } = compiled;
  return {
    withoutAgent: loadWithoutAgent(compiled),
    prepare: (init) =>
      needsListener
        ? tellAgent(session, record, profile, compiled, init)
        : { calls: loadCalls(compiled), release() {} },
    connect: () => (needsListener ? connectAgent(local, profile.listenerPath ?? '') : undefined),
    callsFor(process, pid, connection) {
      if (connection === undefined) return loadCalls(compiled);
      const state = hookState(record, 'poststart', record.init?.pid);
      return introduce(local, process, compiled, connection, processState(profile, pid, state));
    },
  };
}

function compiledFor(session: Session, record: ContainerRecord, profile: Seccomp): CompiledSeccomp {
  const { platform, directory } = session;
  const { local } = platform;
  const made = record.reached !== 'creating';
  const compiled = compileSeccomp(
    {
      local,
      library: () => platform.libseccomp(),
      cacheFolder: `${record.root}/${CACHE_FOLDER}`,
      program: made ? readCopy(local, directory) : undefined,
    },
    profile,
  );
  if (!made) writeCopy(local, directory, compiled.program);
  return compiled;
}

function tellAgent(
  session: Session,
  record: ContainerRecord,
  profile: Seccomp,
  compiled: CompiledSeccomp,
  init: Kernel,
): LoadingFilter {
  const { local } = session.platform;
  const pid = record.init?.pid ?? 0;
  const state = processState(profile, pid, hookState(record, 'startContainer', pid));
  const channel = openChannel(session, init, record.options.preserveFds);
  try {
    return prepareAgent({ local, init, channel, compiled, listenerPath: profile.listenerPath ?? '', state });
  } finally {
    attempt(local, close(channel.ours));
  }
}

const processState = ({ listenerMetadata }: Seccomp, pid: number, state: State): ContainerProcessState => ({
  ociVersion: state.ociVersion,
  fds: ['seccompFd'],
  pid,
  ...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }),
  state,
});
