/** Bundles the sample command: bundle.ts OUTPUT. Runs in Bun. */
import { join } from 'node:path';
import { bundle } from '../../../build/bundle.ts';

const [, , output = ''] = process.argv;
await bundle(join(import.meta.dirname, 'command.ts'), output, new Uint8Array());
