/** `--version`, in the lines that engines read: first the version, then `spec:`. */

import { writeSync } from 'node:fs';
import manifest from '../package.json' with { type: 'json' };
import { OCI_VERSION } from '../spec/version.ts';

export function printVersion(): number {
  writeSync(1, `runchart version ${manifest.version}\nspec: ${OCI_VERSION}\n`);
  return 0;
}
