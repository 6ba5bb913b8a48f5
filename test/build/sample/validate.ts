/** Validates the default config (argument `bad`: with a mistake in it), and tells whether that took zod. */
import { writeSync } from 'node:fs';
import { defaultConfig } from '../../../spec/default.ts';
import { checkConfig } from '../../../spec/validate.ts';

const config = { ...defaultConfig({ unifiedCgroups: true }), ...(process.argv[2] === 'bad' ? { hostname: 7 } : {}) };
try {
  await checkConfig(config);
  writeSync(1, 'valid\n');
} catch (error) {
  writeSync(1, `${(error as Error).message}\n`);
}
// zod keeps its settings there from its first line on.
writeSync(1, Object.keys(globalThis).some((name) => name.startsWith('__zod')) ? 'zod loaded\n' : 'zod not loaded\n');
