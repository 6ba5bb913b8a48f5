/**
 * Tells what becomes of a container, and what it uses, as it happens. As root: `node docs/examples/live-events.ts
 * ROOTFS`. ROOTFS is a directory with a root file system: `npm run quickstart` leaves one.
 */

import { type ContainerEvent, openRuntime } from 'runchart';

const [, , rootfs = ''] = process.argv;
const runtime = openRuntime({ root: '/run/runchart-example' });

// One union: its type says what else there is.
function wordsFor(event: ContainerEvent): string {
  switch (event.type) {
    case 'creating':
    case 'deleting':
      return `${event.type}: ${event.phase}`;
    case 'stopped':
      return `stopped with status ${event.exit?.status}`;
    default:
      return event.type;
  }
}

using _subscription = runtime.subscribe((event) => console.log(`${event.id}: ${wordsFor(event)}`));
const container = await runtime.create({
  id: `live-events-${process.pid}`,
  rootfs,
  args: ['sh', '-c', 'i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; sleep 60'],
});
try {
  await container.start();
  let measured = 0;
  for await (const event of container.events({ intervalMs: 100 })) {
    if (event.type === 'oom') console.log('it has run out of memory');
    else console.log(`CPU time ${event.stats.cpu.usage?.total} ns, ${event.stats.pids.current} processes`);
    measured += 1;
    if (measured === 3) break;
  }
  await container.kill('KILL');
  await container.wait();
} finally {
  await container.delete({ force: true });
  runtime.close();
}
