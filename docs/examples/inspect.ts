/**
 * Shows a program's containers in `runchart watch`, or in any inspector that hears the same protocol. As root:
 * `node docs/examples/inspect.ts LINK BUNDLE`. LINK is the second one that `runchart watch` prints.
 */

import { createWebSocketInspector } from '@statelyai/inspect';
import { openRuntime } from 'runchart';

const [, , url = '', bundle = ''] = process.argv;
const inspector = createWebSocketInspector({ url });
const runtime = openRuntime({ root: '/run/runchart-example', inspect: inspector.inspect });

const container = await runtime.create({ id: `inspected-${process.pid}`, bundle });
await container.start();
await container.wait();
await container.delete({ force: true });
runtime.close();
// The inspector sends what it has heard when there is nothing else to do.
setTimeout(() => inspector.stop(), 1000);
