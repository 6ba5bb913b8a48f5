/**
 * Runs a container without root's rights: `node docs/examples/rootless.ts ROOTFS`. Root inside of it is you. ROOTFS has
 * to belong to you.
 */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostFacts, openRuntime } from 'runchart';

const [, , rootfs = ''] = process.argv;
const { rootless } = hostFacts();
console.log(rootless === undefined ? 'this program is root' : `this program has uid ${rootless.uid}`);

// Other users must not write to the state root, and it need not outlive the session.
const root = join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), `runchart-example-${process.getuid?.()}`);
const runtime = openRuntime({ root });
// What fits this user: a user namespace, and no limits that need a cgroup.
const container = await runtime.create({ id: `rootless-${process.pid}`, rootfs, args: ['id', '-u'] });
try {
  await container.start();
  const { status } = await container.wait();
  console.log(`it ended with status ${status}`);
} finally {
  await container.delete({ force: true });
  runtime.close();
}
