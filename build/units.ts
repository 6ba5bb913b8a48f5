/** Writes systemd's units of the resident server, for where the program is to be installed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where docs/engines.md installs it. The units in build/systemd/ say so too. */
const BY_HAND = '/usr/local/lib/runchart';

/** @param installed the folder of the launcher, on the machine that the units are for */
export function writeUnits(root: string, dist: string, installed = BY_HAND): void {
  for (const unit of ['runchart.service', 'runchart.socket']) {
    const text = readFileSync(join(root, 'build/systemd', unit), 'utf8');
    writeFileSync(join(dist, unit), text.replaceAll(`${BY_HAND}/`, `${installed}/`));
  }
}
