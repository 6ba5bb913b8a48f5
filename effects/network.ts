/** The loopback interface of a new network namespace: up, as every program expects it. */

import { close } from '../native/calls/files.ts';
import { socket } from '../native/calls/sockets.ts';
import { AF, IFF_UP, SIOC, SOCK } from '../native/constants/socket.ts';
import type { Call } from '../native/kernel.ts';
import { result, viewOf } from '../native/struct.ts';

/** To be performed at the start of a batch, in the namespace (netdevice(7)). */
export function loopbackUp(): readonly Call[] {
  const request = new Uint8Array(40);
  request.set([0x6c, 0x6f]); // "lo"
  viewOf(request).setInt16(16, IFF_UP, true);
  return [socket(AF.INET, SOCK.DGRAM), { name: 'ioctl', args: [result(0), SIOC.SIFFLAGS, request] }, close(result(0))];
}
