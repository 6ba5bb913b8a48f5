/** The seccomp agent at linux.seccomp.listenerPath: config-linux.md, "The Container Process State". */

import { close, duplicateAbove } from '../../native/calls/files.ts';
import { connectUnix, setSendTimeout, socket } from '../../native/calls/sockets.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { call, isErrno, perform } from '../../native/kernel/perform.ts';
import { out, result, viewOf } from '../../native/kernel/struct.ts';
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
  readonly pid: number;
  readonly metadata?: string;
  readonly state: State;
}

interface Agent {
  /** What the init performs in place of `loadCalls`. */
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
  /** How long the agent may take to accept; 10 by default. */
  readonly timeoutSeconds?: number;
}

/**
 * Connects to the agent from here, since its socket lies in the host's tree and may be ours alone, and gives the
 * connection to the init. Nothing may be opened or closed in the init between this and the calls that it answers.
 * @throws Error when the agent does not take connections
 */
export function prepareAgent(request: AgentRequest): Agent {
  const { local, init, channel, compiled } = request;
  const connection = connectAgent(local, request.listenerPath, request.timeoutSeconds);
  const release = (): void => void local.submit([close(connection)]);
  try {
    const [theirs = -1] = passDescriptors(local, init, channel, [connection]);
    return { calls: introduce(local, init, compiled, theirs, request.state), release };
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * What a process that has a connection to the agent performs to be under the filter, and to tell the agent of itself.
 * Nothing may be opened or closed in it between this and the calls that it answers.
 * @param connection its descriptor in the process
 */
export function introduce(
  local: Kernel,
  process: Kernel,
  compiled: CompiledSeccomp,
  connection: number,
  state: ContainerProcessState,
): readonly Call[] {
  // The kernel gives the listener the lowest free descriptor: find it, and leave it free.
  const [listener = -1] = perform(process, [duplicateAbove(connection, 0), close(result(0))]);
  const text = new TextEncoder().encode(JSON.stringify(state));
  return courierCalls(compiled, { socket: connection, listener, state: text, secret: randomSecret(local) });
}

/**
 * @returns a close-on-exec descriptor
 * @throws Error when the agent is not there, or does not take the connection in time
 */
export function connectAgent(local: Kernel, path: string, seconds: number = TIMEOUT_SECONDS): number {
  const fd = call(local, socket(AF.UNIX, SOCK.STREAM));
  try {
    perform(local, [setSendTimeout(fd, seconds), connectUnix(fd, path)]);
    return fd;
  } catch (error) {
    local.submit([close(fd)]);
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
