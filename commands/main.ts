/**
 * Placeholder of the command line: enough to link and to measure.
 */
import { writeSync } from 'node:fs';

if (process.argv[2] === '--version') {
  writeSync(1, 'runchart version 0.1.0\n');
  process.exit(0);
}
writeSync(2, 'runchart: only --version is there yet\n');
process.exit(1);
