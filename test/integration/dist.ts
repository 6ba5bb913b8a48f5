/** The dist/ that tests run. With `test/run.ts --resident` it is a copy whose launcher is a server's client. */

import { join } from 'node:path';

/** The one that was built. Its launcher finds no server, unless this machine has one: its commands are cold. */
export const BUILT = join(import.meta.dirname, '../../dist');

/** The runner sets it for its tests. runchart does not know it. */
export const DIST_VARIABLE = 'RUNCHART_TEST_DIST';

export const DIST = process.env[DIST_VARIABLE] || BUILT;

/** Whether commands are performed by a resident server. */
export const isResident: boolean = DIST !== BUILT;
