/** The container's terminal as a foreground command holds it: by its master. */

import { receiveBuffers, receivedDescriptors, receiveMessage } from '../../native/calls/sockets.ts';
import { getTermios, setTermios, TERMIOS_BYTES } from '../../native/calls/terminal.ts';
import { withoutCarriageReturns } from '../../native/calls/termios.ts';
import { MSG } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { doing, EffectError } from '../error.ts';
import { closeAll } from './ends.ts';

/** Room for what comes along with the master: its name, such as `/dev/ptmx`. */
const NAME_BYTES = 4096;

/**
 * Takes the master that came over a socket, as it is. The init sends it before it says that the terminal is set up, so
 * there is nothing to wait for.
 * @returns a descriptor for the caller to close
 * @throws EffectError where no master has come
 */
export function takeMaster(local: Kernel, socket: Fd): Fd {
  return doing("receive the container's terminal", () => {
    const buffers = receiveBuffers(1, NAME_BYTES);
    perform(local, [receiveMessage(socket, buffers, MSG.CMSG_CLOEXEC | MSG.DONTWAIT)]);
    const [master, ...others] = receivedDescriptors(buffers.control);
    closeAll(local, others);
    if (master === undefined) throw new EffectError('no descriptor came');
    return master;
  });
}

/**
 * Takes the master of a container that has been created, and sets the terminal so that newlines come out as they were
 * written.
 * @returns a descriptor for the caller to close
 * @throws EffectError
 */
export function receiveMaster(local: Kernel, socket: Fd): Fd {
  using master = new Owned(local, takeMaster(local, socket));
  return doing("receive the container's terminal", () => {
    const termios = out(TERMIOS_BYTES);
    perform(local, [getTermios(master.fd, termios)]);
    perform(local, [setTermios(master.fd, withoutCarriageReturns(termios.bytes))]);
    return master.release();
  });
}
