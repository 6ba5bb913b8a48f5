/** The filter of a container whose profile leaves decisions to an agent (linux.seccomp.listenerPath). */

import { close } from '../../native/calls/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Seccomp, State } from '../../spec/types.ts';
import { hookState } from '../hooks/plan.ts';
import { openChannel } from '../init/channel.ts';
import type { Session } from '../session.ts';
import { type ContainerProcessState, connectAgent, introduce, prepareAgent } from './agent.ts';
import type { ContainerFilter, LoadingFilter } from './container.ts';
import { type CompiledSeccomp, loadCalls, loadWithoutAgent } from './seccomp.ts';

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
    connect: () => connectAgent(local, profile.listenerPath ?? ''),
    callsFor(process, pid, connection) {
      if (connection === undefined) return loadCalls(compiled);
      const state = hookState(record, 'poststart', record.init?.pid);
      return introduce(local, process, compiled, connection, processState(profile, pid, state));
    },
  };
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
