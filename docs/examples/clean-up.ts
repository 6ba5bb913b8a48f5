/**
 * Cleans up after a program that has crashed. As root: `node docs/examples/clean-up.ts ROOTFS`. A container outlives
 * the program that made it. So a program has a state root of its own, and looks there first when it starts again.
 */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { openRuntime } from 'runchart';

const [, , rootfs = '', role = ''] = process.argv;
const root = `/run/runchart-example-${role === 'crash' ? process.ppid : process.pid}`;
const runtime = openRuntime({ root });

if (role === 'crash') {
  const container = await runtime.create({ id: `left-behind-${process.pid}`, rootfs, args: ['sleep', '1000'] });
  await container.start();
  process.kill(process.pid, 'SIGKILL');
}

const { signal } = spawnSync(process.execPath, [...process.execArgv, import.meta.filename, rootfs, 'crash'], {
  // What the container inherits would keep a pipe open.
  stdio: 'ignore',
});
console.log(`the first program ended by ${signal}`);

for (const { id, status, pid } of await runtime.list()) {
  console.log(`${id} is ${status}, its process ${pid}`);
  await runtime.container(id).delete({ force: true });
}
// A container whose state is damaged is not in the list; `onWarning` tells of it. Its name is enough to delete it.
console.log(`left: ${(await runtime.list()).length}`);
runtime.close();
rmSync(root, { recursive: true });
