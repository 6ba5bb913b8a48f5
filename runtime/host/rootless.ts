/** Whether this command has fewer rights than root on the host. */

import { runsInUserNamespace } from '../../effects/namespaces/user/read-mappings.ts';
import type { Context } from '../container/context.ts';

export const runsRootless = ({ host, platform }: Context): boolean =>
  host.uid !== 0 || runsInUserNamespace(platform.local);
