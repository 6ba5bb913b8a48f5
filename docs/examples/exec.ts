/**
 * Executes another program in a running container. As root: `node docs/examples/exec.ts BUNDLE PROGRAM [ARGUMENT…]`.
 * BUNDLE is an OCI bundle whose own program runs for a while.
 */

import { openRuntime } from 'runchart';

const [, , bundle = '', ...args] = process.argv;
const runtime = openRuntime({ root: '/run/runchart-example' });

const container = await runtime.create({ id: `example-exec-${process.pid}`, bundle });
try {
  await container.start();
  const executed = container.exec({ args, env: { GREETING: 'hello' }, cwd: '/', stdio: 'inherit' });
  await executed.started;
  console.log(`process ${executed.pid} is in ${container.id}`);
  const { status } = await executed;
  console.log(`it ended with status ${status}`);
} finally {
  await container.delete({ force: true });
  runtime.close();
}
