/**
 * Takes a container through its life from a Node program, without a daemon. As root: `node docs/examples/library.ts
 * BUNDLE`. BUNDLE is an OCI bundle: a directory with a root file system and a config.json. `npm run quickstart` leaves
 * one.
 */

import { openRuntime } from 'runchart';

const [, , bundle = ''] = process.argv;
const runtime = openRuntime({ root: '/run/runchart-example' });

runtime.subscribe((event) => {
  console.log(`${event.id}: ${event.type}${'phase' in event ? ` (${event.phase})` : ''}`);
});

const container = await runtime.create({ id: `example-${process.pid}`, bundle });
try {
  console.log(`its init is process ${(await container.state()).pid}`);
  await container.start();
  const exit = await container.wait();
  console.log(`it ended with status ${exit.status}`);
} finally {
  await container.delete({ force: true });
}
