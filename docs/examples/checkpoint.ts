/**
 * Writes a running container to images, and brings it back. As root, with CRIU installed:
 * `node docs/examples/checkpoint.ts ROOTFS`.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRuntime } from 'runchart';

const [, , rootfs = ''] = process.argv;
const runtime = openRuntime({ root: '/run/runchart-example' });
const id = `checkpoint-${process.pid}`;
const imagePath = mkdtempSync(join(tmpdir(), 'runchart-example-'));
// Nothing of the container may be connected to this program.
const source = { rootfs, args: ['sleep', '1000'] };

const container = await runtime.create({ ...source, id });
try {
  await container.start();
  await container.checkpoint({ imagePath });
  console.log(`after the checkpoint: ${(await runtime.list()).some((one) => one.id === id) ? 'still there' : 'gone'}`);
  const restored = await runtime.restore({ ...source, id, imagePath });
  console.log(`after the restoration: ${(await restored.state()).status}`);
} finally {
  await container.delete({ force: true });
  rmSync(imagePath, { recursive: true });
  runtime.close();
}
