/** Tells errors apart. As root: `node docs/examples/errors.ts ROOTFS`. */

import { ConfigError, ContainerNotFoundError, openRuntime, RunchartError, WrongStateError } from 'runchart';

const [, , rootfs = ''] = process.argv;
const runtime = openRuntime({ root: '/run/runchart-example' });
const id = `errors-${process.pid}`;

async function attempt(what: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
    console.log(`${what}: done`);
  } catch (error) {
    console.log(`${what}: ${wordsFor(error)}`);
  }
}

function wordsFor(error: unknown): string {
  if (error instanceof ContainerNotFoundError) return `there is no ${error.id}`;
  if (error instanceof WrongStateError) return `not while it is ${error.status}`;
  if (error instanceof ConfigError) return `look at ${error.field}`;
  if (error instanceof RunchartError)
    return `${error.code} in phase ${error.phase}: ${error.errno}, path ${error.path}`;
  // A mistake of this program.
  throw error;
}

await attempt('start what is not there', () => runtime.container(id).start());
await attempt('a wrong option', () => runtime.create({ id, rootfs, memory: 'much' }));
await attempt('a program that is missing', () => runtime.create({ id, rootfs, args: ['no-such-program'] }));

const container = await runtime.create({ id, rootfs, args: ['sleep', '1000'] });
try {
  await attempt('resume before the start', () => container.resume());
  // The code says the same without the classes.
  await attempt('start', () => container.start());
} finally {
  await container.delete({ force: true });
  runtime.close();
}
