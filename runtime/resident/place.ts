/** Where a resident server listens. native/resident/protocol.h has the same, for its clients. */

import { dirname } from 'node:path';
import { readLink } from '../../native/calls/read-link.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';

const DIRECTORY = '/run/runchart-resident';
/** A symlink of that name beside the launcher leads to another directory: for tests, and for a second build. */
const LINK = 'runchart-resident';

export interface Place {
  readonly directory: string;
  /** Where clients connect. */
  readonly socket: string;
  /** Where `serve --status` connects. */
  readonly status: string;
}

/** The launcher, which lies beside this engine. */
export const launcherBeside = (engine: string): string => `${dirname(engine)}/runchart`;

/** @param engine the path of this program */
export function placeBeside(kernel: Kernel, engine: string): Place {
  const directory = readLink(kernel, AT.FDCWD, `${dirname(engine)}/${LINK}`) ?? DIRECTORY;
  return { directory, socket: `${directory}/socket`, status: `${directory}/status` };
}
