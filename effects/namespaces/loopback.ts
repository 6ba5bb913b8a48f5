/** The loopback interface of a new network namespace: it is brought up, since every program expects that. */

import { close } from '../../native/calls/files.ts';
import { socket } from '../../native/calls/sockets.ts';
import { AF, IFF_UP, SIOC, SOCK } from '../../native/constants/socket.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import { viewOf } from '../../native/kernel/struct.ts';

/** struct ifreq: the interface's name first, then its flags. */
const IFREQ = { BYTES: 40, FLAGS: 16 } as const;

/** Adds the calls, which are to be performed in the namespace (netdevice(7)). */
export function addLoopbackUp(batch: Batch): void {
  const request = new Uint8Array(IFREQ.BYTES);
  request.set([0x6c, 0x6f]); // "lo"
  viewOf(request).setInt16(IFREQ.FLAGS, IFF_UP, true);
  const fd = batch.add(socket(AF.INET, SOCK.DGRAM));
  batch.add({ name: 'ioctl', args: [fd, SIOC.SIFFLAGS, request] });
  batch.add(close(fd));
}
