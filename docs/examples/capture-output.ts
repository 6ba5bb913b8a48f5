/**
 * Runs programs in containers, and takes what they write. As root: `node docs/examples/capture-output.ts ROOTFS`.
 * ROOTFS is a directory with a root file system.
 */

import { openRuntime } from 'runchart';

const [, , rootfs = ''] = process.argv;
await using runtime = openRuntime({ root: '/run/runchart-example' });

// A container for one program: it is gone when the result is there.
const sorted = await runtime.run({ rootfs, args: ['sort'], stdin: 'pears\napples\n' });
console.log(`status ${sorted.status}: ${JSON.stringify(sorted.stdout)}`);

// A container for several programs.
await using container = await runtime.create({ id: `capture-${process.pid}`, rootfs, args: ['sleep', '1000'] });
await container.start();
const { status, stderr } = await container.exec({ args: ['ls', '/no/such/file'] });
console.log(`status ${status}: ${stderr.trim()}`);

// Line by line, while it runs.
const counting = container.exec({ args: ['sh', '-c', 'for i in 1 2 3; do echo $i; done; exit 4'] });
for await (const line of counting) console.log(`line ${line}`);
console.log(`status ${(await counting).status}`);

// As a conversation.
const upper = container.exec({ args: ['tr', 'a-z', 'A-Z'], stdin: 'pipe' });
upper.stdin?.end('hello');
console.log((await upper).stdout);
