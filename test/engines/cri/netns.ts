/** A network namespace for a containerd and its pods, so that they change nothing of the machine's network. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex } from 'node:stream';

const BUSYBOX = '/bin/busybox';

export interface NetworkNamespace extends AsyncDisposable {
  /** The words before a command that runs it there. */
  readonly enter: readonly string[];
  /** Connects to a port of its loopback interface. */
  connect(port: number): Duplex;
}

/** A process keeps it, which ends when this process does. */
export async function networkNamespace(): Promise<NetworkNamespace> {
  const script = `${BUSYBOX} ip link set lo up && echo up && exec ${BUSYBOX} sleep 2147483647`;
  const keeper = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--net', '--', BUSYBOX, 'sh', '-c', script]);
  const ended = once(keeper, 'exit');
  await Promise.race([once(keeper.stdout, 'data'), ended]);
  if (keeper.exitCode !== null) throw new Error(`unshare --net ended with ${keeper.exitCode}`);
  const enter = ['nsenter', `--net=/proc/${keeper.pid}/ns/net`, '--'];
  return {
    enter,
    connect: (port) => connection([...enter, BUSYBOX, 'nc', '127.0.0.1', String(port)]),
    async [Symbol.asyncDispose]() {
      keeper.kill('SIGKILL');
      await ended;
    },
  };
}

/** A socket belongs to the namespace of the process that made it, so another process carries the bytes. */
function connection([command = '', ...args]: readonly string[]): Duplex {
  const carrier: ChildProcessWithoutNullStreams = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args]);
  const stream = Duplex.from({ readable: carrier.stdout, writable: carrier.stdin });
  stream.once('close', () => carrier.kill('SIGKILL'));
  return stream;
}
