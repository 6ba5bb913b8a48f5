/** A network namespace for a containerd and its pods, so that they change nothing of the machine's network. */

import { spawn } from 'node:child_process';
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
  const carrier = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = carrier;
  const stream = new Duplex({
    read: () => void stdout.resume(),
    write: (bytes, _, done) => void stdin.write(bytes, () => done()),
    final: (done) => void stdin.end(done),
    destroy(error, done) {
      carrier.kill('SIGKILL');
      done(error);
    },
  });
  stdout.on('data', (bytes) => stream.push(bytes) || stdout.pause());
  stdout.once('end', () => stream.push(null));
  // The other side may have closed it already, and what it has sent is still to be read.
  stdin.on('error', () => {});
  return stream;
}
