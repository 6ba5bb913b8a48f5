/**
 * A seccomp agent: `node agent-program.ts SOCKET`. Prints `ready`, then the state that it was sent, and answers what
 * the filter asks until nobody is left under it: getpid(2) is 4242, mkdirat(2) is ENOTEMPTY, all else takes place.
 */

import { writeSync } from 'node:fs';
import {
  accept,
  bindUnix,
  listen,
  receiveBuffers,
  receivedDescriptors,
  receiveMessage,
  socket,
} from '../../../native/calls/sockets.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AF, POLL, SOCK } from '../../../native/constants/socket.ts';
import { sysno } from '../../../native/constants/sysno.ts';
import { call, perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { poller } from '../../../native/libraries/poller.ts';
import { localKernel } from '../../../native/performers/local.ts';

const NOTIF_RECV = 0xc0502100;
const NOTIF_SEND = 0xc0182101;
const CONTINUE = 1;

const libc = loadLibc();
const local = localKernel(libc);
const poll = poller(libc, local);
const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
const listening = call(local, socket(AF.UNIX, SOCK.STREAM));
perform(local, [bindUnix(listening, process.argv[2] ?? ''), listen(listening)]);
writeSync(1, 'ready\n');
const connection = call(local, accept(listening));
const buffers = receiveBuffers(2, 4096);
const bytes = call(local, receiveMessage(connection, buffers));
const [listener = -1] = receivedDescriptors(buffers.control);
writeSync(1, `${new TextDecoder().decode(buffers.data.bytes.subarray(0, bytes))}\n`);

for (;;) {
  // Readable means that there is a question, and a hang-up that the last process is gone. In older kernels, to wait for
  // a question then has no end.
  const [happened = 0] = await poll([{ fd: listener, events: POLL.IN }], -1);
  if ((happened & POLL.IN) === 0) break;
  const notification = out(80);
  const [received = -1] = local.submit([{ name: 'ioctl', args: [listener, NOTIF_RECV, notification] }]).results;
  if (received === -ERRNO.EINTR) continue;
  if (received < 0) break; // ENOENT: it is gone, or nobody is left.
  const view = viewOf(notification.bytes);
  const answer = new Uint8Array(24);
  const reply = viewOf(answer);
  reply.setBigUint64(0, view.getBigUint64(0, true), true);
  const nr = view.getInt32(16, true);
  if (nr === sysno('getpid', arch)) reply.setBigInt64(8, 4242n, true);
  else if (nr === sysno('mkdirat', arch)) reply.setInt32(16, -ERRNO.ENOTEMPTY, true);
  else reply.setUint32(20, CONTINUE, true);
  local.submit([{ name: 'ioctl', args: [listener, NOTIF_SEND, answer], mayFail: true }]);
}
