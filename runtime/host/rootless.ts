/** Whether this command has less than the host's root's rights. */

import { runsInUserNamespace } from '../../effects/namespaces/user/read-mappings.ts';
import type { Context } from '../container/context.ts';

export const runsRootless = ({ host, platform }: Context): boolean =>
  host.uid !== 0 || runsInUserNamespace(platform.local);
