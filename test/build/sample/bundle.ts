/** Bundles a sample: bundle.ts SAMPLE OUTPUT. Runs in Bun. */
import { join } from 'node:path';
import { bundle } from '../../../build/bundle.ts';

const [, , sample = '', output = ''] = process.argv;
await bundle(join(import.meta.dirname, sample), output, new Uint8Array());
