/** Reaches the init that `create` left waiting. */

import { openat } from '../../native/calls/files.ts';
import { prctl } from '../../native/calls/process.ts';
import { connectUnix, socket } from '../../native/calls/sockets.ts';
import { AT, O } from '../../native/constants/files.ts';
import { PR } from '../../native/constants/process.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { attempt, call, isErrno, SyscallError } from '../../native/kernel/perform.ts';
import { EffectError, reasonOf } from '../error.ts';
import type { InitConnection, Session } from '../session.ts';

/** The name of the socket in the container's directory on which a created init waits for `start`. */
export const START_SOCKET = 'start.sock';

/**
 * @param as the uid that the init is to see, where it is not this process's
 * @param pid of the init, for traces
 * @throws EffectError
 */
export function connectToInit(session: Session, as?: number, pid?: Pid): InitConnection {
  try {
    return connect(session, as, pid);
  } catch (cause) {
    // The init was killed after the machine had permitted the start. The machine would have said it in these words.
    if (isErrno(cause, 'ECONNREFUSED')) throw new EffectError('cannot start a container that has stopped', { cause });
    throw new EffectError(`connect to the init by ${session.directory}/${START_SOCKET}: ${reasonOf(cause)}`, { cause });
  }
}

function connect({ platform, directory }: Session, as?: number, pid?: Pid): InitConnection {
  const { local } = platform;
  using folder = opened(local, openat(AT.FDCWD, directory, O.PATH | O.DIRECTORY));
  using connection = opened(local, socket(AF.UNIX, SOCK.STREAM));
  const connecting = connectUnix(connection.fd, `/proc/self/fd/${folder.fd}/${START_SOCKET}`);
  if (as === undefined) call(local, connecting);
  else performAs(local, as, connecting);
  return { socket: connection.release(), kernel: platform.kernelBehind(connection.fd, 'init', () => pid) };
}

const KEPT = -1;

/**
 * Performs a call with another effective uid, which the other end of a socket sees. This process keeps its own rights
 * to files (setfsuid). The system call changes this thread alone; libc's function would change all threads.
 */
function performAs(local: Kernel, uid: number, action: Call): void {
  const own = call(local, { name: 'geteuid', args: [] });
  const dumpable = attempt(local, prctl(PR.GET_DUMPABLE));
  const calls: readonly Call[] = [
    { name: 'setresuid', args: [KEPT, uid, KEPT] },
    { name: 'setfsuid', args: [own] },
    action,
  ];
  const { results, stoppedAt } = local.submit(calls);
  call(local, { name: 'setresuid', args: [KEPT, own, KEPT] });
  // The kernel makes a process whose ids change undumpable: it may have secrets.
  attempt(local, prctl(PR.SET_DUMPABLE, dumpable));
  if (stoppedAt !== undefined) throw new SyscallError(calls[stoppedAt] ?? action, -(results[stoppedAt] ?? 0));
}
