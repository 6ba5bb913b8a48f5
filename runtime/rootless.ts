/** Whether this command has less than the host's root's rights. */

import { runsInUserNamespace } from '../effects/userns/read-mappings.ts';
import type { Context } from './context.ts';

export const runsRootless = ({ host, platform }: Context): boolean =>
  host.uid !== 0 || runsInUserNamespace(platform.local);
