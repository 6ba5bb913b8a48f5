/** The loopback interface of a new network namespace: up, as every program expects it. */

import { close } from '../../native/calls/files.ts';
import { socket } from '../../native/calls/sockets.ts';
import { AF, IFF_UP, SIOC, SOCK } from '../../native/constants/socket.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import { viewOf } from '../../native/kernel/struct.ts';

/** To be performed in the namespace (netdevice(7)). */
export function addLoopbackUp(batch: Batch): void {
  const request = new Uint8Array(40);
  request.set([0x6c, 0x6f]); // "lo"
  viewOf(request).setInt16(16, IFF_UP, true);
  const fd = batch.add(socket(AF.INET, SOCK.DGRAM));
  batch.add({ name: 'ioctl', args: [fd, SIOC.SIFFLAGS, request] });
  batch.add(close(fd));
}
