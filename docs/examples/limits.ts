/** Limits time, memory and output. As root: `node docs/examples/limits.ts ROOTFS`. */

import { openRuntime } from 'runchart';

const [, , rootfs = ''] = process.argv;
await using runtime = openRuntime({ root: '/run/runchart-example' });

const slow = await runtime.run({ rootfs, args: ['sh', '-c', 'echo begun; sleep 1000'], timeout: 500 });
console.log(`too slow: ${slow.timedOut}, it said ${JSON.stringify(slow.stdout)}`);

const greedy = await runtime.run({ rootfs, args: ['sh', '-c', 'tail /dev/zero'], memory: '32m' });
console.log(`too large: ${greedy.outOfMemory}`);

const chatty = await runtime.run({ rootfs, args: ['sh', '-c', 'yes | head -n 100000'], maxBuffer: 10 });
console.log(`too much output: ${chatty.truncated}, kept ${JSON.stringify(chatty.stdout)}`);

// Somebody else decides. Nothing is left when the promise is rejected.
const controller = new AbortController();
const run = runtime.run({ rootfs, args: ['sleep', '1000'], signal: controller.signal });
await run.started;
controller.abort(new Error('nobody needs it any more'));
await run.catch((error: unknown) => console.log(`aborted: ${error instanceof Error ? error.message : error}`));
