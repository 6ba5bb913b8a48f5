/**
 * The seccomp agent that listens at linux.seccomp.listenerPath, and decides on calls (config-linux.md, "The Container
 * Process State").
 */

import { close, duplicateAbove } from '../../native/calls/files.ts';
import { connectUnix, setSendTimeout, socket } from '../../native/calls/sockets.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call, isErrno, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { State } from '../../spec/types.ts';
import { reasonOf } from '../error.ts';
import { type Channel, passDescriptors } from '../init/channel.ts';
import { courierCalls } from './courier.ts';
import type { CompiledSeccomp } from './seccomp.ts';

/** What the agent is told about the process that is now under its filter. */
export interface ContainerProcessState {
  readonly ociVersion: string;
  readonly fds: readonly ['seccompFd'];
  /** The process, as the runtime sees it. */
  readonly pid: Pid;
  readonly metadata?: string;
  readonly state: State;
}

interface Agent {
  /** What the init performs in the place of `loadCalls`. */
  readonly calls: readonly Call[];
  /** Closes our side of the connection: the specification wants it closed once the state has been sent. */
  release(): void;
}

/** An agent that does not accept connections must not hang the command. */
const TIMEOUT_SECONDS = 10;

interface AgentRequest {
  readonly local: Kernel;
  readonly init: Kernel;
  readonly channel: Channel;
  readonly compiled: CompiledSeccomp;
  readonly listenerPath: string;
  readonly state: ContainerProcessState;
  /** How long the agent may take to accept the connection; 10 by default. */
  readonly timeoutSeconds?: number;
}

/**
 * Connects to the agent, and passes the connection to the init. This process connects, since the agent's socket lies in
 * the host's tree, and may be open to this user alone. Nothing may be opened or closed in the init between this and the
 * calls that it returns.
 * @throws Error where the agent does not take connections
 */
export function prepareAgent(request: AgentRequest): Agent {
  const { local, init, channel, compiled } = request;
  using connection = new Owned(local, connectAgent(local, request.listenerPath, request.timeoutSeconds));
  const [theirs = -1] = passDescriptors(local, init, channel, [connection.fd]);
  const calls = introduce(local, init, compiled, theirs, request.state);
  const kept = connection.release();
  return { calls, release: () => void attempt(local, close(kept)) };
}

/**
 * What a process that has a connection to the agent performs in order to load the filter, and to tell the agent of
 * itself. Nothing may be opened or closed in the process between this and the calls that it returns.
 * @param connection its number in the process
 */
export function introduce(
  local: Kernel,
  process: Kernel,
  compiled: CompiledSeccomp,
  connection: Fd,
  state: ContainerProcessState,
): readonly Call[] {
  // The kernel gives the listener the lowest free descriptor. So look which one that is, and leave it free.
  const batch = new Batch();
  const lowest = batch.add(duplicateAbove(connection, 0));
  batch.add(close(lowest));
  const listener = resultOf(perform(process, batch.calls), lowest);
  const text = new TextEncoder().encode(JSON.stringify(state));
  return courierCalls(compiled, { socket: connection, listener, state: text, secret: randomSecret(local) });
}

/**
 * @returns a close-on-exec descriptor, for the caller to close
 * @throws Error where the agent is not there, or does not take the connection in time
 */
export function connectAgent(local: Kernel, path: string, seconds: number = TIMEOUT_SECONDS): Fd {
  using connection = opened(local, socket(AF.UNIX, SOCK.STREAM));
  try {
    perform(local, [setSendTimeout(connection.fd, seconds), connectUnix(connection.fd, path)]);
    return connection.release();
  } catch (error) {
    const why = isErrno(error, 'EAGAIN') ? `it took no connection in ${seconds} s` : reasonOf(error);
    throw new Error(`failed to connect with seccomp agent specified in the seccomp profile: ${path}: ${why}`, {
      cause: error,
    });
  }
}

function randomSecret(local: Kernel): bigint {
  const bytes = out(8);
  call(local, { name: 'getrandom', args: [bytes, 8, 0] });
  return viewOf(bytes.bytes).getBigUint64(0, true);
}
