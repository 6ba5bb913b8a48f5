/** The container's terminal as a foreground command holds it: by its master. */

import { close } from '../../native/calls/files.ts';
import { receiveBuffers, receivedDescriptors, receiveMessage } from '../../native/calls/sockets.ts';
import { getTermios, setTermios, TERMIOS_BYTES } from '../../native/calls/terminal.ts';
import { withoutCarriageReturns } from '../../native/calls/termios.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { doing, EffectError } from '../error.ts';
import { closeAll } from './ends.ts';

/** `/dev/ptmx`, what comes along with the master, and more. */
const NAME_BYTES = 4096;

/** Takes the master that comes over a socket, as it is. @throws EffectError */
export function takeMaster(local: Kernel, socket: number): number {
  return doing("receive the container's terminal", () => {
    const buffers = receiveBuffers(1, NAME_BYTES);
    perform(local, [receiveMessage(socket, buffers)]);
    const [master, ...others] = receivedDescriptors(buffers.control);
    closeAll(local, others);
    if (master === undefined) throw new EffectError('no descriptor came');
    return master;
  });
}

/**
 * Takes the master of a container that has been created; its newlines then come out as they were written.
 * @throws EffectError
 */
export function receiveMaster(local: Kernel, socket: number): number {
  const master = takeMaster(local, socket);
  return doing("receive the container's terminal", () => {
    try {
      const termios = out(TERMIOS_BYTES);
      perform(local, [getTermios(master, termios)]);
      perform(local, [setTermios(master, withoutCarriageReturns(termios.bytes))]);
      return master;
    } catch (error) {
      attempt(local, close(master));
      throw error;
    }
  });
}
