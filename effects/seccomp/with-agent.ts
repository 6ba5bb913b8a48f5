/** The filter of a container whose profile lets an agent decide on calls (linux.seccomp.listenerPath). */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { isErrno } from '../../native/kernel/perform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Seccomp, State } from '../../spec/types.ts';
import { hookState } from '../hooks/plan.ts';
import { openChannel } from '../init/channel.ts';
import type { Session } from '../session.ts';
import { type ContainerProcessState, connectAgent, introduce, prepareAgent } from './agent.ts';
import type { ContainerFilter, LoadingFilter } from './container.ts';
import { asksAgent } from './raw.ts';
import { type CompiledSeccomp, loadWithoutAgent } from './seccomp.ts';

export function filterWithAgent(
  session: Session,
  record: ContainerRecord,
  profile: Seccomp,
  compiled: CompiledSeccomp,
): ContainerFilter {
  const { local } = session.platform;
  return {
    withoutAgent: loadWithoutAgent(compiled),
    prepare: (init) => tellAgent(session, record, profile, compiled, init),
    connect: () => unlessAbsent(compiled, () => connectAgent(local, profile.listenerPath ?? '')),
    callsFor(process, pid, connection) {
      if (connection === undefined) return loadWithoutAgent(compiled);
      const state = hookState(record, 'poststart', record.init?.pid);
      return introduce(local, process, compiled, connection, processState(profile, pid, state));
    },
  };
}

/** Connects to the agent, and passes the connection to the init over a channel of its own. */
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
  using _ours = new Owned(local, channel.ours);
  const request = { local, init, channel, compiled, listenerPath: profile.listenerPath ?? '', state };
  const prepared = unlessAbsent(compiled, () => prepareAgent(request));
  return prepared ?? { calls: loadWithoutAgent(compiled), release() {} };
}

/**
 * Where no rule asks the agent, nothing is lost without it: runc ignores the path then. crun would fail.
 * @returns undefined where the agent is not there, and is not needed
 */
function unlessAbsent<T>({ program }: CompiledSeccomp, reach: () => T): T | undefined {
  try {
    return reach();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const absent = isErrno(cause, 'ENOENT') || isErrno(cause, 'ECONNREFUSED');
    if (!absent || asksAgent(program)) throw error;
    return undefined;
  }
}

const processState = ({ listenerMetadata }: Seccomp, pid: Pid, state: State): ContainerProcessState => ({
  ociVersion: state.ociVersion,
  fds: ['seccompFd'],
  pid,
  ...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }),
  state,
});
